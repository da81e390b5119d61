"""Resources: what a network needs of a device, as a number for its layer shapes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal, final

from chipwise import units
from chipwise.adapt.shapes import LayerShape
from chipwise.analysis.evaluate import find_mapping
from chipwise.analysis.results import LayerResult
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.zeros import estimating_zeros
from chipwise.model.cost import cost


class Resource(ABC):
    """Maps layer shapes to a number; a network needs the sum over its layers.

    One protocol for proxies and for direct metrics, so that "guided by MACs or by latency" is a change of one word.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What a budget calls it: `macs`, `latency`, ..."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """Unit of the number: `s`, `pJ`, `bit`, or empty for a count."""

    @abstractmethod
    def of_layer(self, shape: LayerShape) -> float:
        """What one layer needs."""

    def of(self, shapes: Sequence[LayerShape]) -> float:
        """What a network needs: the sum over its layers."""
        return sum(self.of_layer(shape) for shape in shapes)

    def show(self, value: float) -> str:
        """The number for people."""
        if self.unit == "s":
            return units.format_time(value)
        if self.unit == "pJ":
            return units.format_energy(value)
        return units.format_bytes(value) if self.unit == "bit" else units.format_count(value)

    def parse(self, text: str) -> float:
        """The number of `5 ms`, `2 uJ`, `100 KiB` or, of a count, `20000`.

        Raises:
            InputError: no quantity of this unit.
        """
        if self.unit == "s":
            return units.time_s(text)
        if self.unit == "pJ":
            return units.energy_pj(text)
        if self.unit == "bit":
            return units.capacity_bits(text)
        try:
            return float(text)
        except ValueError:
            raise InputError(f"{self.name} = {text!r} must be a number, as 20000 or 2e6") from None


@final
@dataclass(frozen=True)
class Macs(Resource):
    """Multiply-accumulates, whether an operand is zero or not: a proxy."""

    name = "macs"
    unit = ""

    def of_layer(self, shape: LayerShape) -> float:
        """MACs of the layer."""
        return shape.macs


@final
@dataclass(frozen=True)
class Weights(Resource):
    """Non-zero weights, biases included: a proxy."""

    name = "weights"
    unit = ""

    def of_layer(self, shape: LayerShape) -> float:
        """Density · M·C·R·S/G + M biases."""
        return shape.weight_density * shape.filter_weights + shape.M * shape.bias


@final
@dataclass(frozen=True)
class Size(Resource):
    """Storage of the non-zero weights and biases, without indices, in bits."""

    name = "size"
    unit = "bit"

    def of_layer(self, shape: LayerShape) -> float:
        """Weights times their bits."""
        return Weights().of_layer(shape) * shape.bits("weight")


@final
@dataclass(frozen=True)
class Bops(Resource):
    """Bit operations: MACs x bits of weights x bits of activations, as HAWQ-V3 counts them."""

    name = "bops"
    unit = ""

    def of_layer(self, shape: LayerShape) -> float:
        """MACs · bits(weight) · bits(input)."""
        return float(shape.macs) * shape.bits("weight") * shape.bits("input")


DENSITY_STEPS = 32
"""Mappings are found for densities rounded up to a multiple of 1/32 and priced with the true ones: a search meets new
densities at every turn, and its layers would be mapped anew for a thousandth. Fewer values take no more room, so that
the mapping stays legal, and what it was chosen for still never rises with more zeros."""

Zeros = Literal["estimate", "chip"]
"""As `chipwise evaluate --zeros`: what the survey's energy estimation makes of zeros, or what the chip itself does."""

AS_IS = "energy-as-is"
"""What a budget calls the energy on a chip that does about zeros what its file says."""


class _OnChip:
    """Best mappings by shape: a search asks for the same few shapes again and again."""

    def __init__(self, chip: str | Accelerator, batch: int, objective: str, zeros: Zeros) -> None:
        if batch < 1:
            raise InputError(f"batch = {batch} must be at least 1")
        loaded = load_accelerator(chip)
        self.chip = estimating_zeros(loaded) if zeros == "estimate" else loaded
        self._batch = batch
        self._objective = objective
        self._found: dict[LayerShape, LayerResult] = {}

    def result(self, shape: LayerShape) -> LayerResult:
        """The layer for `batch` inputs at once, its zeros counted, on the mapper's best mapping."""
        if shape not in self._found:
            layer = shape.to_layer().with_batch(self._batch)
            near = shape.with_densities(lambda density: max(1, ceil(density * DENSITY_STEPS)) / DENSITY_STEPS)
            if near == shape:
                self._found[shape] = find_mapping(layer, self.chip, self._objective)
            else:
                found = self.result(near)
                priced = cost(layer, found.accelerator, found.mapping)
                self._found[shape] = LayerResult(layer, found.accelerator, found.mapping, priced)
        return self._found[shape]


@final
@dataclass(frozen=True)
class Latency(Resource):
    """Modelled latency of one batch on a chip, seconds, with each layer's fastest mapping.

    Zeros bring what the chip does about them, which on most is nothing.
    """

    accelerator: str | Accelerator
    batch: int = 1
    on_chip: _OnChip = field(init=False, repr=False, compare=False)
    name = "latency"
    unit = "s"

    def __post_init__(self) -> None:
        object.__setattr__(self, "on_chip", _OnChip(self.accelerator, self.batch, "latency", "chip"))

    def of_layer(self, shape: LayerShape) -> float:
        """Seconds of the layer."""
        return self.on_chip.result(shape).latency_s


@final
@dataclass(frozen=True)
class Energy(Resource):
    """Modelled energy of one input on a chip, pJ, with each layer's mapping of least energy.

    The batch matters: it shares the cost of weights, so an energy is never told without it. By default zeros save what
    the estimation of energy-aware pruning takes for granted (`hardware.zeros.estimating_zeros`), whatever the chip
    does about them; with `zeros="chip"`, then called `energy-as-is`, they save what its file says.
    """

    accelerator: str | Accelerator
    batch: int = 1
    zeros: Zeros = "estimate"
    on_chip: _OnChip = field(init=False, repr=False, compare=False)
    unit = "pJ"

    def __post_init__(self) -> None:
        object.__setattr__(self, "on_chip", _OnChip(self.accelerator, self.batch, "energy", self.zeros))

    @property
    def name(self) -> str:
        """`energy` or `energy-as-is`."""
        return "energy" if self.zeros == "estimate" else AS_IS

    def of_layer(self, shape: LayerShape) -> float:
        """PJ of the layer per input."""
        return self.on_chip.result(shape).energy_pj / self.batch
