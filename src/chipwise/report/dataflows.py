"""Which dataflow each layer runs under, on a chip that chooses."""

from chipwise.analysis.results import EvaluationResult

NAMED = 6
"""Layers listed by name for a dataflow; of more, the number is told."""


def chosen_text(result: EvaluationResult) -> str:
    """A line per dataflow with its layers; nothing where the chip has no choice."""
    layers: dict[str, list[str]] = {}
    for name, layer in result.layers.items():
        if layer.accelerator.dataflow:
            layers.setdefault(layer.accelerator.dataflow, []).append(name)
    if not result.accelerator.dataflows or not layers:
        return ""
    width = max(map(len, layers))
    told = []
    for flow, names in layers.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        told.append(f"  {flow:{width}}  {len(names)}: {', '.join(names[:NAMED])}{more}\n")
    return "\n" + "".join(["dataflow of each layer, the better of those the chip knows\n", *told])
