"""Published memories to which the analytical model is fitted, and the fit.

`python -m chipwise.components.memory_points` writes `memory_fit.json`:

    energy of an access [pJ] = k · width^a · depth^b · ports^c       at 45 nm and 0.9 V, depth = capacity / width
    area [mm2]               = k · capacity^b · ports^c

Least squares of the logarithms. Figures of other nodes are first scaled to 45 nm. The runs of CACTI that do not
name their node count for the exponents only: they have a factor of their own, which is fitted and dropped.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from chipwise.components.scaling import area_factor, energy_factor, nominal_v

FILE: Final = Path(__file__).with_name("memory_fit.json")
NODE_NM, VOLTAGE_V = 45.0, 0.9
BYTE, KIB, MIB = 8, 2**13, 2**23


@final
@dataclass(frozen=True, slots=True)
class Point:
    """One access energy (pJ) and area (mm2) of a memory; None: not given. `node_nm` None: not told."""

    width_bits: int
    capacity_bits: int
    ports: int
    energy_pj: float | None
    area_mm2: float | None = None
    node_nm: float | None = None
    voltage_v: float | None = None


HOROWITZ = tuple(Point(64, c * KIB, 1, e, None, 45, 0.9) for c, e in ((8, 10.0), (32, 20.0), (1024, 100.0)))
PEDRAM = tuple(
    Point(w, words * w, 1, e, None, 45, 0.9)
    for w, words, e in ((16, 4096, 8.0), (16, 32768, 11.0), (64, 4096, 26.0), (64, 32768, 47.0))
)
INTERSTELLAR = tuple(
    Point(16, c * KIB, 1, e, None, 28) for c, e in ((32, 9.0), (64, 13.5), (128, 20.25), (28 * 1024, 150.0))
)
DADIANNAO = (Point(256, 10 * MIB, 1, None, 20.73, 28),)
CACTI_22NM = (
    Point(8, 128 * BYTE, 2, 0.0739625, 0.000309137, 22),
    Point(256, 2 * MIB, 2, 134.898, 3.66505, 22),
)
"""Reads, as the other runs: CACTI 7, examples in the repository of ZigZag (KU Leuven)."""
CACTI = tuple(
    Point(w, size * BYTE, ports, e, area)
    for size, w, ports, e, area in (
        (128, 8, 2, 1.03068, 0.01021668),
        (1280, 8, 2, 4.08634, 0.0726528),
        (4096, 128, 2, 16.3381, 0.275162),
        (16384, 128, 2, 39.5909, 0.934416),
        (32768, 128, 2, 75.2088, 1.787254),
        (262144, 256, 2, 413.334, 15.41588),
        (524288, 256, 2, 678.903, 28.6058),
        (1048576, 256, 2, 960.931, 59.1178),
        (2621440, 256, 2, 1614.01, 142.6092),
        (4194304, 256, 2, 2027.24, 235.704),
        (256, 16, 4, 2.28252, 0.0475108),
        (512, 16, 4, 3.11031, 0.0887454),
        (512, 32, 4, 3.70033, 0.0934354),
        (65536, 512, 4, 289.047, 10.13988),
        (131072, 512, 4, 566.49, 19.6492),
    )
)
REGISTER_FILES = (
    *(Point(16, words * 16, 1, e, None, 45, 0.9) for words, e in ((16, 0.12), (64, 0.23))),
    *(Point(64, words * 64, 1, e, None, 45, 0.9) for words, e in ((16, 0.34), (64, 0.42))),
    *(Point(16, size * BYTE, 1, e, None, 28) for size, e in ((32, 0.06), (64, 0.12), (512, 0.96))),
    *(Point(16, size * BYTE, 1, e, None, 45) for size, e in ((512, 0.6), (1024, 1.0))),
)
"""Pedram et al. 2017; Interstellar 2020; TETRIS 2017."""

SRAMS = (*HOROWITZ, *PEDRAM, *INTERSTELLAR, *DADIANNAO, *CACTI_22NM, *CACTI)


def fit() -> dict[str, dict[str, float]]:
    """Coefficients, mean and largest error of each law over the points whose node is known.

    Errors are factors less one: 0.5 is a figure half as large again as the published one, or two thirds of it.
    """
    sram = [p for p in SRAMS if p.energy_pj is not None]
    areas = [p for p in SRAMS if p.area_mm2 is not None]
    return {
        "sram energy_pj": _law(sram, [_energy(p) for p in sram], ("width", "depth", "ports")),
        "sram area_mm2": _law(areas, [_area(p) for p in areas], ("capacity", "ports")),
        "register_file energy_pj": _law(
            REGISTER_FILES, [_energy(p) for p in REGISTER_FILES], ("width", "depth")
        ),
    }


def _energy(p: Point) -> float:
    assert p.energy_pj is not None
    if p.node_nm is None:
        return p.energy_pj
    voltage = nominal_v(p.node_nm) if p.voltage_v is None else p.voltage_v
    return p.energy_pj * energy_factor(p.node_nm, voltage, NODE_NM, VOLTAGE_V)


def _area(p: Point) -> float:
    assert p.area_mm2 is not None
    return p.area_mm2 if p.node_nm is None else p.area_mm2 * area_factor(p.node_nm, NODE_NM)


def _law(points: Sequence[Point], values: Sequence[float], by: Sequence[str]) -> dict[str, float]:
    """One power law in `by`, in logarithms."""
    import numpy as np  # noqa: PLC0415 - only who fits needs it

    terms: dict[str, Any] = {
        "width": [p.width_bits for p in points],
        "depth": [p.capacity_bits / p.width_bits for p in points],
        "capacity": [p.capacity_bits for p in points],
        "ports": [p.ports for p in points],
    }
    apart = np.array([p.node_nm is None for p in points])
    columns = [np.ones(len(points)), *(np.log(terms[name]) for name in by)]
    if apart.any():
        columns.append(apart.astype(float))
    matrix, y = np.stack(columns, axis=1), np.log(np.array(values))
    found = np.linalg.lstsq(matrix, y, rcond=None)[0]
    off = np.exp(np.abs(y - matrix @ found))[~apart] - 1
    law = {"k": float(np.exp(found[0])), **{n: float(found[i + 1]) for i, n in enumerate(by)}}
    law |= {"mean_error": float(off.mean()), "largest_error": float(off.max()), "points": len(points)}
    return {name: float(f"{value:.4g}") for name, value in law.items()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(fit(), indent=2) + "\n", encoding="utf-8")
