"""The chip: memories, arrays and compute, outermost first, with what they allow.

Levels form a tree drawn as a list: each level stands below the one before it; a `Parallel` group holds
memories side by side (one scratchpad per tensor). Loops of a mapping stand between levels; spatial loops
stand at an array.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.buffering import Buffering
from chipwise.hardware.sparsity import Sparsity


@final
@dataclass(frozen=True, slots=True)
class Loops:
    """Which loops may stand somewhere: `allowed` dimensions (None: all), of which `full` must be whole there.

    `full` dimensions run over all of their remaining extent, as the filter rows of a row-stationary array.
    """

    allowed: tuple[str, ...] | None = None
    full: tuple[str, ...] = ()

    def allows(self, dim: str) -> bool:
        """Whether a loop over `dim` with more than one iteration may stand here."""
        return self.allowed is None or dim in self.allowed


@final
@dataclass(frozen=True, slots=True)
class Port:
    """A path in or out of a memory with limited bandwidth, shared by what uses it.

    `tensors` use it (None: all); `reads`/`writes` tell which accesses count. Bits per cycle of the chip.
    """

    name: str
    bits_per_cycle: float
    tensors: tuple[str, ...] | None = None
    reads: bool = True
    writes: bool = True


@final
@dataclass(frozen=True, slots=True)
class ActionEnergy:
    """Energy of one action on one word, pJ, and where the number comes from."""

    energy_pj: float
    source: str


@final
@dataclass(frozen=True, slots=True)
class Physical:
    """What estimators want to know of one instance of a part, and what it takes besides energy.

    None: not given. A figure that stands has the source of the number beside it.
    """

    width_bits: int | None = None
    """Of one access of a memory or of an operand; None: the word."""
    banks: int = 1
    ports: int = 1
    length_mm: float | None = None
    """Of the wire to the next PE."""
    leakage_w: float | None = None
    leakage_source: str = ""
    area_source: str = ""


@final
@dataclass(frozen=True, slots=True)
class Memory:
    """A level that stores tiles. `capacity_bits` per instance; None: unlimited.

    `keeps` tensors always have a tile here, `may_keep` ones where the mapping chooses; others pass by.
    `inner_loops` constrains the temporal loops between this memory and the next level that stores.
    """

    name: str
    component: str
    keeps: tuple[str, ...]
    may_keep: tuple[str, ...] = ()
    capacity_bits: int | None = None
    buffering: Buffering = Buffering.ROLLING
    ports: tuple[Port, ...] = ()
    inner_loops: Loops = field(default_factory=Loops)
    energy: Mapping[str, ActionEnergy] = field(default_factory=dict)
    """Per word: `read` and `write`; `compress` and `decompress` where they are given."""
    area_mm2: float | None = None
    """Of one instance, where a source gives it."""
    physical: Physical = field(default_factory=Physical)
    sparsity: Sparsity = field(default_factory=Sparsity)

    def holds(self, tensor: str) -> bool:
        """Whether a tile of `tensor` may be kept here."""
        return tensor in self.keeps or tensor in self.may_keep

    @property
    def usable_bits(self) -> int | None:
        """Capacity left for working tiles: half of it with double buffering."""
        return None if self.capacity_bits is None else self.capacity_bits // self.buffering.tiles


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of an array: `size` instances, on which `loops` may be laid."""

    name: str
    size: int
    loops: Loops = field(default_factory=Loops)


@final
@dataclass(frozen=True, slots=True)
class Route:
    """How the array's network carries one tensor.

    `shared_axes`: along these axes identical data is read once and multicast (an input), or partial sums
    are reduced into one update (an output). `overlapping`: data that two PEs' tiles share only in part
    (halos, Eyeriss's diagonals) is read once as well.
    """

    shared_axes: frozenset[str] = frozenset()
    overlapping: bool = False
    delay_cycles: int = 0
    """Of one word from the first instance to the last (forwarding, a chain of additions), or through a tree."""
    bits_per_cycle: float | None = None
    """That enter or leave the network of one instance of the array; None: unlimited."""
    link_bits_per_cycle: float | None = None
    """On the link of one instance of what the array holds; None: unlimited."""


@final
@dataclass(frozen=True, slots=True)
class Array:
    """Copies of everything below, on named axes, with a network."""

    name: str
    axes: tuple[Axis, ...]
    routes: Mapping[str, Route] = field(default_factory=dict)
    energy: Mapping[str, ActionEnergy] = field(default_factory=dict)
    """Per word: `transfer` (one hop to or between PEs) and `reduce` (one spatial addition)."""
    component: str = "network"
    area_mm2: float | None = None
    """Of the network of one instance of the array."""
    physical: Physical = field(default_factory=Physical)
    sparsity: Sparsity = field(default_factory=Sparsity)

    @property
    def size(self) -> int:
        """Instances in all."""
        n = 1
        for axis in self.axes:
            n *= axis.size
        return n

    def route(self, tensor: str) -> Route:
        """How `tensor` travels; unicast where the chip says nothing."""
        return self.routes.get(tensor, Route())


@final
@dataclass(frozen=True, slots=True)
class Parallel:
    """Memories side by side: none is above another."""

    memories: tuple[Memory, ...]


@final
@dataclass(frozen=True, slots=True)
class Compute:
    """The multiply-accumulate unit, innermost."""

    name: str
    component: str
    energy: Mapping[str, ActionEnergy] = field(default_factory=dict)
    """`mac`: pJ for one multiply-accumulate."""
    area_mm2: float | None = None
    physical: Physical = field(default_factory=Physical)
    sparsity: Sparsity = field(default_factory=Sparsity)


@final
@dataclass(frozen=True, slots=True)
class Part:
    """Something beside the data path, `count` times on the chip: control, clock, pads."""

    name: str
    component: str
    count: int = 1
    energy: Mapping[str, ActionEnergy] = field(default_factory=dict)
    """`cycle`: pJ of one instance for every cycle of the chip."""
    area_mm2: float | None = None
    physical: Physical = field(default_factory=Physical)


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a compound component, `count` times; what is None is that of the part which uses it."""

    component: str
    count: int = 1
    capacity_bits: int | None = None
    width_bits: int | None = None
    banks: int | None = None
    ports: int | None = None
    length_mm: float | None = None


@final
@dataclass(frozen=True, slots=True)
class Compound:
    """A component made of others: each action is a number of actions of its pieces."""

    pieces: Mapping[str, Piece]
    actions: Mapping[str, Mapping[tuple[str, str], int]]
    """Action → {(piece, its action): times}."""
    source: str = ""


Level = Memory | Array | Parallel | Compute


@final
@dataclass(frozen=True, slots=True)
class Accelerator:
    """A chip. `levels` outermost first: the first stores every tensor, the last is the compute."""

    name: str
    levels: tuple[Level, ...]
    clock_hz: float
    word_bits: int = 16
    title: str = ""
    source: str = ""
    technology: Mapping[str, str] = field(default_factory=dict)
    area_mm2: float | None = None
    """Of the whole chip as published, None where not given."""
    tensors: tuple[str, ...] = ("input", "weight", "output")
    leakage_w: float | None = None
    """Of the whole chip as published, None where not given; then that of its parts counts."""
    leakage_source: str = ""
    parts: tuple[Part, ...] = ()
    """What stands beside the data path."""
    runs: tuple[str, ...] = ()
    """Kinds of layers that it is made for; empty: all."""
    dataflows: tuple[str, ...] = ()
    """Names of those that it can choose among, layer by layer; empty: what its own rules say."""
    configuration_s: float = 0.0
    """Before every layer: its parameters are sent and set up."""
    prefetches: bool = False
    """Whether the first tiles and the configuration of a layer come while the one before it still works."""
    waits: bool = True
    """False: as if the first tiles, the last ones and the configuration took no time and all transfers overlapped."""
    dataflow: str = ""
    """Name of the one whose rules have taken the place of its own; empty: none."""

    def __post_init__(self) -> None:
        names = [m.name for m in self.memories] + [a.name for a in self.arrays]
        names += [axis.name for a in self.arrays for axis in a.axes] + [self.compute.name]
        names += [part.name for part in self.parts]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"chip {self.name!r}: two parts are called {name!r}; names must differ")
        if not isinstance(self.levels[0], Memory):
            raise InputError(f"chip {self.name!r}: the first level must be a memory that holds everything")
        missing = [t for t in self.tensors if t not in self.levels[0].keeps]
        if missing:
            raise InputError(
                f"chip {self.name!r}: memory {self.levels[0].name!r} is outermost, so it must keep "
                f"{', '.join(missing)} as well"
            )
        if self.levels[0].capacity_bits is not None:
            raise InputError(
                f"chip {self.name!r}: the outermost memory {self.levels[0].name!r} holds whole tensors, "
                "so it takes no capacity"
            )

    @property
    def memories(self) -> tuple[Memory, ...]:
        """All memories, outermost first, parallel ones in the order written."""
        found: list[Memory] = []
        for level in self.levels:
            if isinstance(level, Memory):
                found.append(level)
            elif isinstance(level, Parallel):
                found.extend(level.memories)
        return tuple(found)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All arrays, outermost first."""
        return tuple(level for level in self.levels if isinstance(level, Array))

    @property
    def compute(self) -> Compute:
        """The innermost level."""
        last = self.levels[-1]
        if not isinstance(last, Compute):
            raise InputError(f"chip {self.name!r}: the last level must be the compute (`compute: mac`)")
        return last

    def memory(self, name: str) -> Memory:
        """The memory called `name`."""
        for m in self.memories:
            if m.name == name:
                return m
        known = [m.name for m in self.memories]
        raise InputError(f"chip {self.name!r} has no memory {name!r}." + did_you_mean(name, known))

    def axis(self, name: str) -> tuple[Array, Axis]:
        """The axis called `name` and the array it belongs to."""
        for array in self.arrays:
            for axis in array.axes:
                if axis.name == name:
                    return array, axis
        known = [axis.name for a in self.arrays for axis in a.axes]
        raise InputError(f"chip {self.name!r} has no axis {name!r}." + did_you_mean(name, known))

    def depth(self, name: str) -> int:
        """Index of the level in which the memory, array or compute called `name` stands."""
        for i, level in enumerate(self.levels):
            members = level.memories if isinstance(level, Parallel) else (level,)
            if any(m.name == name for m in members):
                return i
        raise InputError(f"chip {self.name!r} has no part {name!r}")

    def instances(self, name: str) -> int:
        """Copies of the part called `name`: the product of the arrays above it."""
        n = 1
        for level in self.levels[: self.depth(name)]:
            if isinstance(level, Array):
                n *= level.size
        return n

    @property
    def pes(self) -> int:
        """Multiply-accumulate units in all."""
        return self.instances(self.compute.name)

    @property
    def configuration_cycles(self) -> float:
        """Cycles before every layer in which its parameters are sent and set up."""
        return self.configuration_s * self.clock_hz

    @property
    def peak_macs_per_s(self) -> float:
        """PEs x clock."""
        return self.pes * self.clock_hz

    def area_by_component(self) -> dict[str, float]:
        """mm2 of all instances of each part on the chip, by name, where one is given or estimated.

        The outermost memory is another chip and not among them.
        """
        parts: list[Memory | Array | Compute | Part] = [
            *self.memories[1:],
            *self.arrays,
            self.compute,
            *self.parts,
        ]
        found: dict[str, float] = {}
        for part in parts:
            if part.area_mm2 is not None:
                copies = part.count if isinstance(part, Part) else self.instances(part.name)
                found[part.name] = part.area_mm2 * copies
        return found

    @property
    def components_area_mm2(self) -> float | None:
        """Sum of `area_by_component`; None where a memory or the compute has none, since it would mislead."""
        if any(m.area_mm2 is None for m in self.memories[1:]) or self.compute.area_mm2 is None:
            return None
        return sum(self.area_by_component().values())

    def bits(self, tensor_bits: int | None) -> int:
        """Width of a value: the tensor's own, or the chip's word."""
        return self.word_bits if tensor_bits is None else tensor_bits
