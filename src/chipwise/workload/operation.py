"""What a network does besides MACs: pooling, normalisation, element-wise work and the moving of data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

from chipwise.errors import InputError
from chipwise.workload.layer import MAX_COUNT


@final
@dataclass(frozen=True, slots=True)
class Operation:
    """A node of a network that does no MACs: it carries the operations it does and the values it moves.

    All numbers are of the whole batch, except `weights`.

    >>> Operation("pool1", "pool", operations=8 * 4, reads=32, writes=8).with_batch(2).reads
    64
    """

    name: str
    kind: str
    """pool, activation, normalization, elementwise, softmax, concat, shuffle, shift, embedding, resize, unknown."""
    operations: int
    """Arithmetic operations: comparisons, additions, multiplications, look-ups."""
    reads: int
    """Activations read."""
    writes: int
    """Activations written."""
    weights: int = 0
    """Stored parameters: scales and shifts, the rows of a table."""
    weight_reads: int = 0
    """Parameters read: of a table only the rows that are asked for."""
    shape: tuple[int, ...] = ()
    """Of the output, without the batch."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """What the user wrote and the counts no longer show (kernel, stride), for tables."""

    def __post_init__(self) -> None:
        for what in ("operations", "reads", "writes", "weights", "weight_reads"):
            value = getattr(self, what)
            if not 0 <= value <= MAX_COUNT:
                raise InputError(f"layer {self.name!r}: {what} = {value:.3g} must be between 0 and 2^53")

    def with_batch(self, batch: int) -> "Operation":
        """The operation with `batch` inputs at once."""
        if batch < 1:
            raise InputError(f"batch = {batch} must be at least 1")
        return replace(
            self,
            operations=self.operations * batch,
            reads=self.reads * batch,
            writes=self.writes * batch,
            weight_reads=self.weight_reads * (batch if self.kind == "embedding" else 1),
        )
