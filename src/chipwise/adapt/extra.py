"""What the extra `[torch]` brings: everything in `adapt` that computes imports it from here."""

from chipwise.errors import MissingExtra

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:  # pragma: no cover - the extra is installed where this is tested
    raise MissingExtra("adapting a network needs PyTorch: pip install 'chipwise[torch]'") from missing

__all__ = ["nn", "torch"]
