"""Engines as a list, and a network on one as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from chipwise.analysis.engines.engine import Engine, EngineCost
from chipwise.analysis.engines.run import EngineRun, LayerRun, speedup
from chipwise.analysis.engines.work import WORD_BITS
from chipwise.report.tables import table
from chipwise.units import format_count

_LEFT = ("engine", "what it is", "compared with", "layer")


def engines_text(engines: Sequence[Engine]) -> str:
    """Names and titles of all engines."""
    lines = []
    for engine in engines:
        area = f"; area: {engine.area}" if engine.area else ""
        lines.append(f"{engine.name:<16} {engine.title}\n{'':<16} against {engine.counterpart}{area}\n")
    return "".join(lines)


def engines_dict(engines: Sequence[Engine]) -> dict[str, Any]:
    """The JSON form, schema chipwise.engine-list/1."""
    rows = [
        {"name": e.name, "title": e.title, "source": e.source, "counterpart": e.counterpart, "area": e.area}
        for e in engines
    ]
    return {"schema": "chipwise.engine-list/1", "engines": rows}


def comparison_text(runs: Sequence[EngineRun], refused: Mapping[str, str]) -> str:
    """A network on all engines that run some of it, each against its own counterpart."""
    head = ("engine", "layers", "counterpart", "cycles", "faster", "at density 1", "energy", "at density 1")
    rows = [
        (
            run.engine.name,
            f"{len(run.layers)} of {len(run.layers) + len(run.refused)}",
            *_figures(*run.total()),
        )
        for run in runs
    ]
    lines = "".join(f"not {name}: {why}\n" for name, why in refused.items())
    return (
        f"{runs[0].network} on engines, each against its own dense counterpart and on the layers it runs\n\n"
        f"{table(head, rows, left=_LEFT)}{lines}"
    )


def comparison_dict(runs: Sequence[EngineRun], refused: Mapping[str, str]) -> dict[str, Any]:
    """The JSON form, schema chipwise.engine-comparison/1: all runs in full."""
    return {
        "schema": "chipwise.engine-comparison/1",
        "network": runs[0].network,
        "engines": [run.to_dict() for run in runs],
        "refused": [{"name": name, "why": why} for name, why in refused.items()],
    }


def engine_text(run: EngineRun) -> str:
    """Cycles and energy of every layer, with what they gain and what the mechanism costs without zeros."""
    narrow = any({layer.work.input_bits, layer.work.weight_bits} != {WORD_BITS} for layer in run.layers)
    bits = ("bits",) if narrow else ()
    head = (
        "layer", "inputs", "weights", *bits, "counterpart", "cycles", "faster", "at density 1",
        "energy", "at density 1",
    )  # fmt: skip
    rows = [_layer(layer, narrow=narrow) for layer in run.layers]
    plain, dense, cost = run.total()
    total = ("all", "", "", *("" for _ in bits), *_figures(plain, dense, cost))
    refused = "".join(f"not run: {why}: {names}\n" for why, names in _refused(run).items())
    seconds = cost.cycles / run.engine.clock_hz
    return (
        f"{run.network} on {run.engine.name}: {run.engine.title}\n"
        f"{run.engine.source}; compared with {run.engine.counterpart}\n"
        f"{_area(run)}\n"
        f"{table(head, rows, left=_LEFT, foot=total)}\n"
        f"{seconds * 1e3:.4g} ms, {cost.energy_pj / 1e9:.4g} mJ; cycles and energy at density 1 are those "
        f"without a zero\nat 16 b, against the counterpart\n{refused}"
    )


def _area(run: EngineRun) -> str:
    return f"area, as published: {run.engine.area}\n" if run.engine.area else ""


def _layer(layer: LayerRun, *, narrow: bool) -> tuple[str, ...]:
    work = layer.work
    return (
        work.name,
        f"{work.input_density:.3g}",
        f"{work.weight_density:.3g}",
        *((f"{work.input_bits}x{work.weight_bits}",) if narrow else ()),
        *_figures(layer.plain, layer.dense, layer.cost),
    )


def _figures(plain: EngineCost, dense: EngineCost, cost: EngineCost) -> tuple[str, ...]:
    gain = speedup(plain, cost)
    return (
        format_count(round(plain.cycles)),
        format_count(round(cost.cycles)),
        "-" if gain is None else f"{gain:.2f}",
        f"{100 * (dense.cycles / plain.cycles - 1):+.1f} %",
        f"{cost.energy_pj / plain.energy_pj:.3f}",
        f"{100 * (dense.energy_pj / plain.energy_pj - 1):+.1f} %",
    )


def _refused(run: EngineRun) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, why in run.refused:
        found.setdefault(why, []).append(name)
    return {
        why: ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        for why, names in found.items()
    }
