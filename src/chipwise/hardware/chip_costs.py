"""What a chip file says of its parts beside counts and energies: sizes, areas, leakage, compound components."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from chipwise import units
from chipwise.errors import did_you_mean
from chipwise.hardware import chip_model as model
from chipwise.hardware.accelerator import ActionEnergy, Compound, Part, Physical, Piece

At = tuple[str | int, ...]

ESTIMATE = "estimate"
"""For the leakage of a chip: that of its parts, as estimators give it."""

_CALL = re.compile(r"(?:(\d{1,9})\s*x\s+)?([A-Za-z_]\w*)\.([A-Za-z_]\w*)", re.ASCII)


class Reading(Protocol):
    """What reading a chip file offers: quantities with their place, and refusals."""

    word_bits: int

    def quantity(self, parse: Any, value: Any, *path: str | int) -> Any:
        """`value` parsed, or an error with its place."""

    def fail(self, path: At, value: object, rule: str) -> Any:
        """Refuse `value` at `path`."""

    def given(self, source: str, *path: str | int) -> str:
        """Where a figure stands and who says so."""

    def part(self, name: str, *path: str | int) -> None:
        """Keep the place of a part; refuse a name that is taken."""

    def energies(self, level: Any, actions: tuple[str, ...], path: At) -> dict[str, ActionEnergy]:
        """Energies given for a part."""


def physical(
    read: Reading, level: model.Physical, path: At, *, hop: Any = None, banks: Any = None, ports: Any = None
) -> Physical:
    """Sizes, leakage and sources of one part."""
    leakage = None
    if level.leakage is not None:
        leakage = read.quantity(units.power_w, level.leakage, *path, "leakage")
    return Physical(
        width_bits=_width(read, level.width, *path, "width"),
        banks=banks or 1,
        ports=ports or 1,
        length_mm=None if hop is None else _length(read, hop, *path, "hop"),
        leakage_w=leakage,
        leakage_source="" if leakage is None else read.given(level.source, *path, "leakage"),
        area_source="" if level.area is None else read.given(level.source, *path, "area"),
    )


def extra_parts(read: Reading, entries: list[model.PartEntry]) -> tuple[Part, ...]:
    """What stands beside the data path."""
    found = []
    for i, entry in enumerate(entries):
        path: At = ("parts", i)
        read.part(entry.part, *path, "part")
        area = None if entry.area is None else read.quantity(units.area_mm2, entry.area, *path, "area")
        energy = read.energies(entry, ("cycle",), path)
        found.append(
            Part(entry.part, entry.component, entry.count, energy, area, physical(read, entry, path))
        )
    return tuple(found)


def compounds(read: Reading, entries: Mapping[str, model.CompoundModel]) -> dict[str, Compound]:
    """The compound components that a file defines."""
    return {name: compound(read, entry, ("components", name)) for name, entry in entries.items()}


def compound(read: Reading, entry: model.CompoundModel, path: At) -> Compound:
    """One compound component: its pieces, and what its actions are made of."""
    pieces = {name: _piece(read, piece, (*path, "parts", name)) for name, piece in entry.parts.items()}
    actions: dict[str, dict[tuple[str, str], int]] = {}
    for action, calls in entry.actions.items():
        made = actions.setdefault(action, {})
        for i, call in enumerate(calls):
            at = (*path, "actions", action, i)
            match = _CALL.fullmatch(call.strip())
            if match is None:
                read.fail(
                    at, call, "is no action of a piece; write PIECE.ACTION, e.g. storage.read or 2 x add.add"
                )
            assert match is not None
            times, piece, of_piece = int(match[1] or 1), match[2], match[3]
            if piece not in pieces:
                read.fail(at, call, f"names no piece of this component.{did_you_mean(piece, pieces)}")
            made[piece, of_piece] = made.get((piece, of_piece), 0) + times
    return Compound(pieces, actions, entry.source)


def _piece(read: Reading, piece: model.SubPart, path: At) -> Piece:
    parse = partial(units.capacity_bits, word_bits=read.word_bits)
    capacity = None if piece.capacity is None else read.quantity(parse, piece.capacity, *path, "capacity")
    length = None if piece.length is None else _length(read, piece.length, *path, "length")
    width = _width(read, piece.width, *path, "width")
    return Piece(piece.component, piece.count, capacity, width, piece.banks, piece.ports, length)


def _width(read: Reading, value: Any, *path: str | int) -> int | None:
    if value is None:
        return None
    bits: int = read.quantity(partial(units.capacity_bits, word_bits=read.word_bits), value, *path)
    if not 1 <= bits <= 2**20:
        read.fail(path, value, "must be from 1 b to 1 Mib")
    return bits


def _length(read: Reading, value: Any, *path: str | int) -> float:
    return float(read.quantity(units.length_nm, value, *path)) / 1e6
