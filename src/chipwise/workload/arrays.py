"""Actual values of layers: arrays in an .npz file, and the densities and places of their non-zeros."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError
from chipwise.sparsity.densities.actual import Actual
from chipwise.sparsity.densities.density import DensityModel
from chipwise.workload.densities import Densities

MAX_BYTES = 2**31
"""Of an .npz file, unpacked."""


def read_values(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, by name: `LAYER.input` and `LAYER.weight` for each layer that has them.

    Raises:
        InputError: no such file, another form, Python objects in it, or more than 2 GiB.
    """
    place = Path(path)
    try:
        with zipfile.ZipFile(place) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise InputError(f"{place}: unpacks to {size:,} bytes, the limit is {MAX_BYTES:,}; split it")
        with np.load(place, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{place}: cannot be read as .npz of plain numbers: {reason}") from None
    for name, values in found.items():
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub" or not values.size:
            raise InputError(f"{place}: array {name!r} must hold numbers")
    return found


def densities_of(arrays: Mapping[str, NDArray[Any]], source: str) -> Densities:
    """Densities counted in arrays called `LAYER.TENSOR`; formats and fibres are then counted as well.

    Raises:
        InputError: an array of another name.

    >>> found = densities_of({"fc6.weight": np.eye(4)}, "by hand")
    >>> found.layers, found.patterns["fc6", "weight"].p_zeros(4)
    ({'fc6': {'weight': 0.25}}, 0.23076923076923078)
    """
    layers: dict[str, dict[str, float]] = {}
    patterns: dict[tuple[str, str], DensityModel] = {}
    for name, values in arrays.items():
        layer, dot, tensor = name.rpartition(".")
        if not dot or not layer:
            raise InputError(f"{source}: array {name!r} names no tensor of a layer; call it LAYER.TENSOR")
        actual = Actual(values)
        layers.setdefault(layer, {})[tensor] = actual.density
        patterns[layer, tensor] = actual
    return Densities(layers, source, patterns)
