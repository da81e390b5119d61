"""What a chip file says about zeros: formats, savings, occupancy."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from chipwise.hardware.sparsity import Sparsity
from chipwise.sparsity.formats.format import Format
from chipwise.sparsity.formats.spelling import BEST, parse_format
from chipwise.sparsity.saving import COMPUTE, Saving
from chipwise.yamlfile import FileModel

At = tuple[str | int, ...]
FormatText = Annotated[
    str, Field(min_length=1, max_length=200, examples=["raw", "bitmask", "rle(5, 16)", "csc(4)"])
]
Names = Annotated[str, Field(max_length=64)] | Annotated[list[str], Field(min_length=1, max_length=16)]


class SavingModel(FileModel):
    """Where values of `when` are zero (`of`: so many at once), accesses are gated (no energy) or skipped (no time)."""

    when: Names
    gates: Names | None = None
    skips: Names | None = None
    of: Annotated[int, Field(ge=1, le=2**20)] = 1


class Stores(FileModel):
    """How tensors are written here: `best`, or per tensor a format or several to choose from."""

    formats: Literal["best"] | dict[str, FormatText | list[FormatText]] = Field(default_factory=dict)


class MemoryZeros(Stores):
    """What a memory does about zeros."""

    occupancy: Literal["worst", "expected"] = "worst"
    saves: list[SavingModel] = Field(default_factory=list)


class ComputeZeros(FileModel):
    """What the compute does about zeros and narrow operands.

    PEs wait for each other after `sync` MACs; `narrow: energy`: a MAC's energy falls with the product of its operands'
    widths; `split`: it also does two at half of the word's width and four at a quarter.
    """

    saves: list[SavingModel] = Field(default_factory=list)
    sync: Annotated[int, Field(ge=1, le=2**40)] | None = None
    narrow: Literal["same", "energy", "split"] = "same"


class Reading(Protocol):
    """What reading a chip file offers here."""

    tensors: tuple[str, ...]

    def quantity(self, parse: Any, value: Any, *path: str | int) -> Any:
        """`value` parsed, or an error with its place."""

    def known(self, name: str, names: Sequence[str], what: str, *path: str | int) -> None:
        """Refuse a name that is none of those."""

    def fail(self, path: At, value: object, rule: str) -> Any:
        """Refuse `value` at `path`."""

    def refuse(self, path: At, rule: str) -> Any:
        """Refuse what stands at `path`."""


def of_memory(read: Reading, level: MemoryZeros, held: Sequence[str], path: At) -> Sparsity:
    """Of a memory that may hold these tensors; its accesses are what zeros save."""
    return Sparsity(
        formats=formats(read, level, held, path),
        saves=_savings(read, level.saves, held, path),
        expected_occupancy=level.occupancy == "expected",
    )


def of_compute(read: Reading, level: ComputeZeros, path: At) -> Sparsity:
    """Of the compute, whose MACs zeros save."""
    return Sparsity(
        saves=_savings(read, level.saves, (COMPUTE,), path),
        sync=level.sync,
        narrow_saves_energy=level.narrow != "same",
        narrow_splits=level.narrow == "split",
    )


def formats(read: Reading, level: Stores, held: Sequence[str], path: At) -> dict[str, tuple[Format, ...]]:
    """Tensor → formats to choose from."""
    if isinstance(level.formats, str):
        return dict.fromkeys(held, parse_format(BEST))
    found: dict[str, tuple[Format, ...]] = {}
    for tensor, given in level.formats.items():
        at = (*path, "formats", tensor)
        read.known(tensor, tuple(held), "tensor", *at)
        texts = [given] if isinstance(given, str) else given
        if not texts:
            read.refuse(at, "names no format; delete the line, or write raw")
        found[tensor] = tuple(f for text in texts for f in read.quantity(partial(parse_format), text, *at))
    return found


def _savings(
    read: Reading, entries: list[SavingModel], followers: Sequence[str], path: At
) -> tuple[Saving, ...]:
    found = []
    for i, entry in enumerate(entries):
        at = (*path, "saves", i)
        when = _listed(entry.when)
        for leader in when:
            read.known(leader, read.tensors[:-1], "operand", *at, "when")
        gates, skips = _listed(entry.gates), _listed(entry.skips)
        if not gates and not skips:
            read.refuse(at, "saves nothing; add `gates:` or `skips:`")
        for key, names in (("gates", gates), ("skips", skips)):
            for name in names:
                read.known(
                    name, tuple(followers), "tensor held" if followers != (COMPUTE,) else "follower", *at, key
                )
                if name in when:
                    read.fail(
                        (*at, key),
                        name,
                        "is a leader as well; zeros of a tensor save its own accesses where it is stored compressed, "
                        "so give it a format",
                    )
                if name in gates and name in skips:
                    read.fail(
                        (*at, "gates"), name, "is skipped as well, which saves its energy too; delete it here"
                    )
        found.append(Saving(when, gates, skips, entry.of))
    return tuple(found)


def _listed(names: str | list[str] | None) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())
