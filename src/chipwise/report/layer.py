"""One mapped layer as text and as JSON."""

from dataclasses import asdict
from typing import Any

from chipwise.analysis.results import LayerResult
from chipwise.report.evaluation import chip_line, component_shares
from chipwise.report.tables import percent, shares, table
from chipwise.units import format_bytes, format_energy, format_time

SCHEMA = "chipwise.mapping/1"


def layer_text(result: LayerResult, batch: int) -> str:
    """The loop nest, and beside it as comments what it costs: the whole is a mapping file.

    Args:
        result: a layer with its mapping and cost.
        batch: inputs at once, which the layer's extents already contain.
    """
    chip, cost = result.accelerator, result.cost
    parts = component_shares(result.energy_by("component"), chip)
    components = ", ".join(f"{name} {percent(share)}" for name, _, share in parts)
    spent = ", ".join(f"{name} {percent(share)}" for name, _, share in shares(cost.breakdown))
    lines = {
        "energy": f"{format_energy(result.energy_pj)}, {result.energy_pj / result.layer.macs:.3g} pJ/MAC: "
        + components,
        "time": f"{format_time(result.latency_s)}, {result.latency_cycles:.10g} cycles, "
        f"bound by {cost.bound_by}: {spent}",
        "PEs": f"{cost.active_pes:.1f} of {chip.pes} active while computing, "
        f"utilisation {percent(result.utilization)}",
        "off-chip": format_bytes(8 * result.off_chip_bytes),
        "optimum": _certificate(result),
    }
    return (
        f"# {result.name} on {chip_line(chip)}; batch {batch}\n"
        + result.mapping_text
        + "".join(f"# {name:8}  {told}\n" for name, told in lines.items())
    )


def _certificate(result: LayerResult) -> str:
    certificate = result.certificate
    if certificate is None:
        return "not searched: the mapping was given"
    of = f"of the {certificate.placement} mapspace's {certificate.mapspace:.3g} mappings"
    if certificate.proven:
        return f"proven: none {of} has less {certificate.objective} (gap 0)"
    return f"not proven: the best {of} may have {percent(certificate.gap)} less {certificate.objective}"


def layer_dict(result: LayerResult, batch: int) -> dict[str, Any]:
    """The JSON of `chipwise map`: the layer as in an evaluation, and its certificate."""
    certificate = result.certificate
    return {
        "schema": SCHEMA,
        "accelerator": result.accelerator.name,
        "batch": batch,
        "objective": None if certificate is None else certificate.objective,
        "layer": result.to_dict(),
        "certificate": None if certificate is None else asdict(certificate),
    }


def front_text(points: list[LayerResult], batch: int) -> str:
    """The Pareto front as a table, and the mappings of its ends."""
    first, last = points[0], points[-1]
    rows = [
        (
            format_energy(p.energy_pj),
            f"{p.latency_cycles:.10g}",
            format_time(p.latency_s),
            f"{p.cost.active_pes:.1f}",
            p.cost.bound_by,
        )
        for p in points
    ]
    proven = all(p.certificate is not None and p.certificate.proven for p in points)
    complete = (
        "proven: no mapping beats any of them in both" if proven else "cut short: points may be missing"
    )
    head = ("energy", "cycles", "time", "active PEs", "bound by")
    told = f"# {first.name} on {chip_line(first.accelerator)}; batch {batch}\n"
    told += f"# {len(points)} mappings between least energy and least time; {complete}\n"
    told += table(head, rows, left=("bound by",))
    told += "\n# least energy\n" + first.mapping_text
    return told if last is first else told + "\n# least time\n" + last.mapping_text


def front_dict(points: list[LayerResult], batch: int) -> dict[str, Any]:
    """The JSON of `chipwise map --pareto`: from the least energy to the least latency."""
    return {
        "schema": "chipwise.front/1",
        "accelerator": points[0].accelerator.name,
        "batch": batch,
        "points": [layer_dict(p, batch) for p in points],
    }
