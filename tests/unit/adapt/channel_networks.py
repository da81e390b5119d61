"""Networks that tie channels in every way that networks do, with weights and statistics that hide nothing."""

import torch
from torch import nn

X = (torch.zeros(2, 3, 8, 8),)


def conv(c: int, m: int, k: int = 3, **kwargs) -> nn.Conv2d:
    return nn.Conv2d(c, m, k, padding=k // 2, **kwargs)


def block(c: int, m: int, **kwargs) -> nn.Sequential:
    return nn.Sequential(conv(c, m, **kwargs), nn.BatchNorm2d(m), nn.ReLU())


class Head(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.fc = nn.Linear(c, 5)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = block(3, 8), block(8, 6), block(6, 8)
        self.down, self.c, self.head = conv(8, 12, 1), block(8, 12), Head(12)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.b(self.a(x))
        return self.head(torch.relu(self.c(x).add_(self.down(x))))


class Concat(nn.Module):
    """Dense blocks, and a concatenation that is flattened with no layer between."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = block(3, 6), block(6, 4), block(10, 8)
        self.fc = nn.Linear(18 * 4, 5)

    def forward(self, x):
        x = self.a(x)
        y = torch.cat([x, self.b(x)], 1)
        y = torch.cat([self.c(y), y], 1)
        return self.fc(nn.functional.adaptive_avg_pool2d(y, 2).flatten(1))


class Depthwise(nn.Module):
    """Depthwise separable layers, one with two filters per channel, an inverted residual, PReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.dw, self.pw = block(3, 8), block(8, 8, groups=8), conv(8, 10, 1)
        self.act = nn.PReLU(10, init=0.3)
        self.expand, self.twice, self.project = conv(10, 6, 1), conv(6, 12, groups=6), conv(12, 10, 1)
        self.head = Head(10)

    def forward(self, x):
        x = self.act(self.pw(self.dw(nn.functional.pad(self.stem(x), (0, 1, 0, 1)))))
        return self.head(x + self.project(self.twice(nn.functional.relu6(self.expand(x)))))


class Grouped(nn.Module):
    """Grouped layers of unlike numbers of groups, and a channel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a, self.b = block(3, 12), block(12, 24, groups=2), block(24, 12, groups=4)
        self.c, self.head = block(12, 8, groups=2), Head(8)

    def forward(self, x):
        x = self.b(self.a(self.stem(x)))
        n, c, h, w = x.shape
        x = x.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.head(self.c(x))


class Gate(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.pool, self.down, self.up = nn.AdaptiveAvgPool2d(1), conv(c, 4, 1), conv(4, c, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(torch.relu(self.down(self.pool(x)))))


class SqueezeExcite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(block(3, 8), Gate(8), block(8, 6), Gate(6), Head(6))

    def forward(self, x):
        return self.body(x)


class Flatten(nn.Module):
    """Convolutions, then fully-connected layers; a split into equal parts; a transposed convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.up = block(3, 8), block(4, 6), nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.pool, self.fc1, self.fc2 = nn.MaxPool2d(4), nn.Linear(4 * 16, 12), nn.Linear(12, 5)

    def forward(self, x):
        left, right = self.a(x).chunk(2, dim=1)
        x = torch.relu(self.up(self.b(left * right + left)))
        return self.fc2(torch.relu(self.fc1(torch.flatten(self.pool(x), 1))))


class Shared(nn.Module):
    """One layer that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.twice, self.head = block(3, 8), conv(8, 8), Head(8)

    def forward(self, x):
        return self.head(torch.relu(self.twice(torch.relu(self.twice(self.stem(x))))))


NETWORKS = (Residual, Concat, Depthwise, Grouped, SqueezeExcite, Flatten, Shared)


def made(network: type[nn.Module], seed: int = 0) -> nn.Module:
    """The network, with statistics and scales as after training."""
    torch.manual_seed(seed)
    model = network()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()
