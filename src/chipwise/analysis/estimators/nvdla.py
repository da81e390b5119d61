"""NVDLA, as its makers' performance estimator counts: perf/NVDLA_OpenSource_Performance.xlsx of github.com/nvdla/hw.

A layer takes the most of its MACs and of DRAM; layers follow one another.

    MAC cycles = up16(C·U²) · ceil(P) · ceil(Q) · up16(K) · R·S / U² / MACs     and / 2.25 for 3 x 3 (Winograd)
    input      = up16(C·U²) · ceil(H/U) · ceil(W/U)                             bytes
    weight     = up16(C·U²) · ceil(R/U) · ceil(S/U) · K                         bytes, · 16/9 where held for Winograd
    output     = up16(K) · A · B                                                bytes, A x B after a fused pooling
    DRAM cycles = ceil(KiB · 1000 · clock / bandwidth)

up16 rounds up to a multiple of 16, U is the stride; (P, Q) = (H, W)/U with padding and (H − R + 1, W − S + 1)/U
without. K is counted with the batch for fully-connected layers, whose weights are shared by it. A KiB takes as long as
1000 bytes.

The sheet of AlexNet stops here. Those of GoogLeNet and ResNet-50 differ (github.com/nvdla/hw/issues/96): where the
input does not fit beside the weights of 32 filters, weights come again for each part of it,

    weight traffic = weight · ceil(input / (buffer − weights of 32 filters))

and what is done outside convolutions, sums and pooling, is a pass through DRAM of its own. The cells of these two
sheets are not public as text: the formula of the cycles is quoted in issue 51, that 3 x 3 counts as Winograd there
whatever is asked for in issue 202, and the smallest tile of weights stands in a C++ transcription of the sheet.
Which of them act together was chosen such that the seven figures of ResNet-50 in the NVDLA primer come out; no
constant is fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import final

from chipwise.errors import InputError
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network
from chipwise.workload.operation import Operation

GRAIN = 16
"""Channels and filters are counted in multiples of this."""
WINOGRAD = 2.25
MIN_FILTERS = 32
"""Whose weights stay in the buffer while the input passes."""
PASSES = frozenset({"pool", "elementwise", "normalization"})
"""Operations that engines of their own do, from DRAM to DRAM."""


@final
@dataclass(frozen=True, slots=True)
class NvdlaDesign:
    """A configuration: MACs per cycle, convolution buffer, DRAM, and how weights and operations are counted.

    `simple`: as the sheet of AlexNet; else as those of GoogLeNet and ResNet-50.
    `has_sram`: activations of convolutions stay in a second memory, and weights of a batch too.
    """

    macs: int = 2048
    buffer_kib: int = 512
    dram_gb_per_s: float = 10.0
    clock_ghz: float = 1.0
    fc_batch: int = 16
    simple: bool = False
    has_sram: bool = False


@final
@dataclass(frozen=True, slots=True)
class NvdlaLayer:
    """A row of a sheet: `times` equal convolutions, or a fully-connected layer as one that covers its input."""

    name: str
    channels: int
    filters: int
    plane: tuple[int, int]
    """Height and width of the input, without padding."""
    window: tuple[int, int] = (1, 1)
    stride: int = 1
    padded: bool = True
    pooled: tuple[int, int] | None = None
    """Height and width of the output after a pooling that is fused, None without."""
    is_fc: bool = False
    times: int = 1
    from_dram: bool = False
    to_dram: bool = False
    """Of a design with SRAM: what comes from DRAM all the same, and goes there."""

    @property
    def output(self) -> tuple[int, int]:
        """P and Q."""
        u = self.stride
        p, q = (
            ceil(n / u) if self.padded else ceil((n - r + 1) / u)
            for n, r in zip(self.plane, self.window, strict=True)
        )
        return p, q

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all of them."""
        p, q = self.output
        r, s = self.window
        return self.times * self.channels * self.filters * p * q * r * s

    @property
    def _depth(self) -> int:
        return _up(self.channels * self.stride**2)

    @property
    def input_kib(self) -> float:
        """Of one of them."""
        height, width = self.plane
        return self._depth * ceil(height / self.stride) * ceil(width / self.stride) / 1024

    def weight_kib(self, filters: int | None = None) -> float:
        """Of one of them, or of some filters of it; as stored without Winograd."""
        r, s = self.window
        taps = ceil(r / self.stride) * ceil(s / self.stride)
        return self._depth * taps * (self.filters if filters is None else filters) / 1024

    @property
    def output_kib(self) -> float:
        """Of one of them, after pooling."""
        a, b = self.pooled or self.output
        return _up(self.filters) * a * b / 1024

    def mac_cycles(self, design: NvdlaDesign) -> float:
        """Of one of them.

        >>> conv1 = NvdlaLayer("conv1", 3, 96, (224, 224), (11, 11), stride=4, padded=False)
        >>> conv1.mac_cycles(NvdlaDesign())
        49617.5625
        """
        p, q = self.output
        r, s = self.window
        batch = design.fc_batch if self.is_fc else 1
        filters = _up(self.filters * batch) / batch
        cycles = self._depth * p * q * filters * r * s / self.stride**2 / design.macs
        return cycles / WINOGRAD if self.window == (3, 3) else cycles

    def dram_kib(self, design: NvdlaDesign) -> float:
        """Through DRAM, for one of them."""
        weight = self.weight_kib() / (design.fc_batch if self.is_fc or design.has_sram else 1)
        if design.simple:
            weight *= 16 / 9 if self.window == (3, 3) else 1
        elif not self.is_fc:
            weight *= self._passes(design)
        held = design.has_sram
        return (
            weight
            + (0 if held and not self.from_dram else self.input_kib)
            + (0 if held and not self.to_dram else self.output_kib)
        )

    def _passes(self, design: NvdlaDesign) -> int:
        """Parts of the input that fit beside the weights of a few filters, or in half of the buffer."""
        kept = self.weight_kib(MIN_FILTERS)
        room = design.buffer_kib - (kept if kept < design.buffer_kib else design.buffer_kib / 2)
        return max(1, ceil(self.input_kib / room))

    def dram_cycles(self, design: NvdlaDesign) -> int:
        """Of one of them."""
        return _dram_cycles(self.dram_kib(design), design)

    def cycles(self, design: NvdlaDesign) -> float:
        """Of all of them: the slower of MACs and DRAM."""
        return self.times * max(self.mac_cycles(design), self.dram_cycles(design))


def _up(value: int) -> int:
    return -(-value // GRAIN) * GRAIN


def _dram_cycles(kib: float, design: NvdlaDesign) -> int:
    return ceil(kib * 1000 * design.clock_ghz / design.dram_gb_per_s)


def layers_of(network: Network) -> Iterator[NvdlaLayer]:
    """The convolutions and fully-connected layers of a network, as rows of a sheet; planes are padded as needed.

    Raises:
        InputError: a layer that is neither.
    """
    for layer in network.layers:
        yield _row(layer)


def _row(layer: Layer) -> NvdlaLayer:
    d, stride = layer.dims, layer.notes.get("stride", 1)
    if not {"M", "C"} <= d.keys() or layer.notes.get("transposed"):
        raise InputError(
            f"layer {layer.name!r} ({layer.kind}): NVDLA's estimator counts convolutions and fully-connected "
            "layers only; leave it out"
        )
    window = (d.get("R", 1), d.get("S", 1))
    is_fc = layer.kind == "fc"
    return NvdlaLayer(
        name=layer.name,
        channels=d["C"],
        filters=d["M"],
        plane=window if is_fc else (d.get("P", 1) * stride, d.get("Q", 1) * stride),
        window=window,
        stride=stride,
        padded=not is_fc,
        is_fc=is_fc,
        times=d.get("G", 1),
    )


def network_cycles(network: Network, design: NvdlaDesign) -> float:
    """Cycles for one input: its layers, and a pass through DRAM for each sum, pooling and normalisation.

    Args:
        network: of convolutions and fully-connected layers, batch 1.
        design: not `simple` and without SRAM, as the sheets of whole networks.
    """
    passes = sum(operation_cycles(node, design) for node in network.operations if node.kind in PASSES)
    return sum(row.cycles(design) for row in layers_of(network)) + passes


def operation_cycles(operation: Operation, design: NvdlaDesign) -> int:
    """Cycles to read and write what an engine without MACs works on."""
    return _dram_cycles((operation.reads + operation.writes) / 1024, design)


def sheet_cycles(rows: Sequence[NvdlaLayer], design: NvdlaDesign) -> float:
    """Cycles of the rows of a sheet."""
    return sum(row.cycles(design) for row in rows)
