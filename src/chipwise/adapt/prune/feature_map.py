"""Weights chosen, and fitted, by the error that they make in a layer's output feature map (Yang et al., CVPR 2017).

Per filter, with X the rows that it reads and Y what the dense network says there:
    choose   min Σ ‖Y − X·a‖₁ with at most q weights, greedily, from what magnitude leaves
    fit      min ‖Y − X·a‖₂² + λ·‖a − a₀‖² on the chosen weights, in closed form
"""

from typing import Any, Literal

from chipwise.adapt.extra import torch
from chipwise.adapt.prune.magnitude import largest
from chipwise.adapt.prune.rows import Rows

Scope = Literal["filter", "layer"]

SWEEPS = 4
"""In which weights are restored: after each, what they have changed is looked at."""

RESTORE_ROWS = 1000
"""Rows that restoring looks at; sums of absolute values need far fewer than a fit."""


def by_groups(weight: Any, groups: int) -> Any:
    """A layer's weight as groups x filters x weights of a filter."""
    return weight.reshape(groups, weight.shape[0] // groups, -1)


def chosen(rows: Rows, weight: Any, density: float, *, restore: float = 0.25, scope: Scope = "layer") -> Any:
    """Mask of the weights that stay: the largest, but the last ones of them by feature-map error.

    Magnitude picks density·(1 − restore) of them; then, in a few sweeps, those weights come back, at their values, that
    lower the error ‖Y − X·a‖₁ of their filter most, given the ones that are there.

    Args:
        rows: of the layer.
        weight: groups x filters x weights of a filter.
        density: fraction that stays, at least one weight of each filter or of the layer.
        restore: share of them that is chosen by feature-map error.
        scope: `filter` keeps as many of each filter, as published; `layer` as many of the layer, of the filters that
            need them. At density 0.2 that is worth about three points before any training (studies/pruning.py).
    """
    count = weight[0, 0].numel() if scope == "filter" else weight.numel()
    keep = max(1, round(density * count))
    first = min(keep, max(1, keep - round(keep * restore)))
    mask = _largest(weight.abs(), first, scope)
    missing = keep - first
    for sweep in range(SWEEPS if missing > 0 else 0):
        more = missing * (sweep + 1) // SWEEPS - missing * sweep // SWEEPS
        if more:
            gains = torch.stack([_gains(rows, weight, mask, g) for g in range(len(weight))])
            gains[mask] = -float("inf")
            mask = mask | _largest(gains, more, scope)
    return mask


def _largest(values: Any, keep: int, scope: Scope) -> Any:
    """True for the `keep` largest values, of each filter or of all."""
    if scope == "layer":
        return largest(values, keep)
    rows = values.reshape(-1, values.shape[-1])
    return torch.stack([largest(row, keep) for row in rows]).reshape(values.shape)


def _gains(rows: Rows, weight: Any, mask: Any, g: int) -> Any:
    """By how much the error of its filter falls with each weight of a group back, one at a time."""
    x, y = rows.x[g][:RESTORE_ROWS], rows.y[g][:RESTORE_ROWS]
    residual = y - x @ (weight[g] * mask[g]).T
    without = residual.abs().sum(0)
    parts = [
        before - (residual[:, f : f + 1] - x * weight[g, f]).abs().sum(0) for f, before in enumerate(without)
    ]
    return torch.stack(parts)


def fitted(rows: Rows, weight: Any, mask: Any, *, ridge: float = 0.1) -> Any:
    """Least-squares values of the kept weights; the others are zero.

    a = (G + λ·I)⁻¹·(b + λ·a₀) on the kept weights, with G = XᵀX, b = Xᵀy, λ = ridge · mean diagonal of G. The penalty
    draws towards the present values a₀, not to zero: what inputs that are always zero leave open stays as it is, and
    the error on these rows can only fall, as a₀ itself is a candidate.

    Args:
        rows: of the layer; many more than weights are kept.
        weight: present values, groups x filters x weights of a filter.
        mask: which are kept.
        ridge: weight of the penalty, above 0.
    """
    result = torch.zeros_like(weight)
    for g in range(len(weight)):
        gram, product = rows.normal[g]
        penalty = ridge * gram.diagonal().mean().clamp_min(1e-12)
        for f in range(weight.shape[1]):
            kept = mask[g, f].nonzero()[:, 0]
            if not len(kept):
                continue
            before = weight[g, f, kept].double()
            system = gram[kept[:, None], kept] + penalty * torch.eye(len(kept), dtype=torch.float64)
            solved = torch.cholesky_solve(
                (product[kept, f] + penalty * before)[:, None], torch.linalg.cholesky(system)
            )
            result[g, f, kept] = solved[:, 0].to(weight.dtype)
    return result


def error(rows: Rows, weight: Any) -> float:
    """‖Y − X·A‖₂ / ‖Y‖₂ over all filters."""
    wrong = rows.y - rows.x @ weight.transpose(1, 2)
    return float(wrong.norm() / rows.y.norm().clamp_min(1e-30))
