"""A user's own figures: a CSV table, named by a chip file as `energy: {table: my.csv}`.

Columns: `component`, `action` (or a figure: area_mm2, leakage_w, latency_ns), `value`, and where they matter `bits`
and `capacity` (`64 KiB`), `accuracy` (per cent, 100 where absent) and `source`. Energies are in pJ.

    component,action,value,bits,capacity,source
    sram,read,6.2,16,108 KiB,measured
"""

import csv
import io
from pathlib import Path

from chipwise import units
from chipwise.components.classes import ACTIONS
from chipwise.components.estimator import FIGURES
from chipwise.components.published import PublishedTable, Row
from chipwise.errors import InputError, did_you_mean

MAX_BYTES = 2**20
COLUMNS = ("component", "action", "value", "bits", "capacity", "accuracy", "source")


def read_csv_table(path: Path) -> PublishedTable:
    """The table in the file at `path`.

    Raises:
        InputError: no such file, or a row with a mistake, with file:line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: is larger than {MAX_BYTES // 1024} KiB; is it a table of energies?")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: energy table cannot be read: {reason}") from None
    return parse_csv_table(text, path.name, str(path))


def parse_csv_table(text: str, name: str, place: str) -> PublishedTable:
    r"""The table in `text`; `place` stands for the file in messages.

    >>> table = parse_csv_table("component,action,value\nint_mac,mac,0.5\n", "my.csv", "my.csv")
    >>> table.components
    ('int_mac',)
    """
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    head = [c.strip() for c in reader.fieldnames or ()]
    for column in head:
        if column not in COLUMNS:
            raise InputError(f"{place}:1: unknown column {column!r}.{did_you_mean(column, COLUMNS)}")
    for column in ("component", "action", "value"):
        if column not in head:
            raise InputError(f"{place}:1: there is no column {column!r}; the first line names the columns")
    reader.fieldnames = head
    rows, sources, accuracy = [], dict[str, None](), 100.0
    for line in reader:
        at = f"{place}:{reader.line_num}"
        if None in line:
            raise InputError(f"{at}: has more cells than the first line has columns")
        cells = {key: (value or "").strip() for key, value in line.items()}
        rows.append(_row(cells, at))
        accuracy = min(accuracy, _number(cells.get("accuracy") or "100", "accuracy", at))
        if cells.get("source"):
            sources[cells["source"]] = None
    if not rows:
        raise InputError(f"{place}: has no row below the names of its columns")
    return PublishedTable(name, "; ".join(sources) or "the user's table", tuple(rows), "its rows", accuracy)


def _row(cells: dict[str, str], at: str) -> Row:
    component, action = cells["component"], cells["action"]
    if component not in ACTIONS:
        raise InputError(f"{at}: component {component!r} is not known.{did_you_mean(component, ACTIONS)}")
    known = (*ACTIONS[component], *FIGURES)
    for each in action.split() or [""]:
        if each not in known:
            raise InputError(f"{at}: {component!r} has no action {each!r}.{did_you_mean(each, known)}")
    bits = _number(cells.get("bits") or "16", "bits", at)
    if bits < 1 or bits != int(bits):
        raise InputError(f"{at}: bits = {cells['bits']!r} must be a whole number of at least 1")
    capacity = None
    if cells.get("capacity"):
        try:
            capacity = units.capacity_bits(cells["capacity"], word_bits=int(bits))
        except InputError as error:
            raise InputError(f"{at}: capacity = {error}") from None
    power = 2.0 if component in {"int_mac", "int_multiplier", "fp_mac", "fp_multiplier"} else 1.0
    return Row(component, action, _number(cells["value"], "value", at), int(bits), capacity, power)


def _number(text: str, column: str, at: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e15:
        raise InputError(f"{at}: {column} = {text!r} must be a number of at least 0")
    return value
