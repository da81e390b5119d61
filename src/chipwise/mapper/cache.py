"""Mappings found before, kept in the user's cache folder.

One SQLite table from a content hash to a mapping and its certificate. The hash covers the layer's shape, the whole
chip, the objective and the sources of the model and the mapper, so that an entry can't outlive what it was found
with. SQLite makes it safe with several processes and with kills; a cache that can't be read or written is not
used and changes no result. What is read is priced again before it is believed.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, is_dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from chipwise.errors import ChipwiseError
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import names_of
from chipwise.mapper.search import Certificate, Found, search
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.cost import Cost, cost
from chipwise.model.kernels import cache_folder
from chipwise.model.latency import fixed_cycles
from chipwise.workload.layer import Layer

NODES = {"storage": Storage, "temporal": Temporal, "spatial": Spatial}
SWITCH = "CHIPWISE_NO_CACHE"
"""Environment variable: 1 searches anew everywhere, as the tests do."""

SOURCES = (
    "mapper",
    "mapping",
    "model",
    "hardware",
    "workload",
    "sparsity",
    "sparsity.formats",
    "sparsity.densities",
)


def find(
    layer: Layer,
    chip: Accelerator,
    objective: str = "energy",
    *,
    use_cache: bool = True,
    time_limit_s: float | None = None,
    space: Mapspace | None = None,
) -> Found:
    """`search`, or what it found before for the same question.

    Args:
        layer: what is computed.
        chip: what it runs on.
        objective: as for `search`.
        use_cache: False searches anew and keeps nothing.
        time_limit_s: as for `search`; what it cut short is not kept.
        space: as for `search`.

    Raises:
        NoMappingError: nothing legal fits. InputError: as for `search`.
    """
    if not use_cache or os.environ.get(SWITCH) == "1":
        return search(layer, chip, objective, time_limit_s, space)
    key = key_of(layer, chip, objective, space or Mapspace())
    found = _read(key, layer, chip, objective)
    if found is None:
        found = search(layer, chip, objective, time_limit_s, space)
        if found.certificate.proven:
            _write(key, found)
    return found


def key_of(layer: Layer, chip: Accelerator, objective: str, space: Mapspace) -> str:
    """Content hash of a question; names of layers and prose about chips are not part of it."""
    question = {
        "sources": _sources_hash(),
        "dims": list(layer.dims.items()),
        "tensors": [_plain(t) for t in layer.tensors],
        "levels": [_plain(level) for level in chip.levels],
        "word_bits": chip.word_bits,
        "tensors of the chip": list(chip.tensors),
        "waits": [chip.waits, fixed_cycles(chip)],
        "objective": names_of(objective),
        "space": _plain(space),
    }
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


@cache
def _sources_hash() -> str:
    digest = hashlib.sha256()
    for package in SOURCES:
        for folder in (f"chipwise.{package}", *(["chipwise.model.kernels"] if package == "model" else [])):
            for file in sorted(files(folder).iterdir(), key=lambda f: f.name):
                if file.name.endswith(".py"):
                    digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """Dataclasses, sets and mappings as JSON can write them, in a fixed order."""
    if is_dataclass(value) and not isinstance(value, type):
        names = value.__dataclass_fields__
        return [type(value).__name__, *([name, _plain(getattr(value, name))] for name in names)]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return [[k, _plain(v)] for k, v in value.items()]
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


@contextmanager
def _table() -> Iterator[sqlite3.Connection]:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "mappings.sqlite", timeout=10)) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS found (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
        )
        yield connection


def _read(key: str, layer: Layer, chip: Accelerator, objective: str) -> Found | None:
    try:
        with _table() as table:
            row = table.execute("SELECT value FROM found WHERE key = ?", (key,)).fetchone()
        return None if row is None else _believed(json.loads(row[0]), layer, chip, objective)
    except (OSError, sqlite3.Error, ValueError, TypeError, KeyError, AttributeError, ChipwiseError):
        return None  # damaged or out of reach: as if it were not there


def _believed(stored: Any, layer: Layer, chip: Accelerator, objective: str) -> Found | None:
    """The stored answer, if it is legal and costs what it says."""
    nodes: list[Node] = [NODES[kind](**fields) for kind, fields in stored["nodes"]]
    found = Found(Mapping(tuple(nodes)), Certificate(**stored["certificate"]))
    check(layer, chip, found.mapping)
    priced = cost(layer, chip, found.mapping)
    value = value_of(names_of(objective)[0], priced)
    agrees = abs(value - found.certificate.value) <= 1e-9 * abs(value)
    return found if agrees and found.certificate.objective == objective else None


def value_of(name: str, priced: Cost) -> float:
    """What an objective's name means for a priced mapping."""
    energy_pj, cycles = priced.energy_pj, priced.latency_cycles
    values = {
        "energy": energy_pj,
        "latency": cycles,
        "edp": energy_pj * cycles,
        "traffic": priced.off_chip_bits,
    }
    return float(values[name])


def _write(key: str, found: Found) -> None:
    kinds = {node_type: kind for kind, node_type in NODES.items()}
    stored = {
        "nodes": [(kinds[type(node)], asdict(node)) for node in found.mapping.nodes],
        "certificate": asdict(found.certificate),
    }
    try:
        with _table() as table:
            table.execute("INSERT OR REPLACE INTO found VALUES (?, ?)", (key, json.dumps(stored)))
    except (OSError, sqlite3.Error):
        return  # a full or read-only disk costs only time
