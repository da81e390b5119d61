"""Masks of weights, as parametrizations: what is pruned stays zero whatever an optimiser does."""

from collections.abc import Mapping
from typing import Any, final

from chipwise.adapt.extra import nn, torch
from chipwise.errors import InputError

PRUNABLE = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


@final
class Mask(nn.Module):  # type: ignore[misc]
    """Multiplies a weight with zeros and ones."""

    def __init__(self, mask: Any) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Any) -> Any:
        """The masked weight."""
        return weight * self.mask


def prunable(model: Any) -> dict[str, Any]:
    """The convolutions and linear layers of a network, by path."""
    return {path: part for path, part in model.named_modules() if isinstance(part, PRUNABLE)}


def set_mask(layer: Any, mask: Any) -> None:
    """Keep of a layer's weights those where `mask` is true; replaces a mask that it has.

    Networks are cut to size first and masked then: channels of masked layers can't be removed.

    Raises:
        InputError: the weight has a parametrization of somebody else's.
    """
    # A layer's own precision: a mask of another one would change it.
    kept = mask.to(layer.weight.dtype)
    if nn.utils.parametrize.is_parametrized(layer, "weight"):
        if not isinstance(layer.parametrizations.weight[0], Mask):
            raise InputError(
                f"{layer}: its weight has a parametrization of its own, which a mask would not reach; remove it with "
                "torch.nn.utils.parametrize.remove_parametrizations first"
            )
        layer.parametrizations.weight[0].mask = kept
    else:
        nn.utils.parametrize.register_parametrization(layer, "weight", Mask(kept))


def set_masks(model: Any, masks: Mapping[str, Any]) -> None:
    """`set_mask` of each layer that `masks` names."""
    layers = prunable(model)
    for path, mask in masks.items():
        set_mask(layers[path], mask)


def mask_of(layer: Any) -> Any:
    """Where a layer's weights are kept, all true for a layer without mask."""
    if nn.utils.parametrize.is_parametrized(layer, "weight"):
        return layer.parametrizations.weight[0].mask.bool()
    return torch.ones_like(layer.weight, dtype=torch.bool)


def set_weight(layer: Any, weight: Any) -> None:
    """Give a layer other weights, under its mask if it has one."""
    masked = nn.utils.parametrize.is_parametrized(layer, "weight")
    own = layer.parametrizations.weight.original if masked else layer.weight
    with torch.no_grad():
        own.copy_(weight)


def bake(model: Any) -> Any:
    """Turn masks into plain zeros, in place, and return the network, which then is one like any other."""
    for layer in prunable(model).values():
        if nn.utils.parametrize.is_parametrized(layer, "weight"):
            weight = layer.weight.detach().clone()
            # PyTorch's own removal takes the property away from the class, which copies of the layer share.
            del layer.parametrizations
            layer.__class__ = type(layer).__bases__[0]
            layer.register_parameter("weight", nn.Parameter(weight))
    return model


def densities(model: Any) -> dict[str, float]:
    """Fraction of non-zero weights of each layer, by path."""
    return {
        path: torch.count_nonzero(layer.weight).item() / layer.weight.numel()
        for path, layer in prunable(model).items()
    }


def zeros_kept(model: Any) -> dict[str, Any]:
    """By parameter, where the weights of a baked network are not zero: for `Task.finetune(masks=...)`."""
    return {f"{path}.weight": (layer.weight != 0).float() for path, layer in prunable(model).items()}


def mask_zeros(model: Any) -> Any:
    """Mask, in place, what is zero already, and return the network: the inverse of `bake`."""
    layers = prunable(model)
    set_masks(
        model,
        {path: layer.weight.detach() != 0 for path, layer in layers.items() if (layer.weight == 0).any()},
    )
    return model
