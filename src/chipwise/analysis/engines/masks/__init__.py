"""Masks of real layers, as published; README.md says whose."""

import gzip
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

SHAPES = {"L07": (64, 64, 1024), "L09": (64, 128, 256), "L13": (128, 256, 64)}
"""Channels, filters, positions."""


def masks(layer: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which inputs [positions, channels] and weights [filters, channels] of a layer are not zero.

    >>> inputs, weights = masks("L13")
    >>> inputs.shape, weights.shape
    ((64, 128), (256, 128))
    """
    channels, filters, positions = SHAPES[layer]
    found = []
    for kind, rows in (("iacts", positions), ("weights", filters)):
        packed = files(__package__).joinpath(f"{layer}_{kind}.txt.gz").read_bytes()
        characters = np.frombuffer(gzip.decompress(packed).strip(), dtype=np.uint8)
        found.append((characters == ord("1")).reshape(rows, channels))
    inputs, weights = found
    return inputs, weights
