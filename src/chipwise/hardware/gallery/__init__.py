"""The chips that chipwise brings: every YAML file in this folder is one."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Names of all chips, sorted.

    >>> "eyeriss" in names()
    True
    """
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def find(name: str) -> str | None:
    """The chip that `name` spells, whatever its case, `-`, `_` and spaces; None if there is none.

    >>> find("Eyeriss")
    'eyeriss'
    """
    wanted = _letters(name)
    return next((known for known in names() if _letters(known) == wanted), None)


def text(name: str) -> str:
    """The file of the chip called `name`, one of `names()`."""
    return (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c not in "-_ ")
