"""A comparison as text and CSV: figures side by side, bars, where the energy goes, layer by layer."""

import csv
import io
from collections.abc import Sequence

from chipwise.analysis.compare import FIGURES, Column, Comparison
from chipwise.hardware.accelerator import Accelerator
from chipwise.report.evaluation import component_shares
from chipwise.report.tables import bar, percent, shares, table
from chipwise.units import format_bytes, format_energy, format_frequency, format_power, format_time

PARTS = 3
"""Components named per column, the largest first."""

UNKNOWN = "-"


def comparison_text(found: Comparison, *, layers: bool = False) -> str:
    """The whole answer to `chipwise compare`; `layers` adds a table of every layer."""
    names = labels(found)
    parts = [_title(found), _figures(found, names)]
    fitting = [(name, c) for name, c in zip(names, found.columns, strict=True) if c.result is not None]
    if fitting:
        parts += [_bars(fitting), _parts(fitting)]
    if layers and fitting:
        parts.append(_layers(fitting))
    if fitting:
        parts.append(_measured(found, fitting))
    failed = [f"  {name}: {c.failure}\n" for name, c in zip(names, found.columns, strict=True) if c.failure]
    if failed:
        parts.append("what does not run\n" + "".join(failed))
    return "\n".join(parts)


def labels(found: Comparison) -> list[str]:
    """What tells the columns apart: the chip, the network, or both.

    What the names of all chips start with (`simple (rs)`, `simple (ws)`) is left out.
    """
    networks = {c.network for c in found.columns}
    chips = [c.accelerator for c in found.columns]
    owners = {chip.partition(" (")[0] for chip in chips}
    if len(owners) == 1 and len(set(chips)) > 1 and all(chip.endswith(")") for chip in chips):
        chips = [chip.partition(" (")[2][:-1] for chip in chips]
    if len(networks) == 1:
        return chips
    if len(set(chips)) == 1:
        return [c.network for c in found.columns]
    return [f"{c.network} on {chip}" for c, chip in zip(found.columns, chips, strict=True)]


def _title(found: Comparison) -> str:
    networks = ", ".join(dict.fromkeys(c.network for c in found.columns))
    chips = list(dict.fromkeys(c.accelerator for c in found.columns))
    where = f" on {chips[0]}" if len(chips) == 1 else ""
    note = f"{found.note}\n" if found.note else ""
    return f"{networks}{where}; batch {found.batch}, least {found.objective}\n{note}"


def _figures(found: Comparison, names: Sequence[str]) -> str:
    networks, chips = ({getattr(c, what) for c in found.columns} for what in ("network", "accelerator"))
    head = [
        "chip" if len(networks) == 1 else "network" if len(chips) == 1 else "network on chip",
        "energy", "x", "time", "x", "inferences/s", "power", "utilisation", "off-chip", "x", "pJ/MAC", "mm2",
        "TOPS/W",
    ]  # fmt: skip
    rows = []
    for name, column, relative in zip(names, found.columns, found.relative(), strict=True):
        f = column.figures()
        if column.result is None:
            rows.append([name, "does not run", *[UNKNOWN] * (len(head) - 2)])
            continue
        rows.append(
            [
                name,
                format_energy(_known(f["energy_pj"])),
                _times(relative["energy_pj"]),
                format_time(_known(f["latency_s"])),
                _times(relative["latency_s"]),
                f"{_known(f['throughput_inferences_per_s']):.3g}",
                format_power(_known(f["power_w"])),
                percent(_known(f["utilization"])),
                format_bytes(8 * _known(f["off_chip_bytes"])),
                _times(relative["off_chip_bytes"]),
                f"{_known(f['energy_per_mac_pj']):.3g}",
                UNKNOWN if f["area_mm2"] is None else f"{f['area_mm2']:.4g}",
                f"{_known(f['tops_per_w']):.3g}",
            ]
        )
    return table(head, rows, left=head[:1])


def _known(value: float | None) -> float:
    assert value is not None
    return value


def _times(value: float | None) -> str:
    """To two decimals, or two digits where that would be nothing."""
    if value is None:
        return UNKNOWN
    return f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def _bars(fitting: Sequence[tuple[str, Column]]) -> str:
    """Energy and time of each column against the largest."""
    width = max(len(name) for name, _ in fitting)
    text = ""
    for title, figure, form in (
        ("energy", "energy_pj", format_energy),
        ("time", "latency_s", format_time),
    ):
        values = [_known(column.figures()[figure]) for _, column in fitting]
        most = max(values)
        shown = [form(value) for value in values]
        column_width = max(len(s) for s in shown)
        text += f"{title}\n" + "".join(
            f"  {name:{width}}  {s:>{column_width}}  {bar(value / most)}".rstrip() + "\n"
            for (name, _), s, value in zip(fitting, shown, values, strict=True)
        )
    return text


def _parts(fitting: Sequence[tuple[str, Column]]) -> str:
    """Where the energy goes and what takes the time, a line per column."""
    width = max(len(name) for name, _ in fitting)
    text = "where the energy goes, and what takes the time\n"
    for name, column in fitting:
        assert column.result is not None
        parts = component_shares(column.result.energy_by("component"), column.chip)
        told = ", ".join(f"{part} {percent(share)}" for part, _, share in parts[:PARTS])
        times = ", ".join(
            f"{part} {percent(share)}" for part, _, share in shares(column.result.breakdown)[:PARTS]
        )
        text += f"  {name:{width}}  {told}; time: {times}\n"
    return text


def _layers(fitting: Sequence[tuple[str, Column]]) -> str:
    """Energy and time of each layer in each column of its network."""
    text = ""
    for network in dict.fromkeys(column.network for _, column in fitting):
        own = [(name, column) for name, column in fitting if column.network == network]
        for title, value, form in (
            ("energy by layer", "energy_pj", format_energy),
            ("time by layer", "latency_s", format_time),
        ):
            head = ["layer", *(name for name, _ in own)]
            first = own[0][1].result
            assert first is not None
            rows = [
                [
                    layer,
                    *(form(getattr(c.result.layers[layer], value)) for _, c in own if c.result is not None),
                ]
                for layer in first.layers
            ]
            text += f"{network}: {title}\n" + table(head, rows, left=["layer"])
    return text


def _measured(found: Comparison, fitting: Sequence[tuple[str, Column]]) -> str:
    """What the figures were taken on: efficiency without it misleads."""
    results = [column.result for _, column in fitting if column.result is not None]
    certificates = [layer.certificate for r in results for layer in r.layers.values() if layer.certificate]
    proven = sum(c.proven for c in certificates)
    gap = max((c.gap for c in certificates), default=0.0)
    known = (
        "all proven"
        if proven == len(certificates)
        else f"{proven} of {len(certificates)} proven, the others within {percent(gap)}"
    )
    what = "the first that fits" if found.reference == "first" else "the best of its column"
    networks = ", ".join(dict.fromkeys(column.network for _, column in fitting))
    chips = {} if found.note else {column.accelerator: column.chip for _, column in fitting}
    made = "".join(f"  {made_of(chip)}\n" for chip in chips.values()) if len(chips) > 1 else ""
    return (f"what is compared\n{made}\n" if made else "") + (
        f"x: times {what}. TOPS/W: 2 x MACs / energy of {networks}, batch {found.batch}, nothing skipped, off-chip "
        f"accesses included.\nEvery layer has the mapping with the least {found.objective}: {known}.\n"
    )


def made_of(chip: Accelerator) -> str:
    """What makes figures of chips differ before any design does: technology, width of a word, PEs, clock.

    >>> from chipwise.components.load import load_accelerator
    >>> made_of(load_accelerator("eyeriss"))
    'eyeriss: 65 nm, words of 16 b, 168 PEs at 200 MHz'
    """
    node = chip.technology.get("node", "technology unknown")
    pes = f"{chip.pes} PE{'s' if chip.pes > 1 else ''}"
    return f"{chip.name}: {node}, words of {chip.word_bits} b, {pes} at {format_frequency(chip.clock_hz)}"


def comparison_csv(found: Comparison, *, layers: bool = False) -> str:
    """A row per column, or with `layers` per layer of every column; units are in the heads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if layers:
        fields = ("macs", "energy_pj", "latency_s", "active_pes", "utilization", "bound_by", "off_chip_bytes")
        writer.writerow(["network", "accelerator", "layer", *fields])
        for column in found.columns:
            for layer in column.result.to_dict()["layers"] if column.result is not None else ():
                writer.writerow(
                    [column.network, column.accelerator, layer["name"], *(layer[f] for f in fields)]
                )
        return out.getvalue()
    heads = [h for name in FIGURES for h in (name, f"{name}_relative")]
    writer.writerow(["network", "accelerator", "node", "word_bits", "pes", "clock_hz", *heads, "failure"])
    for column, relative in zip(found.columns, found.relative(), strict=True):
        figures = column.figures()
        values = ["" if v is None else v for name in FIGURES for v in (figures[name], relative[name])]
        chip = column.chip
        made = [chip.technology.get("node", ""), chip.word_bits, chip.pes, chip.clock_hz]
        writer.writerow([column.network, column.accelerator, *made, *values, column.failure or ""])
    return out.getvalue()
