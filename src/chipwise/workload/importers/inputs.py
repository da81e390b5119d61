"""Shapes of a network's inputs as a person writes them: `3x224x224`, `128:int`, several joined by commas."""

import re
from dataclasses import dataclass
from typing import final

from chipwise.errors import InputError
from chipwise.workload.importers.graph import Shape

_INPUT = re.compile(r"([0-9]{1,9}(?:x[0-9]{1,9}){0,7})(:int)?", re.ASCII)


@final
@dataclass(frozen=True, slots=True)
class Example:
    """One input without the batch; `whole` numbers are token ids and the like."""

    shape: Shape
    whole: bool = False


def parse_inputs(text: str) -> tuple[Example, ...]:
    """The inputs that `text` writes.

    >>> parse_inputs("3x224x224,128:int")
    (Example(shape=(3, 224, 224), whole=False), Example(shape=(128,), whole=True))
    """
    found: list[Example] = []
    for part in text.split(","):
        match = _INPUT.fullmatch(part.strip())
        shape = tuple(int(extent) for extent in match[1].split("x")) if match else ()
        if match is None or 0 in shape:
            raise InputError(
                f"--input {part.strip()!r}: must be the shape of one input without the batch, as 3x224x224; "
                "128:int for whole numbers such as token ids; several joined by commas"
            )
        found.append(Example(shape, whole=match[2] is not None))
    return tuple(found)


def parse_sizes(text: str) -> dict[str, int]:
    """Sizes of axes.

    >>> parse_sizes("batch=1,height=224")
    {'batch': 1, 'height': 224}
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        key, equals, size = (word.strip() for word in part.partition("="))
        if not key or not equals or not re.fullmatch(r"[0-9]{1,9}", size, re.ASCII) or int(size) < 1:
            raise InputError(
                f"--input-size {part.strip()!r}: must be AXIS=SIZE with a size of at least 1, as height=224 or "
                "image.2=224"
            )
        if key in found:
            raise InputError(f"--input-size: {key} is given twice; keep one")
        found[key] = int(size)
    return found
