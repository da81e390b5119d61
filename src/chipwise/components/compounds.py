"""Compound components: what a part made of others costs and takes, from its pieces.

energy of an action = Σ times · energy of the piece's action        area, leakage = Σ count · that of the piece
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, final

from chipwise.components.classes import ACTIONS
from chipwise.components.estimator import FIGURES, AbstractEstimator, Estimate, Query
from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import Compound, Piece

MAX_DEPTH: Final = 8

LIBRARY: Final[Mapping[str, Compound]] = {
    "smart_buffer": Compound(
        {
            "storage": Piece("sram"),
            # One for reads and one for writes. 16 b reach 64 Ki rows; the width hardly matters beside the access.
            "address": Piece("counter", count=2, width_bits=16),
        },
        {
            "read": {("storage", "read"): 1, ("address", "count"): 1},
            "write": {("storage", "write"): 1, ("address", "count"): 1},
        },
        "an SRAM that walks through its own addresses, as Accelergy's smartbuffer_SRAM",
    ),
    "smart_register_file": Compound(
        {"storage": Piece("register_file"), "address": Piece("counter", count=2, width_bits=8)},
        {
            "read": {("storage", "read"): 1, ("address", "count"): 1},
            "write": {("storage", "write"): 1, ("address", "count"): 1},
        },
        "a register file that walks through its own addresses",
    ),
    "pipelined_mac": Compound(
        {"mac": Piece("int_mac"), "operand": Piece("register", count=2), "sum": Piece("register", count=2)},
        {"mac": {("mac", "mac"): 1, ("operand", "write"): 2, ("sum", "write"): 2}},
        "a PE's datapath: a MAC between registers, the sum of twice the width of an operand",
    ),
}
"""By the names that chip files use; a chip's own `components` come before them."""


@final
@dataclass(frozen=True, slots=True)
class Compounded(AbstractEstimator):
    """Another estimator, and whatever compound components can be made of what it knows."""

    of: AbstractEstimator
    compounds: Mapping[str, Compound]

    @property
    def name(self) -> str:
        """That of the other."""
        return self.of.name

    @property
    def components(self) -> tuple[str, ...]:
        """Those of the other, and the compounds."""
        return (*self.of.components, *self.compounds)

    @property
    def range(self) -> str:
        """That of the other."""
        return self.of.range

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The other's figure, or the sum over the pieces.

        Raises:
            InputError: a piece of which nobody knows the action, by name, or compounds that contain themselves.
        """
        return self._estimate(query, figure, ())

    def _estimate(self, query: Query, figure: str, within: tuple[str, ...]) -> Estimate | None:
        compound = self.compounds.get(query.component)
        if compound is None:
            return self.of.estimate(query, figure)
        path = (*within, query.component)
        if query.component in within or len(path) > MAX_DEPTH:
            raise InputError(f"component {path[0]!r} contains itself: {' > '.join(path)}; make it of others")
        if figure in FIGURES:
            parts = [(n, p.count, p, figure) for n, p in compound.pieces.items()]
        else:
            if figure not in compound.actions:
                return None
            parts = [(n, t, compound.pieces[n], a) for (n, a), t in compound.actions[figure].items()]
        return self._sum(query, parts, path)

    def _sum(
        self, query: Query, parts: list[tuple[str, int, Piece, str]], path: tuple[str, ...]
    ) -> Estimate | None:
        total, accuracy, said = 0.0, 100.0, []
        for name, times, piece, figure in parts:
            found = self._estimate(_of_piece(query, piece), figure, path)
            if found is None:
                if figure in FIGURES:
                    return None  # part of an area is worse than none
                raise InputError(self._unknown(path[-1], name, piece, figure))
            total += times * found.value
            accuracy = min(accuracy, found.accuracy)
            said.append(f"{times} x {name}.{figure} {found.value:.4g} [{found.source}]")
        return Estimate(total, accuracy, f"{path[-1]}: " + " + ".join(said))

    def _unknown(self, compound: str, name: str, piece: Piece, action: str) -> str:
        known = {**ACTIONS, **{n: tuple(c.actions) for n, c in self.compounds.items()}}
        if piece.component not in known:
            hint = did_you_mean(piece.component, known)
            return (
                f"component {compound!r}: piece {name!r} is a {piece.component!r}, which is not known.{hint}"
            )
        if action not in known[piece.component]:
            has = ", ".join(known[piece.component])
            return (
                f"component {compound!r}: piece {name!r}, a {piece.component}, has no action {action!r}; "
                f"it has {has}"
            )
        return (
            f"component {compound!r}: no estimator knows {action} of piece {name!r}, a {piece.component} like "
            "this; change its sizes, or give the part its own `energy:`"
        )


def _of_piece(query: Query, piece: Piece) -> Query:
    """What is asked of a piece: its own sizes, else those of the part that uses the compound."""
    is_memory = "read" in ACTIONS.get(piece.component, ("read",)) and piece.component != "register"
    return replace(
        query,
        component=piece.component,
        bits=query.bits if piece.width_bits is None or is_memory else piece.width_bits,
        capacity_bits=query.capacity_bits if piece.capacity_bits is None else piece.capacity_bits,
        width_bits=query.width_bits if piece.width_bits is None else piece.width_bits,
        banks=query.banks if piece.banks is None else piece.banks,
        ports=query.ports if piece.ports is None else piece.ports,
        length_mm=query.length_mm if piece.length_mm is None else piece.length_mm,
    )
