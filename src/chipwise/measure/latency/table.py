"""Lookup tables of measured latencies: one entry per layer shape, measured when it is first asked for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from chipwise.adapt.resource import Resource
from chipwise.adapt.shapes import LayerShape
from chipwise.errors import InputError
from chipwise.measure.latency.keys import key_of, shape_of
from chipwise.measure.latency.table_file import SCHEMA, read_table
from chipwise.measure.latency.timing import USUAL, Backend, Effort, Timing, best_of
from chipwise.whole_files import write_text
from chipwise.workload.importers.own_code import told

WHOLE = Effort(runs=30, seconds=0.05, most=500)
"""Of whole networks."""

DRIFT = 0.05
"""Sentinels that moved by more mark the table as noisy."""

SENTINEL_EVERY = 50
"""New entries between two timings of the sentinels."""

SENTINELS = (
    LayerShape("dense", "conv2d", N=1, M=32, C=32, H=16, W=16, P=16, Q=16, R=3, S=3, padding=(1, 1)),
    LayerShape(
        "depthwise", "conv2d", N=1, M=32, C=32, G=32, H=16, W=16, P=16, Q=16, R=3, S=3, padding=(1, 1)
    ),
    LayerShape("linear", "linear", N=1, M=256, C=256),
)
"""Layers that are timed again and again: should the machine change, so do they."""

Report = Callable[[int, str], None]
"""Called with (entries measured by this table so far, key of the last)."""


@final
class LatencyTable(Resource):
    """Measured latency of a network: the sum of its layers' entries, seconds.

    The file is whole after each entry, so that a killed run goes on where it was. One process writes a table.
    """

    name = "latency"
    unit = "s"

    def __init__(
        self,
        path: Path | None,
        backend: Backend | None,
        content: Mapping[str, Any],
        effort: Effort = USUAL,
        report: Report | None = None,
        why: str = "",
    ) -> None:
        self.path = path
        self.provenance: dict[str, Any] = dict(content["provenance"])
        self.entries: dict[str, Timing] = {key: Timing(**entry) for key, entry in content["entries"].items()}
        self.sentinels: dict[str, list[float]] = {key: list(v) for key, v in content["sentinels"].items()}
        self.measured = 0
        """Entries measured by this object."""
        self._backend = backend
        self._effort = effort
        self._report = report
        self._why = why
        self._of_shape: dict[LayerShape, float] = {}

    @classmethod
    def open(
        cls,
        path: str | Path | None,
        backend: Backend | None = None,
        *,
        effort: Effort = USUAL,
        report: Report | None = None,
        why: str = "",
    ) -> "LatencyTable":
        """The table in the file at `path`, or a new one.

        Args:
            path: a JSON file; None keeps the table in memory.
            backend: measures what is missing; None only looks up.
            effort: how often each layer is run.
            report: told about each new entry.
            why: there is no backend; told where an entry is missing.

        Raises:
            InputError: no such file and no backend; another form; measured on another device, with other versions
                or other threads than the backend's.
        """
        place = None if path is None else Path(path)
        if place is not None and place.exists():
            content = read_table(place)
            if backend is not None:
                _check_same(place, content["provenance"], _facts(backend))
        elif backend is None:
            raise InputError(
                f"lookup table {str(path)!r}: is not there; make it with `chipwise measure MODEL --out`"
            )
        else:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            content = {"provenance": {**_facts(backend), "date": now}, "entries": {}, "sentinels": {}}
        return cls(place, backend, content, effort, report, why)

    @property
    def drift(self) -> float:
        """Largest change of a sentinel, (slowest of its timings)/(fastest) − 1; 0 where none was timed twice."""
        return max((max(times) / min(times) - 1 for times in self.sentinels.values()), default=0.0)

    @property
    def noisy(self) -> bool:
        """Whether the machine changed while it was measured."""
        return self.drift > DRIFT

    def of_layer(self, shape: LayerShape) -> float:
        """Seconds of the layer's fastest run, measured now if there is no entry.

        Raises:
            InputError: no entry, and nothing to measure it with.
        """
        if shape not in self._of_shape:
            self._of_shape[shape] = self.timing(shape).min_s
        return self._of_shape[shape]

    def timing(self, shape: LayerShape) -> Timing:
        """The layer's entry, measured now if there is none."""
        key = key_of(shape, self.provenance["threads"])
        if key not in self.entries:
            if self._backend is None:
                raise InputError(
                    f"lookup table {str(self.path)!r}: has no entry for layer {shape.name!r} ({key}), and none can be "
                    f"measured here: {self._why or 'it is only read'}. Where the table is from, `chipwise adapt` adds "
                    "what it needs, and `chipwise measure` the layers of one network"
                )
            if self.measured % SENTINEL_EVERY == 0:
                self.check_sentinels()
            with self._backend.quiet():
                self.entries[key] = best_of(self._backend.layer(_plain(shape)), self._effort)
            self.measured += 1
            self.save()
            if self._report is not None:
                self._report(self.measured, key)
        return self.entries[key]

    def whole(self, model: Any, example: Any) -> float | None:
        """Seconds of the fastest run of a whole network, beside the sum; None where nothing can be measured.

        Raises:
            InputError: the network does not run as a whole, as where it cannot be exported.
        """
        return None if self._backend is None else whole(self._backend, model, example).min_s

    def improve(self, rounds: int = 2) -> float:
        """Time every entry again, in turns, and keep the fastest run of each.

        A busy spell of the machine that outlasts an entry's runs would stay in the table; entries that are timed
        again minutes later get rid of it.

        Returns:
            The largest share by which the last round lowered an entry: how far the table may still be off.
        """
        backend = self._needed()
        largest = 0.0
        for _ in range(rounds):
            largest = 0.0
            for index, (key, before) in enumerate(self.entries.items()):
                with backend.quiet():
                    again = best_of(backend.layer(shape_of(key)), self._effort)
                least = min(before.min_s, again.min_s)
                largest = max(largest, 1 - least / before.min_s)
                self.entries[key] = Timing(
                    least, min(before.median_s, again.median_s), before.count + again.count
                )
                if self._report is not None:
                    self._report(index + 1, key)
            self.check_sentinels()
            self.save()
        self._of_shape.clear()
        return largest

    def check_sentinels(self) -> None:
        """Time the sentinels once more.

        Raises:
            InputError: there is nothing to measure with.
        """
        backend = self._needed()
        with backend.quiet():
            for shape in SENTINELS:
                timing = best_of(backend.layer(shape), self._effort)
                self.sentinels.setdefault(shape.name, []).append(timing.min_s)

    def _needed(self) -> Backend:
        if self._backend is None:
            raise InputError(f"lookup table {str(self.path)!r}: is only read, so nothing can be timed")
        return self._backend

    def save(self) -> None:
        """Write the file, whole or not at all."""
        if self.path is None:
            return
        content = {
            "schema": SCHEMA,
            "provenance": self.provenance,
            "drift": self.drift,
            "noisy": self.noisy,
            "sentinels": self.sentinels,
            "entries": {key: asdict(entry) for key, entry in self.entries.items()},
        }
        try:
            write_text(self.path, json.dumps(content, indent=0))
        except OSError as error:
            raise InputError(
                f"lookup table {str(self.path)!r}: cannot be written: {error.strerror}"
            ) from None


def whole(backend: Backend, model: Any, example: Any, effort: Effort = WHOLE) -> Timing:
    """Time a whole network, which is left in the mode that it was in.

    Raises:
        InputError: it does not run as a whole.
    """
    from chipwise.adapt.trace import evaluating  # noqa: PLC0415 - tables are looked up without PyTorch

    with (
        told(f"network {type(model).__name__!r}: does not run as a whole with {backend.name}: "),
        evaluating(model),
        backend.quiet(),
    ):
        return best_of(backend.network(model, example), effort)


def _plain(shape: LayerShape) -> LayerShape:
    return replace(shape.with_densities(lambda _: 1.0), input_bits=None, weight_bits=None, output_bits=None)


def _facts(backend: Backend) -> dict[str, Any]:
    return {"backend": backend.name, "threads": backend.threads, **backend.provenance()}


def _check_same(path: Path, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    different = [name for name in now if stored.get(name) != now[name]]
    if different:
        name = different[0]
        raise InputError(
            f"lookup table {path}: was measured with {name} = {stored.get(name)}, here it is {now[name]}; times of two "
            "devices don't belong in one table, so name another file"
        )
