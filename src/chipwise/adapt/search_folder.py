"""A search that is ended goes on where it was: every iteration is kept in a folder as soon as it is done.

run.json               what was asked, with a digest of the weights to begin with
start                  a network of chipwise's own after its training, and what was asked of that
family/00, 01, ...     networks, each with point.json: its score, what it needs, and its row of the history
point.json, arch.json, ...   the final network, once there is one
.lock                  locked by the process that is at work here
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self, final

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from chipwise.adapt.extra import torch
from chipwise.adapt.result import Adapted, Row
from chipwise.adapt.saved import probed, rebuilt, save_network
from chipwise.adapt.task import Score
from chipwise.errors import InputError
from chipwise.whole_files import beside, is_unfinished, remove_unfinished, write_json, writing

RUN, FAMILY, POINT, START, LOCK = "run.json", "family", "point.json", "start", ".lock"

RESOURCES, WEIGHTS = "resources", "weights to begin with"
"""Keys of a question: what is known of each resource, by name; a digest."""


_Question: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class _Checked(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


@final
class _Score(_Checked):
    metric: float
    loss: float
    samples: int


@final
class _Point(_Checked):
    """point.json, as anybody may have written it."""

    name: str
    needs: dict[str, int | float]
    measured: dict[str, float]
    holdout: _Score
    test: _Score | None
    row: dict[str, Any] | None

    @classmethod
    def of(cls, found: Adapted, row: Row | None) -> Self:
        """What is written of a network."""
        test = None if found.test is None else _Score(**asdict(found.test))
        return cls(
            name=found.name, needs=dict(found.needs), measured=dict(found.measured),
            holdout=_Score(**asdict(found.holdout)), test=test, row=None if row is None else dict(row),
        )  # fmt: skip

    @classmethod
    def read(cls, file: Path, resources: Collection[str]) -> Self:
        """What a file says, of these resources; of whichever there are if none are given."""
        try:
            found = cls.model_validate_json(file.read_bytes())
        except (OSError, ValueError) as error:
            raise _damaged(file, _reason(error)) from None
        if resources and found.needs.keys() != set(resources):
            raise _damaged(file, f"needs: must be of {', '.join(resources)}")
        return found

    def says_of(self, found: Adapted) -> bool:
        """Whether this is that network; what was measured of it may differ."""
        other = self.of(found, self.row)
        # As text, since a loss that is no number does not equal itself.
        return self.model_dump_json(exclude={"measured"}) == other.model_dump_json(exclude={"measured"})

    def adapted(self, model: Any) -> Adapted:
        """With its network."""
        test = None if self.test is None else Score(**self.test.model_dump())
        return Adapted(self.name, model, self.needs, Score(**self.holdout.model_dump()), test, self.measured)


@final
class SearchFolder:
    """Of one search."""

    def __init__(self, path: str | Path, example: Any, *, source: str = "") -> None:
        self.path = Path(path)
        self._example = example
        self._source = source
        self._resources: Collection[str] = ()
        self._kept = 0
        """Networks of the family that are there."""

    def check(self) -> None:
        """Make the folder and see that it can be used, which is better known before anything is trained.

        Raises:
            InputError: it cannot be written, or holds files of something else.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            others = [e for e in self.path.iterdir() if e.name not in {START, LOCK} and not is_unfinished(e)]
            if others and not (self.path / RUN).is_file():
                raise InputError(
                    f"folder {str(self.path)!r} is not empty and holds no search; name a new folder"
                )
            trial = self.path / f".{RUN}.{os.getpid()}"
            trial.touch()
            trial.unlink()
        except (OSError, ValueError) as error:  # the second of names with a NUL
            raise InputError(
                f"folder {str(self.path)!r} cannot be used: {_reason(error)}; name another folder"
            ) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder; the system lets go of it when this one is killed.

        Raises:
            InputError: the folder cannot be used, or another process is at work in it.
        """
        self.check()
        try:
            lock = FileLock(self.path / LOCK)
            lock.acquire(blocking=False)
        except Timeout:
            raise InputError(
                f"folder {str(self.path)!r} is in use: another search is at work in it; wait until that ends, or name "
                "another folder"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise InputError(
                f"folder {str(self.path)!r} cannot be locked: {_reason(error)}; name one on another disk"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def start(self, network: Any, asked: Mapping[str, Any]) -> Any:
        """`network` as it was trained for this search; None where it was not yet.

        Raises:
            InputError: it was trained for something else, or is damaged.
        """
        place = self.path / START
        if not place.is_dir():
            return None
        self._refuse_another(_plain(asked), _known(place / RUN) or {})
        try:
            return rebuilt(network, place)
        except InputError as error:
            raise InputError(f"{error}; delete the folder {str(place)!r}, and it is trained again") from None

    def keep_start(self, network: Any, asked: Mapping[str, Any]) -> None:
        """Write a network of chipwise's own after its training, with what was asked of that."""
        with writing(self.path), beside(self.path / START) as place:
            save_network(network, place, self._example, source=self._source)
            write_json(place / RUN, _plain(asked))

    def open(self, model: Any, question: Mapping[str, Any]) -> tuple[list[Adapted], list[Row]]:
        """What is done of this search: its family and history, empty for a new one.

        Raises:
            InputError: the folder cannot be written, or holds another search, or files of something else; a network
                that cannot be kept.
        """
        probed(model, self._example)
        self._claim(question)
        with writing(self.path):
            remove_unfinished(self.path)
            remove_unfinished(self.path / FAMILY)
        family: list[Adapted] = []
        history: list[Row] = []
        while (folder := self._family(len(family))).joinpath(POINT).is_file():
            point, row = self._read(folder, model)
            family.append(point)
            history += [row] if row is not None else []
        self._kept = len(family)
        return family, history

    def keep(self, found: Adapted, row: Row | None) -> None:
        """Write the next network of the family."""
        self._keep_at(self._family(self._kept), found, row)
        self._kept += 1

    def _keep_at(self, folder: Path, found: Adapted, row: Row | None) -> None:
        with writing(self.path), beside(folder) as place:
            self._write(place, found, row)

    def keep_final(self, found: Adapted) -> None:
        """Write the network after long-term fine-tuning."""
        with writing(self.path):
            self._write(self.path, found, None)

    def final(self, model: Any) -> Adapted | None:
        """The network after long-term fine-tuning, if it is there."""
        return self._read(self.path, model)[0] if (self.path / POINT).is_file() else None

    def keep_all(
        self, question: Mapping[str, Any], family: Sequence[Adapted], history: Sequence[Row], last: Adapted
    ) -> None:
        """Write what is not there yet of a search that has come to its end.

        Raises:
            InputError: the folder cannot be written, or holds another search, or files of something else.
        """
        self._claim(question)
        rows = [None, *history] if len(history) == len(family) - 1 else [None] * len(family)
        points = [self._family(index) for index in range(len(family))]
        for folder, found in zip([*points, self.path], [*family, last], strict=True):
            file = folder / POINT
            if file.is_file() and not _Point.read(file, self._resources).says_of(found):
                raise InputError(
                    f"folder {str(self.path)!r} holds another search, of which {str(file)!r} differs; name a new folder"
                )
        for folder, found, row in zip(points, family, rows, strict=True):
            if not (folder / POINT).is_file():
                self._keep_at(folder, found, row)
        if not (self.path / POINT).is_file():
            self.keep_final(last)

    def _family(self, index: int) -> Path:
        return self.path / FAMILY / f"{index:02}"

    def _claim(self, question: Mapping[str, Any]) -> None:
        """Say in run.json that the folder is this search's, unless it is another's."""
        self.check()
        asked = _plain(question)
        self._resources = asked.get(RESOURCES, ())
        known = _known(self.path / RUN)
        kept = (*self.path.glob(POINT), *self.path.glob(f"{FAMILY}/[0-9]*/{POINT}"))
        if known is not None and kept:
            self._refuse_another(asked, known)
        elif known != asked:
            with writing(self.path):
                write_json(self.path / RUN, asked)

    def _refuse_another(self, asked: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        changed = [key for key in {**asked, **known} if known.get(key) != asked.get(key)]
        if not changed:
            return
        what = changed[0]
        how = _difference(known.get(what), asked.get(what))
        if what == WEIGHTS:
            how = "a network of your own must come with the same weights each time"
        differ = "differ" if what.split()[0].endswith("s") or what.endswith("s") else "differs"
        raise InputError(
            f"folder {str(self.path)!r} holds another search: its {what} {differ} ({how}); name a new folder, or ask "
            "as before"
        )

    def _write(self, folder: Path, found: Adapted, row: Row | None) -> None:
        save_network(found.model, folder, self._example, source=self._source)
        write_json(folder / POINT, _Point.of(found, row).model_dump())

    def _read(self, folder: Path, model: Any) -> tuple[Adapted, Row | None]:
        point = _Point.read(folder / POINT, self._resources)
        try:
            return point.adapted(rebuilt(model, folder)), point.row
        except InputError as error:
            raise InputError(
                f"{error}; delete {str(folder / POINT)!r} to go on from the network before"
            ) from None


def _damaged(point: Path, why: str) -> InputError:
    return InputError(f"{str(point)!r} is damaged ({why}); delete it to go on from the network before")


def digest(model: Any) -> str:
    """A fingerprint of all weights."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        # As bytes, since NumPy does not know every type that PyTorch has.
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _plain(question: Mapping[str, Any]) -> dict[str, Any]:
    """As it is read again."""
    found: dict[str, Any] = json.loads(json.dumps(question))
    return found


def _known(file: Path) -> dict[str, Any] | None:
    """What was asked; None where there is no such file."""
    try:
        found = _Question.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{str(file)!r} is damaged ({_reason(error)}), so that nobody knows what was asked; name a new folder"
        ) from None
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else first["msg"]
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _difference(before: Any, now: Any, path: str = "") -> str:
    """The first value that differs, with what it is in the folder and what is asked now."""
    if isinstance(before, dict) and isinstance(now, dict):
        key = next(key for key in {**now, **before} if before.get(key) != now.get(key))
        return _difference(before.get(key), now.get(key), f"{path} {key}".strip())
    return f"{path + ': ' if path else ''}{_shown(before)} there, {_shown(now)} now"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(map(_shown, list(value.values())[:2]))
    return "none" if value is None else repr(value)[:80]
