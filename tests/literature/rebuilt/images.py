"""Convolutional networks for images: chains, Inception, residual and dense ones."""

from functools import partial

import torch
from torch import nn

from tests.literature.rebuilt import Model, Sum, conv, head

plain = partial(conv, bias=True, norm=False)


def alexnet():
    pool = partial(nn.MaxPool2d, 3, 2)
    return nn.Sequential(
        *(plain(3, 96, 11, 4, 0), nn.LocalResponseNorm(5), pool()),
        *(plain(96, 256, 5, g=2), nn.LocalResponseNorm(5), pool()),
        *(plain(256, 384, 3), plain(384, 384, 3, g=2), plain(384, 256, 3, g=2), pool()),
        *(nn.Flatten(), nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)),
    )


def overfeat_fast():
    pool = partial(nn.MaxPool2d, 2, 2)
    return nn.Sequential(
        *(plain(3, 96, 11, 4, 0), pool(), plain(96, 256, 5, 1, 0), pool()),
        *(plain(256, 512, 3), plain(512, 1024, 3), plain(1024, 1024, 3), pool()),
        *(nn.Flatten(), nn.Linear(36864, 3072), nn.Linear(3072, 4096), nn.Linear(4096, 1000)),
    )


def lenet5():
    pool = partial(nn.AvgPool2d, 2, 2)
    return nn.Sequential(
        *(plain(1, 6, 5, 1, 2), pool(), plain(6, 16, 5, 1, 0), pool()),
        *(nn.Flatten(), nn.Linear(400, 120), nn.Linear(120, 84)),
    )


def overfeat_accurate():
    pool = partial(nn.MaxPool2d, 3, 3)
    return nn.Sequential(
        *(plain(3, 96, 7, 2, 0), pool(), plain(96, 256, 7, 1, 0), nn.MaxPool2d(2)),
        *(plain(256, 512, 3), plain(512, 512, 3), plain(512, 1024, 3), plain(1024, 1024, 3), pool()),
        *(nn.Flatten(), nn.Linear(25600, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)),
    )


def caffe_lenet():
    convs = (plain(1, 20, 5, 1, 0), nn.MaxPool2d(2), plain(20, 50, 5, 1, 0), nn.MaxPool2d(2))
    return nn.Sequential(*convs, nn.Flatten(), nn.Linear(800, 500), nn.Linear(500, 10))


def vgg(counts):
    layers, channels = [], 3
    for count, filters in zip(counts, (64, 128, 256, 512, 512), strict=True):
        for _ in range(count):
            layers.append(plain(channels, filters, 3))
            channels = filters
        layers.append(nn.MaxPool2d(2))
    fcs = (nn.Linear(25088, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000))
    return nn.Sequential(*layers, nn.Flatten(), *fcs)


class Branches(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet():
    def module(i, a, b, c, d):
        return Branches(
            plain(i, a),
            nn.Sequential(plain(i, b[0]), plain(b[0], b[1], 3)),
            nn.Sequential(plain(i, c[0]), plain(c[0], c[1], 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), plain(i, d)),
        )

    pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
    return nn.Sequential(
        *(plain(3, 64, 7, 2), pool(), plain(64, 64), plain(64, 192, 3), pool()),
        *(module(192, 64, (96, 128), (16, 32), 32), module(256, 128, (128, 192), (32, 96), 64), pool()),
        module(480, 192, (96, 208), (16, 48), 64),
        module(512, 160, (112, 224), (24, 64), 64),
        module(512, 128, (128, 256), (24, 64), 64),
        module(512, 112, (144, 288), (32, 64), 64),
        *(module(528, 256, (160, 320), (32, 128), 128), pool()),
        module(832, 256, (160, 320), (32, 128), 128),
        module(832, 384, (192, 384), (48, 128), 128),
        head(1024),
    )


def inception_v3():
    def chain(*convs):
        return nn.Sequential(*(conv(*c) if isinstance(c, tuple) else c for c in convs))

    def a(i, behind):
        pool = chain(nn.AvgPool2d(3, 1, 1), (i, behind))
        return Branches(
            conv(i, 64), chain((i, 48), (48, 64, 5)), chain((i, 64), (64, 96, 3), (96, 96, 3)), pool
        )

    def b(m, i=768):
        h, v = (1, 7), (7, 1)
        double = chain((i, m), (m, m, v), (m, m, h), (m, m, v), (m, 192, h))
        pool = chain(nn.AvgPool2d(3, 1, 1), (i, 192))
        return Branches(conv(i, 192), chain((i, m), (m, m, h), (m, 192, v)), double, pool)

    def c(i):
        def two():
            return Branches(conv(384, 384, (1, 3)), conv(384, 384, (3, 1)))

        left, right = chain((i, 384), two()), chain((i, 448), (448, 384, 3), two())
        return Branches(conv(i, 320), left, right, chain(nn.AvgPool2d(3, 1, 1), (i, 192)))

    pool = partial(nn.MaxPool2d, 3, 2)
    seven = ((768, 192), (192, 192, (1, 7)), (192, 192, (7, 1)), (192, 192, 3, 2, 0))
    return nn.Sequential(
        *(conv(3, 32, 3, 2, 0), conv(32, 32, 3, 1, 0), conv(32, 64, 3), pool()),
        *(conv(64, 80), conv(80, 192, 3, 1, 0), pool()),
        *(a(192, 32), a(256, 64), a(288, 64)),
        Branches(conv(288, 384, 3, 2, 0), chain((288, 64), (64, 96, 3), (96, 96, 3, 2, 0)), pool()),
        *(b(128), b(160), b(160), b(192)),
        Branches(chain((768, 192), (192, 320, 3, 2, 0)), chain(*seven), pool()),
        *(c(1280), c(2048), head(2048)),
    )


def resnet(counts, *, bottleneck=True, wide=1, first=True):
    layers, channels = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(counts):
        m = 64 * 2**stage
        for index in range(count):
            s, w = 2 if stage and not index else 1, m * wide
            if bottleneck:
                out, (s1, s2) = 4 * m, (s, 1) if first else (1, s)
                main = (conv(channels, w, 1, s1), conv(w, w, 3, s2), conv(w, out, act=None))
            else:
                out, main = m, (conv(channels, m, 3, s), conv(m, m, 3, act=None))
            shortcut = conv(channels, out, 1, s, act=None) if s > 1 or channels != out else None
            layers.append(Sum(nn.Sequential(*main), shortcut))
            channels = out
    return nn.Sequential(*layers, head(channels))


class Dense(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.norm, self.one = nn.BatchNorm2d(i), conv(i, 128)
        self.two = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.two(self.one(self.norm(x)))], 1)


def densenet121():
    layers, channels = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for block, count in enumerate((6, 12, 24, 16)):
        layers += [Dense(channels + 32 * index) for index in range(count)]
        channels += 32 * count
        layers.append(nn.BatchNorm2d(channels))
        if block < 3:
            layers += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, head(channels))


def squeezenet(first, pools):
    def fire(i, s, e):
        return nn.Sequential(plain(i, s), Branches(plain(s, e), plain(s, e, 3)))

    pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
    layers, channels = [plain(3, *first, 2, 0), pool()], first[0]
    for index, (s, e) in enumerate(zip((16, 32, 48, 64), (64, 128, 192, 256), strict=True)):
        for fire_number in (2 * index + 2, 2 * index + 3):
            layers.append(fire(channels, s, e))
            channels = 2 * e
            layers += [pool()] if fire_number in pools else []
    return nn.Sequential(*layers, plain(channels, 1000), nn.AdaptiveAvgPool2d(1))


def unet():
    def two(i, o):
        return nn.Sequential(plain(i, o, 3, 1, 0), plain(o, o, 3, 1, 0))

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            widths = (64, 128, 256, 512, 1024)
            self.down = nn.ModuleList(two(i, o) for i, o in zip((1, *widths), widths, strict=False))
            self.up = nn.ModuleList(nn.ConvTranspose2d(2 * o, o, 2, 2) for o in widths[3::-1])
            self.join = nn.ModuleList(two(2 * o, o) for o in widths[3::-1])
            self.last = plain(64, 2)

        def forward(self, x):
            kept = []
            for stage in self.down:
                x = stage(x if not kept else nn.functional.max_pool2d(x, 2))
                kept.append(x)
            for up, join, old in zip(self.up, self.join, kept[-2::-1], strict=True):
                x = up(x)
                x = join(torch.cat([old[:, :, : x.shape[2], : x.shape[3]], x], 1))
            return self.last(x)

    return UNet()


IMAGE = (3, 224, 224)
MODELS = {
    "lenet5": Model(lenet5, (1, 28, 28), None),
    "lenet5@version=caffe": Model(caffe_lenet, (1, 28, 28), 431_080),
    "alexnet": Model(alexnet, (3, 227, 227), 60_965_224),
    "overfeat_fast": Model(overfeat_fast, (3, 231, 231), None),
    "overfeat_accurate": Model(overfeat_accurate, (3, 221, 221), None),
    "vgg16": Model(partial(vgg, (2, 2, 3, 3, 3)), IMAGE, 138_357_544),
    "vgg19": Model(partial(vgg, (2, 2, 4, 4, 4)), IMAGE, 143_667_240),
    "googlenet": Model(googlenet, IMAGE, 6_998_552),
    "inception_v3": Model(inception_v3, (3, 299, 299), 23_834_568),
    "resnet18": Model(partial(resnet, (2, 2, 2, 2), bottleneck=False), IMAGE, 11_689_512),
    "resnet34": Model(partial(resnet, (3, 4, 6, 3), bottleneck=False), IMAGE, 21_797_672),
    "resnet50": Model(partial(resnet, (3, 4, 6, 3)), IMAGE, 25_557_032),
    "resnet50@version=1.5": Model(partial(resnet, (3, 4, 6, 3), first=False), IMAGE, 25_557_032),
    "resnet101": Model(partial(resnet, (3, 4, 23, 3)), IMAGE, 44_549_160),
    "resnet152": Model(partial(resnet, (3, 8, 36, 3)), IMAGE, 60_192_808),
    "wide_resnet50_2": Model(partial(resnet, (3, 4, 6, 3), wide=2, first=False), IMAGE, 68_883_240),
    "densenet121": Model(densenet121, IMAGE, 7_978_856),
    "squeezenet1_0": Model(partial(squeezenet, (96, 7), (4, 8)), (3, 227, 227), 1_248_424),
    "squeezenet1_1": Model(partial(squeezenet, (64, 3), (3, 5)), (3, 227, 227), 1_235_496),
    "unet": Model(unet, (1, 572, 572), None),
}
