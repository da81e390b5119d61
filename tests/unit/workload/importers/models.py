"""Small PyTorch models of every usual make, each with the shape of its example input."""

import torch
import torch.nn.functional as F  # noqa: N812 - as every PyTorch model calls it
from torch import nn


def conv_bn(c, m, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    padding = kernel // 2
    layers = [nn.Conv2d(c, m, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(m)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Residual(nn.Module):
    def __init__(self, c, m, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, m, 3, stride, 1, bias=False), nn.BatchNorm2d(m)
        self.conv2, self.bn2 = nn.Conv2d(m, m, 3, 1, 1, bias=False), nn.BatchNorm2d(m)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = conv_bn(c, m, 1, stride, activation=None) if stride > 1 or c != m else None

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Residual(8, 8), Residual(8, 8))
        self.layer2 = nn.Sequential(Residual(8, 16, 2), Residual(16, 16))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(16, 10)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


class SqueezeExcite(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(c, c // 4, 1), nn.Conv2d(c // 4, c, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True)))))


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3, 2, activation=nn.Hardswish)
        self.depthwise = conv_bn(8, 8, 3, 1, groups=8, activation=nn.ReLU6)
        self.excite = SqueezeExcite(8)
        self.pointwise = conv_bn(8, 16, 1, activation=None)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x):
        return self.head(self.pointwise(self.excite(self.depthwise(self.stem(x)))))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.three = conv_bn(3, 8, 1), nn.Sequential(conv_bn(3, 4, 1), conv_bn(4, 8, 3))
        self.wide = nn.Sequential(
            nn.Conv2d(3, 4, (1, 7), padding=(0, 3)), nn.Conv2d(4, 4, (7, 1), padding=(3, 0))
        )
        self.pooled = nn.Sequential(nn.AvgPool2d(3, 1, 1), conv_bn(3, 4, 1))

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.wide(x), self.pooled(x)], 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.bottom = conv_bn(3, 8), conv_bn(8, 16)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.smooth = nn.ConvTranspose2d(8, 8, 3, 2, 1, output_padding=1, groups=2)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        skip = self.down(x)
        x = self.up(self.bottom(F.max_pool2d(skip, 2)))
        x = self.out(torch.cat([x, skip], 1))
        return F.interpolate(x, scale_factor=2, mode="bilinear"), self.smooth(skip)


class Attention(nn.Module):
    """As transformers write it by hand: projections, heads, scaled dot products."""

    def __init__(self, width, heads, *, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (
            f(x).view(n, t, self.heads, c // self.heads).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(n, t, c))


class Block(nn.Module):
    def __init__(self, width, heads, *, causal=False):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal=causal)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.token = nn.Parameter(torch.zeros(1, 1, 32))
        self.positions = nn.Parameter(torch.zeros(1, 17, 32))
        self.blocks = nn.Sequential(Block(32, 4), Block(32, 4))
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.blocks(x)[:, 0])


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(100, 32), nn.Embedding(16, 32)
        self.blocks = nn.Sequential(Block(32, 4, causal=True))
        self.head = nn.Linear(32, 100, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        return self.head(self.blocks(x))


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.pooler = nn.Linear(32, 32)

    def forward(self, x):
        return torch.tanh(self.pooler(self.encoder(x)[:, 0]))


class Decoder(nn.Module):
    """nn.MultiheadAttention over other keys than queries, with the weights that it gives back."""

    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(32, 4, kdim=24, vdim=24, batch_first=True)

    def forward(self, x):
        y, weights = self.attend(x, x[..., :24], x[..., :24])
        return y, weights


class Speech(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(12, 16, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(32, 8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        y, _ = self.lstm(x)
        y, _ = self.gru(y)
        return F.log_softmax(self.fc(y), -1)


class Plain(nn.Module):
    """The plain recurrent cell, over a sequence and alone."""

    def __init__(self):
        super().__init__()
        self.rnn, self.cell = nn.RNN(12, 8, batch_first=True), nn.LSTMCell(8, 6)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.cell(y[:, -1])


class Volume(nn.Module):
    """Grouped 1-D and 3-D convolutions."""

    def __init__(self):
        super().__init__()
        self.wave = nn.Conv1d(4, 8, 5, 2, 2, groups=2, dilation=1)
        self.dilated = nn.Conv1d(8, 8, 3, padding=4, dilation=4, groups=8)
        self.cube = nn.Conv3d(2, 4, 3, padding=1, groups=2)
        self.raised = nn.ConvTranspose3d(4, 2, 2, 2)

    def forward(self, x):
        y = self.dilated(F.leaky_relu(self.wave(x)))
        return self.raised(self.cube(y.reshape(1, 2, 4, 4, 4)))


class Functional(nn.Module):
    """Operators without modules, and parameters of the model's own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, 3, 3, 3))
        self.mixing = nn.Parameter(torch.zeros(64, 20))

    def forward(self, x):
        x = F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight)
        x = (x * torch.sigmoid(x)).flatten(2) @ self.mixing
        y = torch.einsum("bij,bkj->bik", x, x)
        z = torch.bmm(y, x)
        return z.softmax(-1), torch.matmul(y[0], x)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(torch.relu(self.fc(x)))


SHAPES = {
    ResNet: (1, 3, 64, 64),
    MobileNet: (1, 3, 32, 32),
    Inception: (1, 3, 16, 16),
    UNet: (1, 3, 16, 16),
    ViT: (1, 3, 32, 32),
    GPT: (1, 16),
    Bert: (1, 10, 32),
    Decoder: (1, 10, 32),
    Speech: (1, 20, 12),
    Plain: (1, 20, 12),
    Volume: (1, 4, 32),
    Functional: (2, 3, 8, 8),
    Shared: (4, 8),
}


def example(model: type[nn.Module], device="cpu") -> torch.Tensor:
    """The example input of a model: token ids for the one that looks words up."""
    dtype = torch.int64 if model is GPT else torch.float32
    return torch.zeros(SHAPES[model], dtype=dtype, device=device)


def build(model: type[nn.Module]) -> nn.Module:
    """The model with random weights, so that no two constants are alike."""
    torch.manual_seed(0)
    made = model().eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.1)
    return made
