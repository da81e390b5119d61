"""An evaluation as one HTML file that needs nothing else: no network, no fonts, no scripts of others."""

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from chipwise.analysis.eyexam import Eyexam, check_same
from chipwise.analysis.results import EvaluationResult
from chipwise.report.html.blocks import Section
from chipwise.report.html.energy import energy, provenance
from chipwise.report.html.eyexam import eyexam
from chipwise.report.html.mappings import certificates, mappings
from chipwise.report.html.speed import roofline, time
from chipwise.report.html.summary import layers, summary, warnings
from chipwise.report.html.traffic import traffic
from chipwise.report.svg import STYLE

SECTIONS: tuple[Callable[[EvaluationResult], Section], ...] = (
    summary, warnings, layers, energy, time, roofline, traffic, mappings, certificates, provenance,
)  # fmt: skip
"""From what is asked first to what is looked up. A section is a function of the result; what to draw is its own."""


def html_text(result: EvaluationResult, exam: Eyexam | None = None) -> str:
    """The page; equal results give equal text.

    Args:
        result: what was evaluated.
        exam: of the same layers on the same chip: becomes a section of its own behind the time.

    Raises:
        InputError: the exam is of something else.
    """
    sections = [section(result) for section in SECTIONS]
    if exam is not None:
        check_same(result, exam)
        sections.insert(SECTIONS.index(time) + 1, eyexam(result, exam))
    templates = files("chipwise.report.html").joinpath("templates")
    script = templates.joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader("chipwise.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        title=f"{result.network} on {result.accelerator.name}",
        layers=len(result.layers),
        sections=sections,
        style=STYLE + templates.joinpath("page.css").read_text(encoding="utf-8"),
        script=script,
        digest=digest,
    )
