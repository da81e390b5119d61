"""Compares chipwise's counts with those of Timeloop v3.0.3, case by case.

    python -m tests.reference.timeloop FILE.json.gz

`data/README.md` gives the format. Every case becomes a layer, a chip and a mapping; `reads`, `fills`,
`updates` and the capacity in use, per instance and tensor of every level, and the cycles must be Timeloop's.
Cases with halo are compared and reported only: Timeloop's rule for sliding windows is not the exact one.
Exit status: 0 all halo-free cases agree, 1 some differ, 2 the file cannot be used.
"""

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Level, Memory, Route
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.actions import Counts
from chipwise.model.counts import count
from chipwise.workload.kinds import conv
from chipwise.workload.layer import Layer

DIMS = "NMCPQRS"
TENSORS = {"I": "input", "W": "weight", "O": "output"}
THEIR_TENSORS = {"Inputs": "input", "Weights": "weight", "Outputs": "output"}
MAX_LEVELS = 64  # far above any real hierarchy; keeps a broken file from asking for all memory
FIELDS = ("reads", "fills", "updates", "utilized_capacity")

Count = Callable[[Layer, Accelerator, Mapping], Counts]


@dataclass(frozen=True)
class Case:
    """One line of the file: what to count, and Timeloop's numbers by (level, tensor, field)."""

    name: str
    layer: Layer
    chip: Accelerator
    mapping: Mapping
    has_halo: bool
    theirs: dict[tuple[str, ...], int]


class Difference(NamedTuple):
    """One number of one case; None where one side has none."""

    case: str
    what: str
    ours: int | None
    theirs: int | None


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a file, gzipped or plain; a bad line is an InputError that says where."""
    try:
        data = path.read_bytes()
        lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); expected gzipped JSON lines") from error
    if not any(line.strip() for line in lines):
        raise InputError(f"{path}: holds no case; expected one JSON object a line")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _case(json.loads(line))
            except InputError as error:
                raise InputError(f"{path}:{number}: {error}") from error
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}:{number}: is not JSON ({error})") from error


def differences(case: Case, evaluate: Count = count) -> list[Difference]:
    """Where our numbers for a case are not Timeloop's."""
    ours = _per_instance(evaluate(case.layer, case.chip, case.mapping))
    return [
        Difference(case.name, " ".join(key), ours.get(key), case.theirs.get(key))
        for key in sorted(ours.keys() | case.theirs.keys())
        if ours.get(key) != case.theirs.get(key)
    ]


def _per_instance(counts: Counts) -> dict[tuple[str, ...], int]:
    """Our counts as Timeloop gives them: per instance in use, truncated to integers, drains left out."""
    found: dict[tuple[str, ...], int] = {("cycles",): counts.cycles}
    for (memory, tensor), actions in counts.actions.items():
        used = counts.instances[memory, tensor]
        found[memory, tensor, "reads"] = actions.reads // used
        found[memory, tensor, "fills"] = actions.fills // used
        found[memory, tensor, "updates"] = actions.updates // used
        found[memory, tensor, "utilized_capacity"] = counts.capacity[memory, tensor]
    return found


def _case(record: Any) -> Case:
    """The case that one line of the file describes."""
    name = str(_get(record, "id", (int, str)))
    levels = _whole(record, "levels")
    if levels > MAX_LEVELS:
        raise InputError(f"'levels' = {levels} must be at most {MAX_LEVELS}")
    layer = _layer(name, _get(record, "layer", dict))
    loops = _loops(_get(record, "mapping", list), levels, layer)
    keep = _get(record, "keep", dict)
    kept = [TENSORS.values()] * levels  # the outermost level keeps everything, whatever the file says
    for level in range(levels - 1):
        letters = _get(keep, str(level), str, "")
        if not set(letters) <= set(TENSORS):
            raise InputError(f"keep {letters!r} of level {level} may hold the letters I, W and O only")
        kept[level] = [tensor for letter, tensor in TENSORS.items() if letter in letters]
    sliding = any(layer.dims[a] > 1 and layer.dims[b] > 1 for a, b in ("PR", "QS"))
    return Case(
        name=name,
        layer=layer,
        chip=_chip(layer, loops, kept),
        mapping=_mapping(loops, kept),
        has_halo=_get(record, "halo", bool, sliding),
        theirs=_results(_get(record, "timeloop", dict)),
    )


def _layer(name: str, record: dict[str, Any]) -> Layer:
    extents = {d: _whole(record, d) for d in DIMS}
    return conv(name, **extents, stride=_whole(record, "stride", 1), dilation=_whole(record, "dilation", 1))


def _loops(entries: list[Any], levels: int, layer: Layer) -> list[list[Node]]:
    """The loops between each level and the one below it, indexed by level, each from the outermost."""
    found: dict[tuple[int, str], list[tuple[str, int]]] = {}
    for entry in entries:
        level, kind = _get(entry, "level", int), _get(entry, "kind", str)
        if kind not in ("t", "x", "y") or not 0 <= level < levels or (level, kind) in found:
            raise InputError(f"mapping entry of level {level!r}, kind {kind!r} is unknown or there twice")
        factors, order = _get(entry, "factors", dict), _get(entry, "order_inner_to_outer", str)
        bounds = {d: _whole(factors, d, 1) for d in DIMS if _whole(factors, d, 1) > 1}
        if not (set(factors) <= set(DIMS) and len(set(order)) == len(order) and set(bounds) <= set(order)):
            raise InputError(
                f"order {order!r} of level {level}, kind {kind!r} must name once each dimension with a factor"
            )
        found[level, kind] = [(d, bounds[d]) for d in reversed(order) if d in bounds]
    tile = dict(layer.dims)
    loops: list[list[Node]] = [[] for _ in range(levels)]
    for level in reversed(range(levels)):
        for kind in "txy":
            for d, bound in found.get((level, kind), []):
                tile[d], rest = divmod(tile[d], bound)
                if rest or not tile[d]:
                    raise InputError(f"factors of {d} do not multiply to its extent {layer.dims[d]}")
                loops[level].append(
                    Temporal(d, tile[d]) if kind == "t" else Spatial(f"L{level}.{kind}", d, tile[d])
                )
    for d, left in tile.items():
        if left > 1:
            raise InputError(f"factors of {d} do not multiply to its extent {layer.dims[d]}")
    return loops


def _chip(layer: Layer, loops: list[list[Node]], kept: list[Sequence[str]]) -> Accelerator:
    """Memories with an array of just the fan-out used below each; every network multicasts and reduces."""
    levels: list[Level] = []
    tile = dict(layer.dims)
    for level in reversed(range(len(loops))):
        levels.append(Memory(f"L{level}", "memory", keeps=tuple(kept[level])))
        sizes = {f"L{level}.x": 1, f"L{level}.y": 1}
        for loop in loops[level]:
            if isinstance(loop, Spatial):
                sizes[loop.axis] *= tile[loop.dim] // loop.tile
            tile[loop.dim] = loop.tile
        route = Route(shared_axes=frozenset(sizes))
        axes = tuple(Axis(axis, size) for axis, size in sizes.items())
        levels.append(Array(f"L{level}.network", axes, dict.fromkeys(TENSORS.values(), route)))
    return Accelerator("timeloop", (*levels, Compute("mac", "mac")), clock_hz=1e9)


def _mapping(loops: list[list[Node]], kept: list[Sequence[str]]) -> Mapping:
    nodes: list[Node] = []
    for level in reversed(range(len(loops))):
        nodes += [Storage(f"L{level}", tensor) for tensor in kept[level]]
        nodes += loops[level]
    return Mapping(tuple(nodes))


def _results(record: dict[str, Any]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {("cycles",): _count(record, "cycles")}
    levels = _get(record, "levels", dict)
    for level in levels:
        tensors = _get(levels, level, dict)
        for theirs in tensors:
            if theirs not in THEIR_TENSORS:
                raise InputError(f"tensor {theirs!r} of {level} must be one of {', '.join(THEIR_TENSORS)}")
            values = _get(tensors, theirs, dict)
            for field in FIELDS:
                found[level, THEIR_TENSORS[theirs], field] = _count(values, field)
    return found


_REQUIRED = object()


def _get(record: Any, key: str, kind: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
    """A value of a JSON object, of the type that the format gives it."""
    if not isinstance(record, dict):
        raise InputError(f"{record!r:.60} must be an object with {key!r}")
    value = record.get(key, default)
    if value is _REQUIRED:
        raise InputError(f"{key!r} is missing")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{key!r} = {value!r:.60} has the wrong type")
    return value


def _whole(record: Any, key: str, default: Any = _REQUIRED) -> int:
    value = _get(record, key, int, default)
    if value < 1:
        raise InputError(f"{key!r} = {value} must be at least 1")
    return value


def _count(record: Any, key: str) -> int:
    value = _get(record, key, (int, float))
    if isinstance(value, float) and not isfinite(value):
        raise InputError(f"{key!r} = {value} must be a number")
    return int(value)


def main(arguments: Sequence[str], evaluate: Count = count) -> int:
    """Print each mismatch and the totals of a file; return the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tests.reference.timeloop FILE.json.gz\n")
        return 2
    compared = {False: 0, True: 0}
    differing = {False: 0, True: 0}
    try:
        for case in read_cases(Path(arguments[0])):
            found = differences(case, evaluate)
            compared[case.has_halo] += 1
            differing[case.has_halo] += bool(found)
            for case_name, what, ours, theirs in found:
                note = " (halo)" if case.has_halo else ""
                sys.stdout.write(f"case {case_name}{note}: {what}: ours {ours}, Timeloop's {theirs}\n")
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(
        f"{compared[False] - differing[False]} exact, {differing[False]} mismatches; "
        f"with halo: {compared[True]} compared, {differing[True]} differ\n"
    )
    return 1 if differing[False] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
