"""A layout of the paper as a mapping of the chip in the gallery, so that it's counted like any other."""

from dataclasses import replace

from chipwise.analysis.estimators.row_stationary.rules import COLUMNS, ROWS, ConvShape, RowStationary
from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator, Array, Axis
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.workload.layer import Layer

CHIP = "eyeriss"


def folding_chip() -> Accelerator:
    """Eyeriss of the gallery whose rows take rows of the ofmap as well, as in a folded set (AlexNet's CONV2).

    The gallery leaves this out: no layer needs it that strips serve, and there would be more to search.
    """
    chip = load_accelerator(CHIP)
    levels = tuple(
        replace(level, axes=tuple(map(_folded, level.axes))) if isinstance(level, Array) else level
        for level in chip.levels
    )
    return replace(chip, levels=levels)


def _folded(axis: Axis) -> Axis:
    if axis.name != "rows" or axis.loops.allowed is None:
        return axis
    return replace(axis, loops=replace(axis.loops, allowed=(*axis.loops.allowed, "P")))


def mapping_of(layer: Layer, layout: RowStationary) -> Mapping:
    """The mapping: psums stay in the buffer over all channels, filters in the PEs over inputs and columns.

    Outermost first, without loops that iterate once:

    dram         all
    | for G, N / n, M / m, strips of e
    buffer       output: m filters, n inputs, e rows
    |   for C / (q·r)
    buffer       input: q·r channels, n inputs, the rows that e need
    |     for M / (p·t)
    pes          rows R, r channels, t filters, folds of e | columns e
    filter_spad  weight: p filters, q channels
    |       for N, Q
    ifmap_spad   input: q channels · psum_spad output: p filters
    |         for S, q, p
    mac
    """
    shape = ConvShape.of(layer)
    outer = (
        Temporal("G", 1),
        Temporal("N", layout.n),
        Temporal("M", layout.m),
        Temporal("P", layout.e),
        Storage("buffer", "output"),
        Temporal("C", layout.q * layout.r),
        Storage("buffer", "input"),
        Temporal("M", layout.p * layout.t),
    )
    inner = (
        Storage("filter_spad", "weight"),
        Temporal("N", 1),
        Temporal("Q", 1),
        Storage("ifmap_spad", "input"),
        Storage("psum_spad", "output"),
        Temporal("S", 1),
        Temporal("C", 1),
        Temporal("M", 1),
    )
    whole = tuple(Storage("dram", name) for name in ("input", "weight", "output"))
    return Mapping(whole + _trimmed(layer, (*outer, *_array(shape, layout), *inner)))


def _array(shape: ConvShape, layout: RowStationary) -> tuple[Spatial, ...]:
    """Loops on the rows, then on the columns; sets of other filters side by side where none fits above another."""
    fits = layout.r * layout.t * layout.folds * shape.taps <= ROWS
    filters = Spatial("rows" if fits else "columns", "M", layout.p)
    rows = (Spatial("rows", "R", 1), Spatial("rows", "C", layout.q))
    fold = Spatial("rows", "P", min(layout.e, COLUMNS))
    columns = Spatial("columns", "P", 1)
    return (*rows, filters, fold, columns) if fits else (*rows, fold, columns, filters)


def _trimmed(layer: Layer, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Without loops over dimensions that the layer lacks, and without those that iterate once."""
    left = dict(layer.dims)
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Storage):
            found.append(node)
        elif node.dim in left and node.tile < left[node.dim]:
            found.append(node)
            left[node.dim] = node.tile
    return tuple(found)
