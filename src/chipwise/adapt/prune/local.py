"""One layer pruned by its feature map, and a whole network layer by layer, without any back-propagation."""

from dataclasses import dataclass
from typing import Any, final

from chipwise.adapt.prune.feature_map import Scope, by_groups, chosen, fitted
from chipwise.adapt.prune.masks import prunable, set_mask, set_weight
from chipwise.adapt.prune.rows import Rows, RowSampler, is_regressed
from chipwise.errors import InputError


@final
@dataclass(frozen=True, slots=True)
class Local:
    """How a layer is pruned: the parts of the published method, each of which can be left out."""

    restore: float = 0.25
    """Share of the kept weights that is chosen by feature-map error instead of magnitude."""
    least_squares: bool = True
    """Fit what is kept to the dense network's output."""
    ridge: float = 0.1
    """How much a fit is drawn to the present weights. Next to none (0.001) makes up for lost weights by large others,
    which fine-tuning then moves too little, as behind a normalisation steps shrink with the weights."""
    scope: Scope = "layer"
    """Whether as many weights stay of each `filter`, as published, or of the `layer`, wherever they are needed."""

    def __post_init__(self) -> None:
        if self.scope not in {"filter", "layer"}:
            raise InputError(f"scope = {self.scope!r} must be 'filter' or 'layer'")
        if not 0 <= self.restore < 1:
            raise InputError(f"restore = {self.restore} must be at least 0 and below 1")
        if self.ridge <= 0:
            raise InputError(f"ridge = {self.ridge} must be above 0")


USUAL = Local()
MAGNITUDE = Local(restore=0.0, least_squares=False)


def prune_layer(layer: Any, density: float, rows: Rows, how: Local = USUAL) -> None:
    """Prune one layer, in place, to `density`.

    Args:
        layer: a convolution or linear layer.
        density: fraction of the weights that stay; of those that were pruned before, none comes back.
        rows: what the layer reads now, with what it said in the dense network as the target: so a later layer makes
            up for what earlier ones have lost.
        how: what is done besides taking the largest.
    """
    groups = getattr(layer, "groups", 1)
    weight = by_groups(layer.weight.detach(), groups)
    mask = chosen(rows, weight, density, restore=how.restore, scope=how.scope) & (weight != 0)
    values = fitted(rows, weight, mask, ridge=how.ridge) if how.least_squares else weight * mask
    shape = layer.weight.shape
    set_mask(layer, mask.reshape(shape))
    set_weight(layer, values.reshape(shape))


def prune_locally(
    model: Any, density: float, sampler: RowSampler, how: Local = USUAL, spare: tuple[str, ...] = ()
) -> Any:
    """Prune every layer of `model`, in place and in the network's order, to one density; returns it.

    Args:
        model: the dense network.
        density: fraction of each layer's weights that stay.
        sampler: takes the rows.
        how: what is done besides taking the largest.
        spare: layers that stay whole.
    """
    outputs = sampler.outputs(model)
    for path, layer in prunable(model).items():
        if is_regressed(layer) and path not in spare:
            prune_layer(layer, density, sampler.rows(model, path, outputs[path]), how)
    return model
