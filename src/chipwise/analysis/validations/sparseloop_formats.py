"""What Sparseloop's published exercises count, and its formulas for formats, beside our counts.

Exercises: three small problems and one AlexNet layer with their mappings, as printed by its authors' reference runs.
Its counts are whole numbers: what is skipped is rounded down, and what is left of psum reads as well. Ours are
expectations and rounded the same way for the comparison. The first read of a psum is no access, in both.

Formulas: units that each format stores of a tile with uniformly random non-zeros. Sparseloop multiplies the mean
number of fibres that are not empty with the mean coordinates in a fibre, rounded up (not with run lengths); ours is the
mean of what is stored, exact over all placings. Both agree where nothing is rounded and the rank above has one fibre.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import ceil, floor, prod

from chipwise.analysis.validation import Check
from chipwise.components.load import accelerator_from
from chipwise.mapping.text import parse
from chipwise.model.counts import count
from chipwise.model.sparse import Sparse, sparse_of
from chipwise.sparsity.densities.constant import Constant
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.ranked import Ranked
from chipwise.workload.kinds import conv1d, matmul
from chipwise.workload.layer import Layer
from chipwise.yamlfile import parse_yaml

SOURCE = (
    "Wu et al., Sparseloop, MICRO 2022: reference outputs of the timeloop-accelergy exercises (ISCA 2021 tutorial), "
    "formulas of its format models"
)

_DOT = """\
name: dot product, one operand compressed
clock: 1 GHz
word: 8 b
energy: {table: eyeriss-normalized, mac: 1 pJ}
levels:
  - memory: buffer
    component: sram
    keeps: [input, weight, output]
    formats: {input: ranks(CP)}
    saves: [{when: input, skips: [weight, output]}]
  - compute: mac
    component: int_mac
    saves: [{when: input, skips: compute}]
"""
_PRODUCT = """\
name: product of two compressed matrices
clock: 1 GHz
word: 8 b
energy: {table: eyeriss-normalized, mac: 1 pJ}
levels:
  - memory: backing
    component: sram
    keeps: [input, weight, output]
    formats: {input: "ranks(UOP, CP)", weight: "ranks(UOP, CP)"}
    saves: [{when: weight, skips: input}]
  - memory: buffer
    component: sram
    capacity: 128 words
    keeps: [weight, output]
    formats: {weight: "ranks(UOP, CP)"}
    saves:
      - {when: input, skips: [weight, output]}
      - {when: weight, skips: output}
  - compute: mac
    component: int_mac
    saves: [{when: [input, weight], skips: compute}]
"""
_CONVOLUTION = """\
name: 1-D convolution, weights in run lengths
clock: 1 GHz
word: 8 b
energy: {table: eyeriss-normalized, mac: 1 pJ}
levels:
  - memory: backing
    component: sram
    keeps: [input, weight, output]
    formats: {weight: ranks(RLE)}
  - memory: buffer
    component: sram
    capacity: 64 words
    keeps: [input, weight, output]
    formats: {weight: ranks(RLE)}
    saves: [{when: weight, skips: [input, output]}]
  - compute: mac
    component: int_mac
    saves: [{when: weight, skips: compute}]
"""

GATED_LAYER = {"MACs": 598_081_536, "PEs": 156, "input density": 0.275}
"""AlexNet's third layer, batch 4, on an array as Eyeriss's; a zero input gates the read of the weight."""


def checks() -> Iterator[Check]:
    """Exercises, then formulas."""
    yield from _dot_product()
    yield from _matrix_product()
    yield from _convolution()
    yield from _gating()
    yield from _formulas()


def _dot_product() -> Iterator[Check]:
    layer = _with(matmul("dot", M=1, K=16, N=1), input=0.25)
    reads, updates, sparse = _counted(layer, _DOT, "buffer input weight output\n| for K in 16\nmac")
    at = "dot product of 16, A 25 % dense, compressed"
    units = Ranked(("CP",)).units((16,), Constant(0.25))
    yield _equal(at, "A data stored", 4, units[-1].fibres)
    yield _equal(at, "A coordinates stored", 4, units[0].metadata)
    yield _equal(at, "A reads", 4, _left(reads["buffer", "input"], sparse, "buffer", "input"))
    yield _equal(at, "B reads", 4, _left(reads["buffer", "weight"], sparse, "buffer", "weight"))
    yield _equal(at, "B reads skipped", 12, _skipped(reads["buffer", "weight"], sparse, "buffer", "weight"))
    yield _equal(at, "Z updates", 4, _left(updates["buffer", "output"], sparse, "buffer", "output"))
    yield _equal(at, "Z reads", 3, floor(_mean(reads["buffer", "output"], sparse, "buffer", "output")))
    yield _equal(at, "computes", 4, layer.macs * sparse.compute.energy)
    yield _equal(at, "cycles", 4, layer.macs * sparse.compute.time, "cycles")


def _matrix_product() -> Iterator[Check]:
    layer = _with(matmul("product", M=8, K=8, N=8), input=0.25, weight=0.5)
    text = "backing input weight output\nbuffer weight output\n| for K in 8\n| for N in 8\n| for M in 8\nmac"
    reads, updates, sparse = _counted(layer, _PRODUCT, text)
    at = "product of two 8 x 8, A 25 %, B 50 %, both UOP-CP"
    for name, density, coordinates in (("A", 0.25, 16), ("B", 0.5, 32)):
        rows, columns, _ = Ranked(("UOP", "CP")).units((8, 8), Constant(density))
        yield _equal(at, f"{name} offsets stored", 9, rows.payloads)
        yield _equal(at, f"{name} coordinates stored", coordinates, columns.metadata)
    yield _equal(at, "A reads", 64, _left(reads["backing", "input"], sparse, "backing", "input"))
    yield _equal(at, "A reads skipped", 64, _skipped(reads["backing", "input"], sparse, "backing", "input"))
    yield _equal(at, "B reads", 64, _left(reads["buffer", "weight"], sparse, "buffer", "weight"))
    yield _equal(at, "B reads skipped", 192, _skipped(reads["buffer", "weight"], sparse, "buffer", "weight"))
    yield _equal(
        at, "B reads of the backing store", 32, _left(reads["backing", "weight"], sparse, "backing", "weight")
    )
    yield _equal(at, "Z updates", 64, _left(updates["buffer", "output"], sparse, "buffer", "output"))
    yield _equal(at, "Z reads", 56, floor(_mean(reads["buffer", "output"], sparse, "buffer", "output")))
    yield _equal(at, "computes", 64, layer.macs * sparse.compute.energy)
    yield _equal(at, "cycles", 64, layer.macs * sparse.compute.time, "cycles")


def _convolution() -> Iterator[Check]:
    layer = _with(conv1d("conv1d", M=1, C=1, P=9, R=3), weight=0.43)
    text = "backing input weight output\nbuffer input weight output\n| for P in 9\n| for R in 3\nmac"
    reads, updates, sparse = _counted(layer, _CONVOLUTION, text)
    at = "1-D convolution 9 x 3, weights 43 %, run lengths"
    yield _equal(at, "weights stored at most", 2, Constant(0.43).maximum(3))
    yield _equal(at, "weight reads", 12, _left(reads["buffer", "weight"], sparse, "buffer", "weight"))
    yield _equal(at, "input reads", 12, _left(reads["buffer", "input"], sparse, "buffer", "input"))
    yield _equal(at, "input reads skipped", 15, _skipped(reads["buffer", "input"], sparse, "buffer", "input"))
    yield _equal(at, "weight reads of the backing store", 2, _left(3, sparse, "backing", "weight"))
    yield _equal(at, "output updates", 12, _left(updates["buffer", "output"], sparse, "buffer", "output"))
    yield _equal(at, "output reads", 7, floor(_mean(reads["buffer", "output"], sparse, "buffer", "output")))
    yield _equal(at, "computes", 12, ceil(layer.macs * sparse.compute.energy))


def _gating() -> Iterator[Check]:
    """Reads of a PE's weights are its MACs, so no mapping is needed."""
    reads = int(GATED_LAYER["MACs"] / GATED_LAYER["PEs"])
    gated = floor(reads * Constant(GATED_LAYER["input density"]).p_zeros(1))
    at = "Eyeriss-like, AlexNet CONV3 batch 4, inputs 27.5 %, weight reads gated"
    yield _equal(at, "weight reads per PE", 1_054_311, reads - gated)
    yield _equal(at, "weight reads gated per PE", 2_779_545, gated)


def _formulas() -> Iterator[Check]:
    shape, density = (8, 8), 0.25
    model = Uniform(density, prod(shape))
    for kinds in (
        ("B",),
        ("CP",),
        ("RLE",),
        ("UOP", "CP"),
        ("UOP", "RLE"),
        ("B", "B"),
        ("CP", "CP"),
        ("UOP", "B"),
    ):
        own = Ranked(kinds)
        extents = own.extents(shape)
        for r, (kind, units) in enumerate(zip(kinds, own.units(shape, model), strict=False)):
            what, theirs = _sparseloop(kind, extents, r, model)
            ours = units.payloads if kind == "UOP" else units.metadata
            agree = abs(theirs - ours) <= 1e-9 * theirs
            note = "" if agree else "their product of means, rounded up, against the mean of what is stored"
            yield Check(
                f"8 x 8, 25 %, {'-'.join(kinds)}",
                f"{kind} {what}, rank {r}",
                "units",
                theirs,
                ours,
                1e-9,
                note,
            )


def _sparseloop(kind: str, extents: tuple[int, ...], r: int, model: DensityModel) -> tuple[str, float]:
    """Units of one rank by Sparseloop's formulas."""
    most = prod(extents[:r])
    if kind == "UOP":
        return "offsets", most * (extents[r] + 1)
    fibres = most * (1.0 - model.p_empty(prod(extents[r:])))
    if kind == "B":
        return "bits", fibres * extents[r]
    inside = extents[r] * (1.0 - model.p_empty(prod(extents[r + 1 :])))
    return ("runs", fibres * inside) if kind == "RLE" else ("coordinates", fibres * ceil(inside - 1e-9))


def _with(layer: Layer, **densities: float) -> Layer:
    """A layer of which every tile is as dense as the whole, as in the exercises."""
    tensors = (
        replace(t, density=densities[t.name], pattern=Constant(densities[t.name]))
        if t.name in densities
        else t
        for t in layer.tensors
    )
    return replace(layer, tensors=tuple(tensors))


Numbers = Mapping[tuple[str, str], int]


def _counted(layer: Layer, chip_text: str, mapping_text: str) -> tuple[Numbers, Numbers, Sparse]:
    """Dense reads and updates by (memory, tensor), and the factors."""
    chip = accelerator_from(parse_yaml(chip_text, "exercise.yaml"))
    actions = count(layer, chip, parse(mapping_text, layer, chip)).actions
    reads = {key: a.reads for key, a in actions.items()}
    return reads, {key: a.updates for key, a in actions.items()}, sparse_of(layer, chip)


def _stored(n: float, sparse: Sparse, memory: str, tensor: str) -> float:
    """Of so many values those that are stored."""
    found = sparse.stored[memory, tensor]
    return n * (found.bits - found.metadata_bits) / sparse.chip.word_bits


def _mean(n: float, sparse: Sparse, memory: str, tensor: str) -> float:
    return _stored(n, sparse, memory, tensor) * sparse.served[memory, tensor].time


def _left(n: float, sparse: Sparse, memory: str, tensor: str) -> float:
    """Mean accesses to data, rounded as Sparseloop does: what falls away is rounded down."""
    return n - floor(n - _mean(n, sparse, memory, tensor) + 1e-9)


def _skipped(n: float, sparse: Sparse, memory: str, tensor: str) -> float:
    """Of accesses to what is stored, those that are skipped."""
    return floor(_stored(n, sparse, memory, tensor) - _mean(n, sparse, memory, tensor) + 1e-9)


def _equal(item: str, quantity: str, published: float, computed: float, unit: str = "accesses") -> Check:
    return Check(item, quantity, unit, published, computed, band=0.0)
