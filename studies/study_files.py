"""What the studies share: points that are kept as they are found, and their section of docs/studies.md."""

# ruff: noqa: INP001, T201 - scripts beside each other, not a package

import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import chipwise
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.cache import key_of
from chipwise.mapper.mapspace import Mapspace
from chipwise.workload.network import Network

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "studies.md"
PICTURES = ROOT / "docs" / "studies"
HEAD = """# Studies

Published design studies, run again. Each is a script in `studies/` that keeps every point as it is found, so
that it goes on where it was interrupted; `--write` puts its section and pictures here. What a source prints
stands beside our figures in `chipwise validate`, deviations with their likely cause.
"""


class Points:
    """Points of a study by name, in a JSON file that is whole after each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, Any] = {}
        if path.exists():
            self.found = json.loads(path.read_text(encoding="utf-8"))

    def get(self, name: str, key: str) -> Any:
        """The point, if it was found for the same question (`key`); else None."""
        point = self.found.get(name)
        return point["value"] if point is not None and point["key"] == key else None

    def put(self, name: str, key: str, value: Any) -> None:
        """Keep a point, on disk at once."""
        self.found[name] = {"key": key, "value": value}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps(self.found), encoding="utf-8")
        beside.replace(self.path)


class Progress:
    """A line on stderr per point: how many are done, and how long it took."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.start = total, 0, time.monotonic()

    def step(self, name: str, told: str) -> None:
        """A point is done."""
        self.done += 1
        seconds = time.monotonic() - self.start
        print(f"[{self.done}/{self.total}, {seconds:.0f} s] {name}: {told}", file=sys.stderr, flush=True)


def search(
    points: Points,
    chips: Mapping[str, Accelerator],
    network: Network,
    layers: Sequence[str],
    time_limit_s: float,
    factors: str = "spatial",
) -> dict[str, dict[str, Any]]:
    """The mapping with the least energy of every layer on every chip, those kept before included."""
    progress = Progress(len(chips) * len(layers))
    found: dict[str, dict[str, Any]] = {name: {} for name in chips}
    for name, chip in chips.items():
        for of in layers:
            layer = network.layer(of)
            key = key_of(layer, chip, "energy", Mapspace("even", factors))
            point = points.get(f"{name} {of}", key)
            if point is None:
                result = chipwise.find_mapping(layer, chip, factors=factors, time_limit_s=time_limit_s)
                assert result.certificate is not None
                point = {
                    "mapping": result.mapping_text.splitlines(),
                    "proven": result.certificate.proven,
                    "gap": result.certificate.gap,
                }
                points.put(f"{name} {of}", key, point)
            found[name][of] = point
            progress.step(f"{name} {of}", "proven" if point["proven"] else f"within {point['gap']:.1%}")
    return found


def section(name: str, text: str, order: Sequence[str]) -> None:
    """Put a study's section into the document, in the order of all studies."""
    old = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else HEAD
    parts = dict(re.findall(r"<!-- study (\S+) -->\n(.*?)<!-- end -->", old, re.DOTALL))
    parts[name] = text
    body = "".join(f"\n<!-- study {n} -->\n{parts[n]}<!-- end -->\n" for n in order if n in parts)
    DOCUMENT.write_text(HEAD + body, encoding="utf-8")


ORDER = ("isca16-dataflows", "overrated", "energy-aware-pruning")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, numbers to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
