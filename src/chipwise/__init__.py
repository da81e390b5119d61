"""chipwise: what a deep neural network costs on a chip, why, and what to change.

The public names load on first use, so that `import chipwise` and `chipwise --help` stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from chipwise import adapt
    from chipwise.analysis.algorithms.compare import compare_algorithms
    from chipwise.analysis.card import card
    from chipwise.analysis.compare import compare
    from chipwise.analysis.evaluate import evaluate, evaluate_mapping, find_front, find_mapping
    from chipwise.analysis.eyexam import eyexam, eyexam_of
    from chipwise.analysis.metrics import Given, metrics, scaling
    from chipwise.analysis.roofline import roofline
    from chipwise.analysis.statistics import describe
    from chipwise.components.load import load_accelerator
    from chipwise.errors import ChipwiseError, InputError, NoMappingError
    from chipwise.measure.densities import measure_densities
    from chipwise.workload.kinds import conv, fully_connected, matmul
    from chipwise.workload.load import load_network

_PACKAGES = ("adapt",)
"""Packages that are functions, too."""

_HOME = {
    "ChipwiseError": "chipwise.errors",
    "Given": "chipwise.analysis.metrics",
    "InputError": "chipwise.errors",
    "NoMappingError": "chipwise.errors",
    "card": "chipwise.analysis.card",
    "compare": "chipwise.analysis.compare",
    "compare_algorithms": "chipwise.analysis.algorithms.compare",
    "conv": "chipwise.workload.kinds",
    "describe": "chipwise.analysis.statistics",
    "evaluate": "chipwise.analysis.evaluate",
    "evaluate_mapping": "chipwise.analysis.evaluate",
    "eyexam": "chipwise.analysis.eyexam",
    "eyexam_of": "chipwise.analysis.eyexam",
    "find_front": "chipwise.analysis.evaluate",
    "find_mapping": "chipwise.analysis.evaluate",
    "fully_connected": "chipwise.workload.kinds",
    "load_accelerator": "chipwise.components.load",
    "load_network": "chipwise.workload.load",
    "matmul": "chipwise.workload.kinds",
    "measure_densities": "chipwise.measure.densities",
    "metrics": "chipwise.analysis.metrics",
    "roofline": "chipwise.analysis.roofline",
    "scaling": "chipwise.analysis.metrics",
}

__all__ = [
    "ChipwiseError",
    "Given",
    "InputError",
    "NoMappingError",
    "adapt",
    "card",
    "compare",
    "compare_algorithms",
    "conv",
    "describe",
    "evaluate",
    "evaluate_mapping",
    "eyexam",
    "eyexam_of",
    "find_front",
    "find_mapping",
    "fully_connected",
    "load_accelerator",
    "load_network",
    "matmul",
    "measure_densities",
    "metrics",
    "roofline",
    "scaling",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _PACKAGES:
        return import_module(f"chipwise.{name}")
    raise AttributeError(f"module 'chipwise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
