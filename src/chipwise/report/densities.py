"""Measured densities as a table."""

from chipwise.measure.densities import MeasuredDensities
from chipwise.measure.zeros import Zeros
from chipwise.report.tables import table


def densities_text(found: MeasuredDensities) -> str:
    """By layer the density of each tensor, its spread over images, and runs of zeros in the input."""
    head = ("layer", "input", "least", "most", "zero run", "weight", "output")
    rows = [
        (
            name,
            _density(layer.input),
            *_spread(layer.input),
            f"{layer.input.zeros / layer.input.runs:.1f}" if layer.input.runs else "-",
            _density(layer.weight),
            _density(layer.output),
        )
        for name, layer in found.layers.items()
    ]
    lines = [f"{found.source}\n\n", table(head, rows, left=("layer",)), "\n"]
    lines.append(
        "density of each tensor; least and most of an image's input; mean length of its runs of zeros\n"
    )
    if found.unmeasured:
        lines.append(f"not measured: {', '.join(found.unmeasured)}\n")
    return "".join(lines)


def _density(zeros: Zeros | None) -> str:
    return "-" if zeros is None or not zeros.values else f"{zeros.density:.4f}"


def _spread(zeros: Zeros) -> tuple[str, str]:
    if not zeros.images:
        return "-", "-"
    return f"{1 - max(zeros.images):.4f}", f"{1 - min(zeros.images):.4f}"
