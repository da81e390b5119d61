"""Networks of the zoo written again in PyTorch, apart from chipwise: what its counts are compared with.

Each module has `MODELS`: per name of the zoo (with parameters) a function that makes the module, the shape of
its input, and the number of parameters that is published for it, None where none is known.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn


class Model(NamedTuple):
    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    parameters: int | None


def conv(i, o, k=1, s=1, p=None, g=1, *, bias=False, norm=True, act=nn.ReLU):
    """Convolution, normalisation, activation; `p` pads the plane back to its size by default."""
    k = (k, k) if isinstance(k, int) else k
    p = tuple((x - 1) // 2 for x in k) if p is None else p
    parts = [nn.Conv2d(i, o, k, s, p, groups=g, bias=bias)]
    parts += [nn.BatchNorm2d(o)] if norm else []
    return nn.Sequential(*parts, *([act()] if act else []))


class Sum(nn.Module):
    """What the main path makes plus the input, or what a shortcut makes of it."""

    def __init__(self, main, shortcut=None):
        super().__init__()
        self.main, self.shortcut = main, shortcut or nn.Identity()

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


def head(channels, classes=1000):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
