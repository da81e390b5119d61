"""What a page is made of: sections of blocks that the template knows how to draw, and nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from chipwise.analysis.results import EvaluationResult, LayerResult


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """A layer on the page: its number is what the filter knows it by, whatever its name holds."""

    number: str
    name: str
    result: LayerResult


def entries(result: EvaluationResult) -> list[Entry]:
    """Layers in their order, numbered."""
    return [Entry(str(i), name, layer) for i, (name, layer) in enumerate(result.layers.items())]


@final
@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    kind = "text"


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is looked for, and beside it what keeps it from misleading."""

    name: str
    value: str
    note: str = ""


@final
@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side."""

    figures: tuple[Figure, ...]
    kind = "figures"


@final
@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of `chipwise.report.svg`: the only text that is put into the page as it is."""

    svg: str
    layers: str = ""
    """Numbers, with spaces between: it is shown only while the filter keeps one of them."""
    kind = "chart"


@final
@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a row; `layer` is the number of the layer that it tells of, `find` what the filter looks in."""

    cells: tuple[str, ...]
    layer: str = ""
    find: str = ""


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `folded` ones are opened by the reader, as those that say what a chart shows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    left: frozenset[str] = frozenset()
    """Names of the columns that hold text; the first always does."""
    foot: tuple[str, ...] = ()
    folded: bool = False
    kind = "table"


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A line of a drawn loop nest."""

    what: str
    """memory, temporal, spatial or compute."""
    depth: int
    """Temporal loops around it."""
    name: str
    parts: tuple[str, ...] = ()
    note: str = ""
    fill: float | None = None
    """How much of the memory or array is used, 0 to 1."""


@final
@dataclass(frozen=True, slots=True)
class Nest:
    """A drawn loop nest, of one layer or of several with the same shape."""

    title: str
    note: str
    layers: str
    """Their numbers, with spaces between."""
    lines: tuple[Line, ...]
    text: str
    """As `chipwise map` prints it and reads it."""
    kind = "nest"


Block = Text | Figures | Chart | Table | Nest


@final
@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; `key` is its address in it."""

    key: str
    title: str
    blocks: tuple[Block, ...]


def matrix(
    caption: str,
    corner: str,
    columns: Sequence[str],
    rows: Iterable[tuple[str, str, Sequence[str]]],
    foot: Sequence[str] = (),
) -> Table:
    """The folded table beside a chart: one row per (label, layer number, cells)."""
    return Table(
        caption,
        (corner, *columns),
        tuple(Row((label, *cells), number) for label, number, cells in rows),
        foot=tuple(foot),
        folded=True,
    )
