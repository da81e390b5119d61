"""A search that is ended goes on where it was: every iteration is kept in a folder as soon as it is done.

run.json               what was asked, and a digest of the weights to begin with
family/00, 01, ...     networks, each with point.json: its score, what it needs, and its row of the history
arch.json, ...         the final network, once there is one
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from chipwise.adapt.result import Adapted, Row
from chipwise.adapt.saved import rebuilt, save_network
from chipwise.adapt.task import Score
from chipwise.errors import InputError

RUN, FAMILY, POINT, START = "run.json", "family", "point.json", "start"


@final
class SearchFolder:
    """Of one search."""

    def __init__(self, path: str | Path, example: Any, *, source: str = "") -> None:
        self.path = Path(path)
        self._example = example
        self._source = source

    def open(self, model: Any, question: Mapping[str, Any]) -> tuple[list[Adapted], list[Row]]:
        """What is done of this search: its family and history, empty for a new one.

        Raises:
            InputError: the folder holds another search, or files of something else.
        """
        asked = json.loads(json.dumps({**question, "start": digest(model)}))
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            known = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            if any(entry.name != START for entry in self.path.iterdir()):
                raise InputError(
                    f"--out {str(self.path)!r} is not empty and holds no search; name a new folder"
                ) from None
            write_json(self.path / RUN, asked)
            return [], []
        except (OSError, ValueError) as error:
            raise InputError(f"--out {str(self.path)!r} cannot be used: {error}") from None
        if changed := [key for key in asked if known.get(key) != asked[key]]:
            what = "weights to begin with" if changed[0] == "start" else changed[0]
            raise InputError(
                f"--out {str(self.path)!r} holds another search: its {what} differs; name a new folder, or ask as "
                "before"
            )
        family: list[Adapted] = []
        history: list[Row] = []
        while (self.path / FAMILY / f"{len(family):02}" / POINT).is_file():
            point, row = self._read(self.path / FAMILY / f"{len(family):02}", model)
            family.append(point)
            history += [row] if row is not None else []
        return family, history

    def keep(self, found: Adapted, row: Row | None) -> None:
        """Write the next network of the family."""
        folder = self.path / FAMILY
        index = sum((d / POINT).is_file() for d in folder.iterdir()) if folder.is_dir() else 0
        # Moved into place when complete, so that what is there can be trusted.
        beside = folder / f".{index:02}.{os.getpid()}"
        self._write(beside, found, row)
        target = folder / f"{index:02}"
        shutil.rmtree(target, ignore_errors=True)
        beside.replace(target)

    def keep_final(self, found: Adapted) -> None:
        """Write the network after long-term fine-tuning."""
        self._write(self.path, found, None)

    def final(self, model: Any) -> Adapted | None:
        """The network after long-term fine-tuning, if it is there."""
        return self._read(self.path, model)[0] if (self.path / POINT).is_file() else None

    def _write(self, folder: Path, found: Adapted, row: Row | None) -> None:
        save_network(found.model, folder, self._example, source=self._source)
        point = {
            "name": found.name, "needs": dict(found.needs), "measured": dict(found.measured),
            "holdout": asdict(found.holdout), "test": found.test and asdict(found.test), "row": row,
        }  # fmt: skip
        write_json(folder / POINT, point)

    @staticmethod
    def _read(folder: Path, model: Any) -> tuple[Adapted, Row | None]:
        try:
            point = json.loads((folder / POINT).read_text(encoding="utf-8"))
            test = None if point["test"] is None else Score(**point["test"])
            network = rebuilt(model, folder)
            found = Adapted(
                point["name"], network, point["needs"], Score(**point["holdout"]), test, point["measured"]
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{str(folder)!r} is damaged ({error}); delete it to go on from the one before"
            ) from None
        return found, point["row"]


def digest(model: Any) -> str:
    """A fingerprint of all weights."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def write_json(path: Path, data: Any) -> None:
    """Write JSON; the file appears whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
