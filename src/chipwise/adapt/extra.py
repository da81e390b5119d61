"""What the extra `[torch]` brings: everything in `adapt` that computes imports it from here."""

from typing import Any

from chipwise.errors import MissingExtra

try:
    import torch
    from torch import nn
except ModuleNotFoundError as missing:  # pragma: no cover - the extra is installed where this is tested
    raise MissingExtra("adapting a network needs PyTorch: pip install 'chipwise[torch]'") from missing

# PyTorch's own tools for nested arguments and for following operations have no public names.
tree_flatten = torch.utils._pytree.tree_flatten  # noqa: SLF001
tree_map = torch.utils._pytree.tree_map  # noqa: SLF001
TorchDispatchMode: Any = torch.utils._python_dispatch.TorchDispatchMode  # noqa: SLF001

__all__ = ["TorchDispatchMode", "nn", "torch", "tree_flatten", "tree_map"]
