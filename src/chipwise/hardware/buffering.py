"""How a memory takes its next tiles while it serves the present ones."""

from enum import Enum
from typing import final


@final
class Buffering(Enum):
    """How the next tiles come into a memory while it serves the present ones.

    ROLLING: word by word into the places of what is no longer needed, as queues with credits do (buffets): all
    of the capacity holds working tiles, and transfers overlap with work. DOUBLE: into the other half of the capacity.
    SINGLE: not at all; work stops while tiles change.
    """

    ROLLING = "rolling"
    SINGLE = "single"
    DOUBLE = "double"

    @property
    def tiles(self) -> int:
        """Sets of tiles that share the capacity."""
        return 2 if self is Buffering.DOUBLE else 1
