"""Adapter for CACTI, the memory modelling tool of HP Labs, where its user has built it.

It runs only where the environment variable CHIPWISE_CACTI names the program: found by itself, it would give the
same chip different figures on different machines. CACTI reads its technology files from the folder it lies in.
"""

import csv
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, final

from chipwise.components.estimator import AREA, LATENCY, LEAKAGE, AbstractEstimator, Estimate, Query
from chipwise.components.published import not_in_macs
from chipwise.errors import InputError

NAME: Final = "cacti"
VARIABLE: Final = "CHIPWISE_CACTI"
LEAST_BYTES: Final = 64
LEAST_NM, MOST_NM = 22.0, 90.0
TIMEOUT_S: Final = 120
_COLUMNS = {
    "read": (" Dynamic read energy (nJ)", 1e3),
    "write": (" Dynamic write energy (nJ)", 1e3),
    LEAKAGE: (" Standby leakage per bank(mW)", 1e-3),
    AREA: (" Area (mm2)", 1.0),
    LATENCY: (" Access time (ns)", 1.0),
}
"""Columns of what CACTI writes, and the factor to the unit of the figure."""


@final
@dataclass(frozen=True, slots=True)
class Cacti(AbstractEstimator):
    """SRAM as CACTI models it."""

    program: str | None

    @property
    def name(self) -> str:
        """As chip files write it."""
        return NAME

    @property
    def components(self) -> tuple[str, ...]:
        """SRAM, where there is a program."""
        return ("sram",) if self.program else ()

    @property
    def range(self) -> str:
        """What CACTI takes."""
        return "SRAM from 64 B, 22 to 90 nm" if self.program else f"absent: set {VARIABLE} to the program"

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """One run per memory, kept while the process lives."""
        if self.program is None or query.component != "sram" or figure not in _COLUMNS:
            return None
        node = query.node_nm or 45.0
        size = (query.capacity_bits or 0) // 8
        if size < LEAST_BYTES or not LEAST_NM <= node <= MOST_NM:
            return None
        block = max(4, -(-query.access_bits // 8))
        row = _run(self.program, max(size, 64 * block * query.banks), block, query.ports, query.banks, node)
        column, factor = _COLUMNS[figure]
        value = float(row[column]) * factor
        if figure in {"read", "write"}:
            value *= query.bits / (8 * block)
        if figure == LEAKAGE:
            value *= query.banks
        return Estimate(value, 70, f"{NAME}: {size} B by {8 * block} b at {node:g} nm ({self.program})")


@lru_cache(maxsize=1024)
def _run(program: str, size: int, block: int, ports: int, banks: int, node_nm: float) -> dict[str, str]:
    """The last row of what CACTI writes for one memory."""
    text = _CONFIG.format(size=size, block=block, ports=ports, banks=banks, um=node_nm / 1000, bits=8 * block)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "memory.cfg"
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - the user's own program, named by the user; no shell
            [program, "-infile", str(file)],
            cwd=Path(program).parent,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        out = Path(f"{file}.out")
        if done.returncode or not out.exists():
            words = " ".join((done.stderr or done.stdout).split())[:200]
            raise InputError(f"CACTI ({program}) gave no result for {size} B at {node_nm:g} nm: {words}")
        with out.open(encoding="utf-8", newline="") as rows:
            return list(csv.DictReader(rows))[-1]


_CONFIG = """\
-size (bytes) {size}
-block size (bytes) {block}
-associativity 1
-read-write port {ports}
-exclusive read port 0
-exclusive write port 0
-single ended read ports 0
-UCA bank count {banks}
-technology (u) {um}
-output/input bus width {bits}
-operating temperature (K) 360
-cache type "ram"
-tag size (b) "default"
-access mode (normal, sequential, fast) - "normal"
-design objective (weight delay, dynamic power, leakage power, cycle time, area) 0:0:0:100:0
-deviate (delay, dynamic power, leakage power, cycle time, area) 20:100000:100000:100000:100000
-Optimize ED or ED^2 (ED, ED^2, NONE): "ED^2"
-Cache model (NUCA, UCA) - "UCA"
-Data array cell type - "itrs-hp"
-Data array peripheral type - "itrs-hp"
-Tag array cell type - "itrs-hp"
-Tag array peripheral type - "itrs-hp"
-Wire signaling (fullswing, lowswing, default) - "Global_30"
-Wire inside mat - "semi-global"
-Wire outside mat - "semi-global"
-Interconnect projection - "conservative"
-Print level (DETAILED, CONCISE) - "CONCISE"
-Print input parameters - "false"
-Force cache config - "false"
"""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The program that the environment names, if it does."""
    not_in_macs(NAME, mac_pj)
    return Cacti(os.environ.get(VARIABLE) or None)
