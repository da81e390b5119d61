"""Eyexam as text and CSV: active PEs after each step, where the peak goes, and what would bring it back."""

import csv
import io

from chipwise.analysis.eyexam import STEPS, Eyexam, left_of
from chipwise.analysis.eyexam_remedies import remedies
from chipwise.report.evaluation import chip_line
from chipwise.report.tables import bar, percent, table
from chipwise.units import format_count

MEANING = {
    "shape": "layer shape: as many PEs as MACs",
    "dataflow": "dataflow: loops that may lie on the axes",
    "PEs": "number of PEs",
    "array": "shape of the array",
    "capacity": "storage capacity",
    "bandwidth": "average bandwidth",
    "instant": "instantaneous bandwidth: ramp-up, bursts, no overlap",
}


def eyexam_text(exam: Eyexam) -> str:
    """The whole answer to `chipwise eyexam`."""
    pes = exam.accelerator.pes
    title = f"{exam.network} on {chip_line(exam.accelerator)}; batch {exam.batch}\n"
    return "\n".join((title, _table(exam), _waterfall(exam, pes), _remedies(exam))) + _certainty(exam)


def _table(exam: Eyexam) -> str:
    head = ("layer", *(f"{k} {step}" for k, step in enumerate(STEPS, 1)), "largest loss")
    rows = [
        (name, *(pes_text(a) for a in e.active_pes), e.largest_loss or "none")
        for name, e in exam.layers.items()
    ]
    foot = ("network", *(pes_text(a) for a in exam.active_pes), exam.largest_loss or "none")
    return "active PEs (MAC/cycle) after each step\n" + table(
        head, rows, left=("layer", "largest loss"), foot=foot
    )


def pes_text(active: float) -> str:
    """MAC/cycle for people.

    >>> pes_text(3833856.0), pes_text(164.571), pes_text(1.1998)
    ('3.83M', '164.6', '1.2')
    """
    return f"{active:.1f}" if active < 10_000 else format_count(active)


def _waterfall(exam: Eyexam, pes: int) -> str:
    """What is left of the peak after each step, and how much of the time it takes away."""
    lost, total = exam.lost_cycles, exam.cycles[-1]
    left = left_of(lost, exam.macs, pes)
    names = max(len(text) for text in MEANING.values())
    lines = [f"of a peak of {pes} MAC/cycle\n"]
    for step, after, cycles in zip(STEPS, left, lost, strict=True):
        share = f"{percent(cycles / total):>7} of the time"
        lines.append(f"  {MEANING[step]:{names}}  {after:7.1f}  {share}  {bar(after / pes)}".rstrip() + "\n")
    return "".join(lines)


def _remedies(exam: Eyexam) -> str:
    found = remedies(exam)
    if not found:
        return "nothing of note is lost\n"
    return "what would help, the largest loss first\n" + "".join(
        f"  {step}: {text}\n" for step, text in found.items()
    )


def _certainty(exam: Eyexam) -> str:
    open_layers = [name for name, e in exam.layers.items() if not e.proven]
    if not open_layers:
        return "\nsteps 1 to 6 are proven; 7 is a model of the fastest mappings (docs/eyexam.md)\n"
    return f"\nnot proven in the time allowed (steps 5 and 6 may be too low): {', '.join(open_layers)}\n"


def eyexam_csv(exam: Eyexam) -> str:
    """A line per layer: active PEs after each step, and cycles that each costs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["layer", "macs", *(f"active_pes_{s}" for s in STEPS), *(f"lost_cycles_{s}" for s in STEPS),
         "largest_loss", "bound_by"]
    )  # fmt: skip
    for name, e in exam.layers.items():
        writer.writerow([name, e.layer.macs, *e.active_pes, *e.lost_cycles, e.largest_loss or "", e.bound_by])
    return out.getvalue()
