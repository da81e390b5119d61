"""Networks for small devices: depthwise convolutions, squeeze and excitation, shuffles and shifts."""

from functools import partial

import torch
from torch import nn

from tests.literature.rebuilt import Model, Sum, conv, head


def divisible(channels, by=8):
    near = max(by, int(channels + by / 2) // by * by)
    return near + by if near < 0.9 * channels else near


def separable(i, o, s, k=3):
    return nn.Sequential(conv(i, i, k, s, g=i), conv(i, o))


def mobilenet_v1(width=1.0):
    w = [int(width * c) for c in (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    blocks = [separable(i, o, s) for i, o, s in zip(w, w[1:], strides, strict=False)]
    return nn.Sequential(conv(3, w[0], 3, 2), *blocks, head(w[-1]))


class Excite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        one = conv(channels, squeezed, bias=True, norm=False)
        two = conv(squeezed, channels, bias=True, norm=False, act=nn.Sigmoid)
        self.factor = nn.Sequential(nn.AdaptiveAvgPool2d(1), one, two)

    def forward(self, x):
        return x * self.factor(x)


def inverted(i, e, o, k, s, squeezed=0):
    layers = [conv(i, e)] if e != i else []
    layers.append(conv(e, e, k, s, g=e))
    layers += [Excite(e, squeezed)] if squeezed else []
    block = nn.Sequential(*layers, conv(e, o, act=None))
    return Sum(block) if i == o and s == 1 else block


def mobilenet_v2(width=1.0):
    i = divisible(32 * width)
    layers = [conv(3, i, 3, 2)]
    for t, c, n, s in (
        *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
        *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
    ):
        for index in range(n):
            o = divisible(c * width)
            layers.append(inverted(i, t * i, o, 3, 1 if index else s))
            i = o
    last = divisible(1280 * max(1.0, width))
    return nn.Sequential(*layers, conv(i, last), head(last))


LARGE = (
    *((16, 16, 16, 3, 1, 0), (16, 64, 24, 3, 2, 0), (24, 72, 24, 3, 1, 0)),
    *((24, 72, 40, 5, 2, 1), (40, 120, 40, 5, 1, 1), (40, 120, 40, 5, 1, 1)),
    *((40, 240, 80, 3, 2, 0), (80, 200, 80, 3, 1, 0), (80, 184, 80, 3, 1, 0), (80, 184, 80, 3, 1, 0)),
    *((80, 480, 112, 3, 1, 1), (112, 672, 112, 3, 1, 1)),
    *((112, 672, 160, 5, 2, 1), (160, 960, 160, 5, 1, 1), (160, 960, 160, 5, 1, 1)),
)
SMALL = (
    *((16, 16, 16, 3, 2, 1), (16, 72, 24, 3, 2, 0), (24, 88, 24, 3, 1, 0), (24, 96, 40, 5, 2, 1)),
    *((40, 240, 40, 5, 1, 1), (40, 240, 40, 5, 1, 1), (40, 120, 48, 5, 1, 1), (48, 144, 48, 5, 1, 1)),
    *((48, 288, 96, 5, 2, 1), (96, 576, 96, 5, 1, 1), (96, 576, 96, 5, 1, 1)),
)


def mobilenet_v3(rows, last, classifier):
    blocks = [inverted(i, e, o, k, s, se * divisible(e / 4)) for i, e, o, k, s, se in rows]
    top = (nn.Linear(last, classifier), nn.Hardswish(), nn.Linear(classifier, 1000))
    end = (conv(rows[-1][2], last), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *top)
    return nn.Sequential(conv(3, 16, 3, 2), *blocks, *end)


def efficientnet_b0():
    i, layers = 32, [conv(3, 32, 3, 2)]
    for t, k, c, n, s in (
        *((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2)),
        *((6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1)),
    ):
        for index in range(n):
            layers.append(inverted(i, t * i, c, k, 1 if index else s, i // 4))
            i = c
    return nn.Sequential(*layers, conv(320, 1280), head(1280))


def xception():
    def sep(i, o):
        return nn.Sequential(nn.Conv2d(i, i, 3, padding=1, groups=i, bias=False), conv(i, o))

    def halving(i, a, b):
        return Sum(nn.Sequential(sep(i, a), sep(a, b), nn.MaxPool2d(3, 2, 1)), conv(i, b, 1, 2, act=None))

    middle = [Sum(nn.Sequential(*(sep(728, 728) for _ in range(3)))) for _ in range(8)]
    return nn.Sequential(
        *(conv(3, 32, 3, 2, 0), conv(32, 64, 3, 1, 0)),
        *(halving(64, 128, 128), halving(128, 256, 256), halving(256, 728, 728), *middle),
        *(halving(728, 728, 1024), sep(1024, 1536), sep(1536, 2048), head(2048)),
    )


class Shuffle(nn.Module):
    """Halves of the channels; the right goes through a branch, the left too where the plane is halved."""

    def __init__(self, right, left=None, *, whole=False):
        super().__init__()
        self.right, self.left, self.whole = right, left or nn.Identity(), whole

    def forward(self, x):
        left, right = (x, x) if self.whole else x.chunk(2, 1)
        y = torch.cat([self.left(left), self.right(right)], 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet_v2(widths, last):
    layers, i = [conv(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
    for c, n in zip(widths, (4, 8, 4), strict=True):
        h = c // 2
        for index in range(n):
            s, a = (1, h) if index else (2, i)
            dw = conv(h, h, 3, s, g=h, act=None)
            left = None if index else nn.Sequential(conv(i, i, 3, 2, g=i, act=None), conv(i, h))
            layers.append(Shuffle(nn.Sequential(conv(a, h), dw, conv(h, h)), left, whole=not index))
        i = c
    return nn.Sequential(*layers, conv(i, last), head(last))


def dirac_delta_net():
    half = partial(nn.MaxPool2d, 2, 2)
    layers = [conv(3, 32), half(padding=1), conv(32, 64), half(padding=1)]
    i = 64
    for c, n in zip((116, 232, 464), (4, 8, 4), strict=True):
        h = c // 2
        for index in range(n):
            whole = index == 0 and i != 64
            a = i if whole else (i if index == 0 else c) // 2
            left = nn.Sequential(half(), conv(a, h)) if index == 0 else None
            right = nn.Sequential(conv(a, c), *([half()] if index == 0 else []), conv(c, h))
            layers.append(Shuffle(right, left, whole=whole))
        i = c
    return nn.Sequential(*layers, conv(i, 1024), head(1024))


def squeezenext23(counts):
    def unit(i, o, s):
        r = i if s == 2 else i // 4 if i > o else i // 2
        main = (cb(i, r, 1, s), cb(r, r // 2), cb(r // 2, r, (1, 3)), cb(r, r, (3, 1)), cb(r, o))
        return Sum(nn.Sequential(*main), cb(i, o, 1, s) if s == 2 or i > o else None)

    cb = partial(conv, bias=True)
    layers, i = [cb(3, 64, 7, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True)], 64
    for stage, (n, o) in enumerate(zip(counts, (32, 64, 128, 256), strict=True)):
        for index in range(n):
            layers.append(unit(i, o, 2 if stage and not index else 1))
            i = o
    return nn.Sequential(*layers, cb(256, 128), head(128))


class FastDepth(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
        sizes = zip(encoder, encoder[1:], strides, strict=False)
        self.encoder = nn.ModuleList([conv(3, encoder[0], 3, 2), *(separable(i, o, s) for i, o, s in sizes)])
        down = zip((encoder[-1], *decoder), decoder, strict=False)
        self.decoder = nn.ModuleList(separable(i, o, 1, 5) for i, o in down)
        self.last = conv(decoder[-1], 1)

    def forward(self, x):
        kept = []
        for layer in self.encoder:
            x = layer(x)
            kept.append(x)
        for index, layer in enumerate(self.decoder, start=1):
            x = nn.functional.interpolate(layer(x), scale_factor=2)
            if index in {2, 3, 4}:
                x = x + kept[{2: 5, 3: 3, 4: 1}[index]]
        return self.last(x)


PRUNED = (16, 56, 88, 120, 144, 256, 408, 376, 272, 288, 296, 328, 480, 512)
WHOLE = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
IMAGE, SMALL_IMAGE = (3, 224, 224), (3, 128, 128)
MODELS = {
    "mobilenet_v1": Model(mobilenet_v1, IMAGE, 4_231_976),
    "mobilenet_v1@width=0.25,resolution=128": Model(partial(mobilenet_v1, 0.25), SMALL_IMAGE, None),
    "mobilenet_v2": Model(mobilenet_v2, IMAGE, 3_504_872),
    "mobilenet_v2@width=0.35,resolution=96": Model(partial(mobilenet_v2, 0.35), (3, 96, 96), None),
    "mobilenet_v2@width=1.4": Model(partial(mobilenet_v2, 1.4), IMAGE, None),
    "mobilenet_v3_large": Model(partial(mobilenet_v3, LARGE, 960, 1280), IMAGE, 5_483_032),
    "mobilenet_v3_small": Model(partial(mobilenet_v3, SMALL, 576, 1024), IMAGE, 2_542_856),
    "efficientnet_b0": Model(efficientnet_b0, IMAGE, 5_288_548),
    "xception": Model(xception, (3, 299, 299), 22_855_952),
    "shufflenet_v2": Model(partial(shufflenet_v2, (116, 232, 464), 1024), IMAGE, 2_278_604),
    "shufflenet_v2@width=0.5": Model(partial(shufflenet_v2, (48, 96, 192), 1024), IMAGE, 1_366_792),
    "shufflenet_v2@width=2": Model(partial(shufflenet_v2, (244, 488, 976), 2048), IMAGE, 7_393_996),
    "dirac_delta_net": Model(dirac_delta_net, IMAGE, None),
    "squeezenext23": Model(partial(squeezenext23, (6, 6, 8, 1)), IMAGE, 724_056),
    "squeezenext23@version=5": Model(partial(squeezenext23, (2, 4, 14, 1)), IMAGE, 921_816),
    "fastdepth": Model(partial(FastDepth, PRUNED, (200, 256, 120, 56, 16)), IMAGE, None),
    "fastdepth@pruned=false": Model(partial(FastDepth, WHOLE, (512, 256, 128, 64, 32)), IMAGE, None),
}
