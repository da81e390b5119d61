"""A small residual network in PyTorch, for `chipwise describe torch:examples.pytorch_model:model --input 3x32x32`."""

import torch
from torch import nn


class Net(nn.Module):
    """Three convolutions, one of them depthwise, with a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pointwise = nn.Conv2d(16, 16, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of an image."""
        x = self.stem(image)
        x = x + torch.relu(self.pointwise(self.depthwise(x)))
        return self.fc(self.pool(x).flatten(1))


def model() -> nn.Module:
    """The network, with weights that do not matter."""
    return Net()
