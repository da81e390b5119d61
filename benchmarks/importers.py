"""How long the import of a network takes beside what PyTorch or ONNX themselves take.

    python benchmarks/importers.py

Prints seconds, best of three, for a ResNet-50 in PyTorch and the same exported to ONNX, and for a transformer of 48
blocks. "besides" is what is promised to stay below two seconds.
"""

import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from torch import nn

from chipwise.workload.load import load_network


class Bottleneck(nn.Module):
    """Three convolutions with a shortcut."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        wide = 4 * filters
        self.path = nn.Sequential(
            nn.Conv2d(channels, filters, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
        )
        same = channels == wide and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels, wide, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        return torch.relu(self.path(x) + self.shortcut(x))


def resnet50() -> nn.Module:
    """The usual network."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks, channels = [], 64
    for stage, count in enumerate((3, 4, 6, 3)):
        for index in range(count):
            filters = 64 * 2**stage
            blocks.append(Bottleneck(channels, filters, 2 if stage and not index else 1))
            channels = 4 * filters
    return nn.Sequential(
        *stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)
    ).eval()


def transformer() -> nn.Module:
    """48 blocks of width 64, so that its weights take no time."""
    layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
    return nn.TransformerEncoder(layer, 48, enable_nested_tensor=False).eval()


def seconds(act: Callable[[], object]) -> float:
    """The best of three: other work on the machine is not what is measured."""
    found = []
    for _ in range(3):
        begin = time.perf_counter()
        act()
        found.append(time.perf_counter() - begin)
    return min(found)


def show(name: str, ours: float, theirs: float, layers: int) -> None:
    """One line of the table."""
    print(
        f"{name:24} {layers:4} layers  {ours:6.2f} s in all  {theirs:6.2f} s theirs  {ours - theirs:6.2f} s besides"
    )


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_grad_enabled(mode=False)
    models = {"resnet50": (resnet50(), (1, 3, 224, 224)), "transformer": (transformer(), (1, 128, 64))}
    for name, (model, shape) in models.items():
        example = torch.zeros(shape)
        network = load_network(model, example_input=example)  # the first export loads much of torch
        theirs = seconds(lambda m=model, e=example: torch.export.export(m, (e,), strict=False))
        ours = seconds(lambda m=model, e=example: load_network(m, example_input=e))
        show(f"{name}, PyTorch", ours, theirs, len(network.layers))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.onnx"
            torch.onnx.export(model, (example,), path, dynamo=True, verbose=False)
            theirs = seconds(lambda p=path: onnx.shape_inference.infer_shapes(onnx.load(p)))
            ours = seconds(lambda p=path: load_network(p))
            show(f"{name}, ONNX", ours, theirs, len(load_network(path).layers))


if __name__ == "__main__":
    main()
