"""Sizes of register files and buffer, after "DNN dataflow choice is overrated" (Yang et al.). About five minutes.

    python studies/overrated.py [--json FILE] [--time-limit SECONDS] [--only NAME,NAME] [--write]

`--write` renews docs/studies.md, its pictures, and the mappings that `chipwise validate interstellar` prices.
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from study_files import ORDER, PICTURES, ROOT, Points, markdown_table, search, section

from chipwise.analysis.stored_mappings import Results, priced
from chipwise.analysis.validations import interstellar as study
from chipwise.report import svg

NAME = "overrated"
STORED = Path(study.__file__).with_name(study.STORED)
FACTORS = "perfect"
"""Energy hardly depends on residuals where PEs may idle, and the search is much shorter."""


def energies(found: Results, name: str) -> dict[str, float]:
    """Energy per MAC of a chip by part, pJ, registers by their size."""
    macs = sum(result.layer.macs for result in found[name].values())
    total: dict[str, float] = {}
    for result in found[name].values():
        for part, energy in result.cost.energy_by("component").items():
            key = "registers" if part.startswith("rf") else "network" if part == "pes" else part
            total[key] = total.get(key, 0.0) + energy / macs
    return {key: total[key] for key in ("mac", "registers", "network", "buffer", "dram")}


def pictures(found: Results) -> dict[str, str]:
    """The sweeps by the name of their file."""
    axis = svg.Axis("pJ per MAC", format=lambda value: f"{value:.3g}")

    def chart(title: str, names: list[tuple[str, str]]) -> str:
        rows = [
            svg.Bar(
                label, tuple(energies(found, name).items()), note=f"{sum(energies(found, name).values()):.2f}"
            )
            for label, name in names
        ]
        return svg.document(svg.bars(title, rows, axis=axis))

    registers = [(f"{rf} B", study.name_of((rf,), study.BUFFER)) for rf in study.RF_BYTES]
    registers += [(f"{i} B + {o} B", study.name_of((o, i), study.BUFFER)) for i, o in study.LEVELS]
    buffers = [(f"{kib} KiB", study.name_of((study.RF,), kib)) for kib in study.BUFFER_KIB]
    return {
        "overrated-registers": chart("AlexNet, batch 16, by registers of a PE; buffer 128 KiB", registers),
        "overrated-buffer": chart("AlexNet, batch 16, by buffer; registers 64 B", buffers),
    }


def text(found: Results) -> str:
    """The section of docs/studies.md."""
    rows = [
        [
            name,
            *(
                f"{value:.2f}"
                for value in (*energies(found, name).values(), sum(energies(found, name).values()))
            ),
        ]
        for name in found
    ]
    table = markdown_table(
        ["registers, buffer", "MAC", "registers", "network", "buffer", "DRAM", "pJ/MAC"], rows
    )
    images = "".join(f"![{file}](studies/{file}.svg)\n" for file in pictures(found))

    def of(registers: tuple[int, ...], kind: str = "") -> float:
        return study.energy_per_mac_pj(found[study.name_of(registers, study.BUFFER)], kind=kind)

    def ratio(kind: str) -> str:
        return f"{of((512,), kind) / of((64,), kind):.2f}"

    def saving(two: tuple[int, ...], one: tuple[int, ...]) -> str:
        return f"{1 - of(two) / of(one):.0%}"

    return f"""## Sizes of registers and buffer ("DNN dataflow choice is overrated")
AlexNet, batch 16, on 256 PEs with energies of 28 nm; one size is swept, the other held. Printed are about
2.6 times less energy with 64 B than with larger registers, major savings up to a buffer of 128 kB and some to
256 kB, and about 25 % (CONV 30 %) less with a second level of registers. Perfect factors.
`python studies/overrated.py`; `chipwise validate interstellar`.

{table}
64 B are best here, too, and the buffer's gain ends at 256 KiB. But AlexNet's FC layers at batch 16 wait for DRAM
whatever the registers, so that 512 B cost {ratio("")} times as much in all and {ratio("conv")} times in CONV. A second
level (`rf128-16`: 128 B and 16 B) saves {saving((128, 16), (64,))} over the best single file; one of 256 B and 16 B
saves {saving((256, 16), (256,))} over 256 B alone.

{images}"""


def main() -> int:
    """Run the study; the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--json", metavar="FILE", help="write pJ per MAC by chip and part")
    options.add_argument("--time-limit", type=float, default=120.0, metavar="SECONDS", help="per layer")
    options.add_argument("--only", default="", metavar="NAMES", help="these chips alone, as `rf64 buffer128`")
    options.add_argument("--layers", default="", help="these layers of AlexNet alone")
    options.add_argument("--points", type=Path, default=ROOT / "build" / "studies" / f"{NAME}.json")
    options.add_argument("--write", action="store_true", help="renew docs and the stored mappings")
    given = options.parse_args()
    chips, network = study.chips(), study.network()
    names = given.only.split(",") if given.only else list(chips)
    unknown = [name for name in names if name not in chips]
    if unknown:
        options.error(f"--only {unknown[0]!r} is not known; choose among {', '.join(chips)}")
    layers = given.layers.split(",") if given.layers else [layer.name for layer in network.layers]
    if given.write and (given.only or given.layers):
        options.error("--write needs all chips and all layers")
    points: dict[str, dict[str, Any]] = search(
        Points(given.points),
        {name: chips[name] for name in names},
        network,
        layers,
        given.time_limit,
        FACTORS,
    )
    found = priced(points, chips, network)
    for name in found:
        print(f"{name:22} {sum(energies(found, name).values()):.3f} pJ per MAC")
    if given.json:
        data = {name: energies(found, name) for name in found}
        Path(given.json).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    if given.write:
        STORED.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
        PICTURES.mkdir(exist_ok=True)
        for file, chart in pictures(found).items():
            (PICTURES / f"{file}.svg").write_text(chart, encoding="utf-8")
        section(NAME, text(found), ORDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
