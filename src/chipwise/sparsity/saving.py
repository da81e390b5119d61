"""Which zeros save what: where a leader's values are zero, accesses to followers are gated or skipped.

Gated: it takes its time but no energy. Skipped: neither.
"""

from dataclasses import dataclass
from typing import final

COMPUTE = "compute"
"""As a follower: the multiply-accumulate itself."""


@final
@dataclass(frozen=True, slots=True)
class Saving:
    """One condition of a memory (its tensors follow) or of the compute.

    `when`: tensors of which any one's zeros will do. `of`: so many of the leader's values must all be zero, where one
    access serves several of them.
    """

    when: tuple[str, ...]
    gates: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    of: int = 1
