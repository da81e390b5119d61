"""Why the peak is not reached: active PEs after each step of Eyexam, of the network and of the layers filtered."""

from collections.abc import Sequence

from chipwise.analysis.eyexam import STEPS, Eyexam, left_of
from chipwise.analysis.eyexam_remedies import remedies
from chipwise.analysis.results import EvaluationResult
from chipwise.analysis.roofline import roofline
from chipwise.report.eyexam import MEANING, pes_text
from chipwise.report.html.blocks import Block, Chart, Entry, Section, Text, entries, matrix
from chipwise.report.roofline import roofline_chart
from chipwise.report.svg import Axis, Bar, bars
from chipwise.report.tables import percent

_ACTIVE, _LOST = "still active", "lost at this step"
_HOW = (
    "Every step puts one constraint more on the fastest mapping there is; no mapping exceeds what it leaves, in MACs "
    "per cycle. A layer that the filter keeps shows its own steps."
)


def eyexam(result: EvaluationResult, exam: Eyexam) -> Section:
    """The waterfall of the network, the losses of all layers, and a waterfall for each shape of layer."""
    every = entries(result)
    pes = exam.accelerator.pes
    axis = Axis("MAC/cycle", high=float(pes))
    helps = [f"What would help, {step}: {text}." for step, text in remedies(exam).items()]
    blocks: list[Block] = [
        Text(_HOW),
        Chart(waterfall(exam)),
        *map(Text, helps),
        Chart(
            bars("Peak of each layer: what is reached, what each step costs", _layers(every, exam), axis=axis)
        ),
        _table(every, exam),
        Text(
            "The same in one roofline: all ports, what Eyexam leaves, and the layers with the mappings taken here."
        ),
        Chart(roofline_chart(roofline(result, exam))),
    ]
    shapes: dict[object, list[Entry]] = {}
    for entry in every:
        shapes.setdefault(entry.result.layer.shape_key, []).append(entry)
    for group in shapes.values():
        found = exam.layers[group[0].name]
        title = f"Peak of {', '.join(entry.name for entry in group[:3])}{', ...' if len(group) > 3 else ''}"
        chart = _waterfall(title, found.lost_cycles, found.layer.macs, pes)
        blocks.append(Chart(chart, " ".join(entry.number for entry in group)))
    return Section("eyexam", "Eyexam", tuple(blocks))


def waterfall(exam: Eyexam) -> str:
    """A chart of what each step leaves of the peak, for the whole network."""
    title = f"Peak of {exam.network}, step by step"
    return _waterfall(title, exam.lost_cycles, exam.macs, exam.accelerator.pes)


def _waterfall(title: str, lost_cycles: Sequence[float], macs: int, pes: int) -> str:
    left = left_of(lost_cycles, macs, pes)
    total = macs / left[-1]
    rows = [
        Bar(
            f"{number} {MEANING[step].partition(':')[0]}",
            ((_ACTIVE, after), (_LOST, before - after)),
            note=f"{after:.1f}" + (f", {percent(lost / total)} of the time" if lost else ""),
        )
        for number, (step, before, after, lost) in enumerate(
            zip(STEPS, (float(pes), *left), left, lost_cycles, strict=False), 1
        )
    ]
    return bars(title, rows, axis=Axis("MAC/cycle", high=float(pes)), keys=[_ACTIVE, _LOST])


def _layers(every: Sequence[Entry], exam: Eyexam) -> list[Bar]:
    """Of each layer, the PEs that it keeps at work and those that each step takes, the last step first."""
    rows = []
    for entry in every:
        found = exam.layers[entry.name]
        pes = found.accelerator.pes
        left = left_of(found.lost_cycles, found.layer.macs, pes)
        costs = [before - after for before, after in zip((float(pes), *left), left, strict=False)]
        values = (("reached", left[-1]), *zip(reversed(STEPS), reversed(costs), strict=True))
        rows.append(Bar(entry.name, values, note=found.largest_loss or "", row=entry.number))
    return rows


def _table(every: Sequence[Entry], exam: Eyexam) -> Block:
    return matrix(
        "Active PEs (MAC/cycle) after each step",
        "layer",
        [*(f"{number} {step}" for number, step in enumerate(STEPS, 1)), "largest loss"],
        (
            (
                entry.name,
                entry.number,
                [
                    *map(pes_text, exam.layers[entry.name].active_pes),
                    exam.layers[entry.name].largest_loss or "",
                ],
            )
            for entry in every
        ),
        ("network", *map(pes_text, exam.active_pes), exam.largest_loss or ""),
    )
