"""Weights chosen, and fitted, by the error that they make in a layer's output feature map (Yang et al., CVPR 2017).

Per filter, with X the rows that it reads and Y what the dense network says there:
    choose   min ‖Y − X·a‖₁ with at most q weights, greedily, from what magnitude leaves
    fit      min ‖Y − X·a‖₂² + λ·‖a − a₀‖² on the chosen weights, in closed form
"""

from typing import Any

from chipwise.adapt.extra import torch
from chipwise.adapt.prune.magnitude import largest
from chipwise.adapt.prune.rows import Rows

SWEEPS = 4
"""In which weights are restored: after each, what they have changed is looked at."""

RESTORE_ROWS = 1000
"""Rows that restoring looks at; sums of absolute values need far fewer than a fit."""


def by_groups(weight: Any, groups: int) -> Any:
    """A layer's weight as groups x filters x weights of a filter."""
    return weight.reshape(groups, weight.shape[0] // groups, -1)


def keep_largest(weight: Any, keep: int) -> Any:
    """Mask of the `keep` largest |w| of each filter (rows of `weight`)."""
    return torch.stack([largest(row, keep) for row in weight.abs()])


def chosen(rows: Rows, weight: Any, keep: int, *, restore: float = 0.25) -> Any:
    """Mask of `keep` weights per filter: the largest, but the last ones of them by feature-map error.

    Magnitude picks keep·(1 − restore); then, in a few sweeps, those weights come back, at their values, that lower
    the error ‖Y − X·a‖₁ of their filter most, given the ones that are there.

    Args:
        rows: of the layer.
        weight: groups x filters x weights of a filter.
        keep: weights per filter that stay.
        restore: share of them that is chosen by feature-map error.
    """
    groups, filters, size = weight.shape
    first = max(1, keep - round(keep * restore))
    mask = keep_largest(weight.reshape(-1, size), min(first, keep)).reshape(weight.shape)
    missing = keep - first
    for sweep in range(SWEEPS if missing > 0 else 0):
        count = missing * (sweep + 1) // SWEEPS - missing * sweep // SWEEPS
        for g in range(groups if count else 0):
            x, y = rows.x[g][:RESTORE_ROWS], rows.y[g][:RESTORE_ROWS]
            residual = y - x @ (weight[g] * mask[g]).T
            for f in range(filters):
                # What the error becomes with each weight back, one at a time.
                error = (residual[:, f : f + 1] - x * weight[g, f]).abs().sum(0)
                error[mask[g, f]] = float("inf")
                mask[g, f, error.argsort()[:count]] = True
    return mask


def fitted(rows: Rows, weight: Any, mask: Any, *, ridge: float = 1e-3) -> Any:
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
        x, y = rows.x[g].double(), rows.y[g].double()
        gram, product = x.T @ x, x.T @ y
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
