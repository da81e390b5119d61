"""The key metrics as text, each beside those without which it misleads."""

from chipwise.analysis.eyexam import STEPS
from chipwise.analysis.metrics import Metrics, off_chip_energy_pj, storage_bits
from chipwise.report.evaluation import chip_line
from chipwise.report.tables import bar, percent, table
from chipwise.units import format_area, format_bytes, format_count, format_energy, format_power, format_time


def metrics_text(metrics: Metrics) -> str:
    """The whole answer to `chipwise metrics`."""
    parts = [_cost(metrics), _networks(metrics), _flexibility(metrics)]
    if metrics.scaling:
        parts.append(_scaling(metrics))
    return "\n".join(parts)


def _cost(metrics: Metrics) -> str:
    chip = metrics.accelerator
    area = metrics.results[0].area_mm2
    technology = ", ".join(str(value) for value in chip.technology.values()) or "technology not given"
    size = "area not known" if area is None else format_area(area)
    return (
        f"{chip_line(chip)}\n"
        f"hardware cost: {size} ({technology}), {format_bytes(storage_bits(chip))} on chip, {chip.pes} PEs, "
        f"peak {2e-9 * chip.peak_macs_per_s:.4g} GOPS\n"
    )


def _networks(metrics: Metrics) -> str:
    head = (
        "network", "accuracy", "MACs", "batch", "latency", "inferences/s", "utilisation", "energy", "off-chip energy",
        "power", "off-chip", "GOPS", "TOPS/W",
    )  # fmt: skip
    rows = []
    for r, g in zip(metrics.results, metrics.given, strict=True):
        used = r.utilization
        rows.append(
            (
                r.network,
                "not given" if g.accuracy is None else percent(g.accuracy),
                format_count(r.macs / r.batch),
                str(r.batch),
                format_time(r.latency_s),
                f"{r.batch / r.latency_s:.4g}",
                percent(used),
                format_energy(r.energy_pj / r.batch),
                percent(off_chip_energy_pj(r) / r.energy_pj),
                format_power(r.energy_pj * 1e-12 / r.latency_s),
                format_bytes(8 * sum(layer.off_chip_bytes for layer in r.layers.values()) / r.batch),
                f"{1e3 * r.tops:.4g}",
                f"{2 * r.macs / r.energy_pj:.3g}",
            )
        )
    return table(head, rows, left=("network",)) + (
        "per inference, but latency: of the batch; TOPS/W is what was reached here, with off-chip accesses\n"
    )


def _flexibility(metrics: Metrics) -> str:
    found = metrics.flexibility()
    rows = [
        (
            "utilisation",
            percent(found["utilization_geometric_mean"]),
            percent(found["utilization_worst"]),
        ),
        (
            "energy per MAC",
            format_energy(found["energy_per_mac_pj_geometric_mean"]),
            format_energy(found["energy_per_mac_pj_worst"]),
        ),
    ]
    n = len(metrics.results)
    return f"flexibility over {n} network{'s' * (n > 1)}\n" + table(
        ("metric", "geometric mean", "worst"), rows, left=("metric",)
    )


def _scaling(metrics: Metrics) -> str:
    name = metrics.results[0].network
    rows = [
        (
            str(s.pes),
            " x ".join(map(str, s.shape)),
            "" if s.active_pes is None else f"{s.active_pes:.4g}",
            "" if s.active_pes is None else percent(s.active_pes / s.pes),
            s.ends,
            "" if s.active_pes is None else bar(s.active_pes / s.pes),
        )
        for s in metrics.scaling
    ]
    ends = metrics.scaling_ends
    said = (
        "every step brings more than half of what it adds"
        if ends is None
        else f"scaling ends before {ends.pes} PEs, by {_step(ends.ends)}"
    )
    return (
        f"scalability: {name} with all memories and ports as they are\n"
        + table(("PEs", "shape", "active", "of peak", "largest loss", ""), rows, left=("largest loss", ""))
        + f"{said}\n"
    )


def _step(name: str) -> str:
    return f"step {STEPS.index(name) + 1} of Eyexam ({name})" if name in STEPS else name
