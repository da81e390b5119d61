"""The exception family: what goes wrong for a user, each with one message that says how to mend it.

ChipwiseError
├── InputError       a bad file, flag, name, value or mapping          exit code 2
├── MissingExtra     an optional dependency is not installed           exit code 2
├── NoMappingError   nothing legal fits, with the binding constraint   exit code 1
├── BudgetError      a budget that cannot be met, with what can be     exit code 1
└── TrainingError    training that broke down; nothing is lost         exit code 1
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar


class ChipwiseError(Exception):
    """Anything chipwise tells a user; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 2


class InputError(ChipwiseError):
    """Input that breaks a rule: names the field, the value, the rule and the fix."""


class MissingExtra(ChipwiseError):  # noqa: N818 - reads as the instruction it is
    """An optional dependency is absent; the message holds the install line."""


class NoMappingError(ChipwiseError):
    """No legal mapping exists; `constraint` names what leaves nothing."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, constraint: str) -> None:
        super().__init__(message)
        self.constraint = constraint


class BudgetError(ChipwiseError):
    """A network cannot be made to meet its budget; `reached` is the least of each resource, by name."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, reached: Mapping[str, float]) -> None:
        super().__init__(message)
        self.reached = reached


class TrainingError(ChipwiseError):
    """Training broke down, as by a loss that is no number; the network is as it was before."""

    exit_code: ClassVar[int] = 1


class Note(UserWarning):
    """What a user should know beside a result, as that a part of it is missing; commands print it on stderr."""


def first_line(error: BaseException, most: int = 300) -> str:
    r"""What an exception of somebody else's code says, cut to one line that fits into a message.

    >>> first_line(ValueError("shapes differ\nsee below"))
    'shapes differ'
    """
    return (str(error).strip().splitlines() or [""])[0][:most]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known name, or the short list of what there is.

    >>> did_you_mean("alexnt", ["alexnet", "vgg16"])
    " Did you mean 'alexnet'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near:  # case alone may differ: VGG16, EyeRiss
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]!r}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f" Known: {shown}." if names else ""
