"""The form of a chip file: what keys there are and what shape each value has.

Quantities stay text here. They are parsed in `chip_file`, where the chip's word and clock are known, so that
`224 words` and `0.48 GB/s` are checked in the same place and with the same messages as `108 KiB`.
"""

import difflib
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from chipwise.hardware.sparsity_file import ComputeZeros, MemoryZeros, Stores
from chipwise.yamlfile import FileModel

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Names stand in printed mappings beside numbers and loops, and are read back from there."""


def _present(value: Any) -> Any:
    if value is None:
        raise ValueError("has no value")
    return value


def _schema(what: str, *examples: str, also: str | None = None) -> WithJsonSchema:
    """What editors are told about a quantity; `also` is a word that may stand for it."""
    number = r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*[A-Za-zµ].*$"
    text = {"type": "string", "pattern": number, "description": what, "examples": list(examples)}
    return WithJsonSchema(text if also is None else {"anyOf": [text, {"const": also}], "description": what})


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be a name: up to 64 letters, digits and _, not starting with a digit")
    return value


# Any, because a number without a unit must get as far as `chipwise.units`, which says what is missing.
Capacity = Annotated[
    Any,
    BeforeValidator(_present),
    _schema("Storage of one instance", "108 KiB", "224 words", also="unlimited"),
]
Word = Annotated[Any, BeforeValidator(_present), _schema("Width of a value", "16 b")]
Frequency = Annotated[Any, BeforeValidator(_present), _schema("Clock of the chip", "200 MHz")]
Bandwidth = Annotated[
    Any, BeforeValidator(_present), _schema("Data per cycle or per second", "8 B/cycle", "0.48 GB/s")
]
Energy = Annotated[Any, BeforeValidator(_present), _schema("Energy of one action on one word", "0.12 pJ")]
Area = Annotated[Any, BeforeValidator(_present), _schema("Area", "12.25 mm2")]
Length = Annotated[Any, BeforeValidator(_present), _schema("Technology node", "65 nm")]
Voltage = Annotated[Any, BeforeValidator(_present), _schema("Supply voltage", "1.0 V")]
Width = Annotated[
    Any, BeforeValidator(_present), _schema("Bits that one access moves, or of a value", "64 b")
]
Power = Annotated[Any, BeforeValidator(_present), _schema("Power that flows while nothing happens", "30 mW")]
LeakageOfChip = Annotated[
    Any,
    BeforeValidator(_present),
    _schema("Power of the whole chip that flows while nothing happens", "30 mW", also="estimate"),
]
Time = Annotated[Any, BeforeValidator(_present), _schema("Time before every layer to set it up", "100 us")]
Distance = Annotated[Any, BeforeValidator(_present), _schema("Length of a wire", "1 mm")]

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
Size = Annotated[int, Field(ge=1, le=2**24)]


class Technology(FileModel):
    """Process and supply."""

    node: Length = None
    voltage: Voltage = None


class ChipEnergy(FileModel):
    """The table that gives energies (a name, or a .csv file), and one MAC where the table counts in MACs.

    `scaled`: to the chip's technology and voltage, where the table tells its own.
    """

    table: Text
    mac: Energy = None
    scaled: bool = False


class MemoryEnergy(FileModel):
    """Per word read or written, compressed or decompressed; `leak` per cycle and instance."""

    read: Energy = None
    write: Energy = None
    leak: Energy = None
    compress: Energy = None
    decompress: Energy = None


class ArrayEnergy(FileModel):
    """Per word delivered or passed on, and per spatial addition."""

    transfer: Energy = None
    reduce: Energy = None


class ComputeEnergy(FileModel):
    """Per multiply-accumulate."""

    mac: Energy = None


class PartEnergy(FileModel):
    """Per cycle of the chip's clock."""

    cycle: Energy = None


class TensorBandwidth(FileModel):
    """Limits of one tensor: reads, writes, or both together (`shared`)."""

    shared: Bandwidth = None
    read: Bandwidth = None
    write: Bandwidth = None


def _limits(value: Any) -> str:
    return "limits-of-tensor" if isinstance(value, dict) else "one-quantity"


Limits = Annotated[
    Annotated[Bandwidth, Tag("one-quantity")] | Annotated[TensorBandwidth, Tag("limits-of-tensor")],
    Discriminator(_limits),
]


class LoopRules(FileModel):
    """Which dimensions may be looped over somewhere (absent: any), and which must be whole there."""

    loops: list[Name] = Field(default_factory=list)
    full: list[Name] = Field(default_factory=list)


class Physical(FileModel):
    """What estimators want to know of a part, and what it takes besides energy; all of one instance."""

    width: Width = None
    area: Area = None
    leakage: Power = None
    source: Text = ""


class Burst(FileModel):
    """Data come `length` at a time, and each time `gap` passes between two bursts in which nothing moves."""

    length: Width
    gap: Time


class MemoryLevel(LoopRules, MemoryZeros, Physical):
    """A memory: what it keeps, how much, how fast, at what cost.

    `width`: of one access, the word where absent. `banks` share the capacity; `ports` work at once.
    """

    memory: Name
    component: Name
    capacity: Capacity = None
    keeps: list[Name] = Field(default_factory=list)
    may_keep: list[Name] = Field(default_factory=list)
    bandwidth: dict[str, Limits] = Field(default_factory=dict)
    buffering: Literal["rolling", "single", "double"] = "rolling"
    burst: Burst | None = None
    energy: MemoryEnergy = Field(default_factory=MemoryEnergy)
    banks: Size | None = None
    ports: Annotated[int, Field(ge=1, le=16)] | None = None


class AxisEntry(LoopRules):
    """One direction of an array."""

    size: Size


class NetworkBandwidth(FileModel):
    """What enters or leaves the network of one instance of the array, and the link of each instance in it."""

    network: Bandwidth = None
    link: Bandwidth = None


NetworkLimits = Annotated[
    Annotated[Bandwidth, Tag("one-quantity")] | Annotated[NetworkBandwidth, Tag("limits-of-tensor")],
    Discriminator(_limits),
]


class ArrayLevel(Stores, Physical):
    """Copies of everything below, on named axes.

    `component`: what its network is made of; `hop`: length of wire to the next PE. `area` and `leakage` are
    of the network of one instance of the array.
    """

    array: Name
    axes: dict[Name, AxisEntry] = Field(min_length=1)
    network: dict[str, Text] = Field(default_factory=dict)
    bandwidth: dict[str, NetworkLimits] = Field(default_factory=dict)
    energy: ArrayEnergy = Field(default_factory=ArrayEnergy)
    component: Name = "network"
    hop: Distance = None


class ParallelLevel(LoopRules):
    """Memories side by side; loop rules given here hold for each of them."""

    parallel: list[MemoryLevel] = Field(min_length=1)


class ComputeLevel(ComputeZeros, Physical):
    """The multiply-accumulate unit; `width` of its operands, the word where absent."""

    compute: Name
    component: Name
    energy: ComputeEnergy = Field(default_factory=ComputeEnergy)


class PartEntry(Physical):
    """Something beside the data path, `count` times on the chip: control, clock, pads."""

    part: Name
    component: Name
    count: Size = 1
    energy: PartEnergy = Field(default_factory=PartEnergy)


class SubPart(FileModel):
    """A piece of a compound component; what is absent here is taken from the part that uses the compound."""

    component: Name
    count: Size = 1
    capacity: Capacity = None
    width: Width = None
    banks: Size | None = None
    ports: Annotated[int, Field(ge=1, le=16)] | None = None
    length: Distance = None


class CompoundModel(FileModel):
    """A component made of others: each action is a list of `PIECE.ACTION` or `2 x PIECE.ACTION`."""

    parts: dict[Name, SubPart] = Field(min_length=1)
    actions: dict[Name, list[Text]] = Field(min_length=1)
    source: Text = ""


_KINDS = ("memory", "array", "parallel", "compute")


def _kind(level: Any) -> str | None:
    """The branch of the union: by its key, or by the nearest misspelling of it."""
    keys = [str(k) for k in level] if isinstance(level, dict) else []
    for key in [k for k in keys if k in _KINDS] or keys:
        near = difflib.get_close_matches(key, _KINDS, n=1, cutoff=0.7)
        if near:
            return f"{near[0]}-level"
    return None


Level = Annotated[
    Annotated[MemoryLevel, Tag("memory-level")]
    | Annotated[ArrayLevel, Tag("array-level")]
    | Annotated[ParallelLevel, Tag("parallel-level")]
    | Annotated[ComputeLevel, Tag("compute-level")],
    Discriminator(
        _kind,
        custom_error_type="level_kind",
        custom_error_message="must have one of the keys memory, array, parallel or compute",
    ),
]


class ChipModel(FileModel):
    """A chip, outermost level first."""

    name: Text
    title: Text = ""
    source: Text = ""
    technology: Technology = Field(default_factory=Technology)
    clock: Frequency
    word: Word
    area: Area = None
    leakage: LeakageOfChip = None
    configuration: Time = None
    prefetch: bool = False
    energy: Annotated[ChipEnergy | None, BeforeValidator(_present)] = None
    tensors: list[Name] = Field(default_factory=lambda: ["input", "weight", "output"], min_length=2)
    runs: list[Name] = Field(default_factory=list)
    dataflows: list[Text] = Field(default_factory=list)
    components: dict[Name, CompoundModel] = Field(default_factory=dict)
    parts: list[PartEntry] = Field(default_factory=list)
    levels: list[Level] = Field(min_length=2)
