"""The dataflow comparison of ISCA 2016 and of the survey's Figs. 33 to 35, at equal area. About ten minutes.

    python studies/isca16_dataflows.py [--json FILE] [--time-limit SECONDS] [--only rs,nlr] [--write]

`--write` renews docs/studies.md, its pictures, and the mappings that `chipwise validate dataflow-study` prices.
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study_files import ORDER, PICTURES, ROOT, Points, markdown_table, search, section

from chipwise.analysis.stored_mappings import Results, priced
from chipwise.analysis.validations import dataflow_study as study
from chipwise.model.energy import mac_energy_pj
from chipwise.report import svg

NAME = "isca16-dataflows"
STORED = Path(study.__file__).with_name(study.STORED)
TITLES = {"rs": "RS", "ws": "WS", "os-a": "OS_A", "os-b": "OS_B", "os-c": "OS_C", "nlr": "NLR"}
TENSORS = {"output": "psums", "weight": "weights", "input": "pixels", "mac": "ALU"}


def per_mac(results: Mapping[str, Any], *, conv: bool, what: str) -> dict[str, float]:
    """Energy per MAC by level or by tensor, in MACs."""
    own = [result for name, result in results.items() if study.is_conv(name) is conv]
    macs = sum(result.layer.macs for result in own)
    total: dict[str, float] = {}
    for result in own:
        unit = mac_energy_pj(result.accelerator)
        tensors = {TENSORS[t]: e / unit for t, e in result.cost.energy_by("tensor").items()}
        for key, value in (study.by_level(result) if what == "level" else tensors).items():
            total[key] = total.get(key, 0.0) + value / macs
    return total


def pictures(results: Results) -> dict[str, str]:
    """The figures by the name of their file."""
    axis = svg.Axis("energy per MAC, in MACs", format=lambda value: f"{value:.3g}")
    charts = {}
    for file, title, conv, what in (
        ("fig33a", "CONV layers of AlexNet, batch 16, by level (survey, Fig. 33a)", True, "level"),
        ("fig33b", "CONV layers of AlexNet, batch 16, by type of data (survey, Fig. 33b)", True, "tensor"),
        ("fig34", "FC layers of AlexNet, batch 16, by type of data (survey, Fig. 34)", False, "tensor"),
    ):
        rows = []
        for flow, own in results.items():
            energy = per_mac(own, conv=conv, what=what)
            note = f"{study.ratio(results, flow, conv=conv):.2f} x RS"
            rows.append(svg.Bar(TITLES[flow], tuple(energy.items()), note=note))
        charts[file] = svg.document(svg.bars(title, rows, axis=axis))
    layers = [
        svg.Bar(name, tuple((k, v / 1e9) for k, v in study.by_level(result).items()))
        for name, result in results["rs"].items()
    ]
    charts["fig35"] = svg.document(
        svg.bars(
            "Row stationary, layers of AlexNet, batch 16 (survey, Fig. 35)",
            layers,
            axis=svg.Axis("1e9 MACs", format=lambda value: f"{value:.3g}"),
        )
    )
    return charts


def text(results: Results, found: dict[str, Any]) -> str:
    """The section of docs/studies.md."""
    chips = study.chips()
    rows = []
    for flow, own in results.items():
        conv, fc = (sum(per_mac(own, conv=c, what="level").values()) for c in (True, False))
        registers = sum(
            m.capacity_bits or 0 for m in chips[flow].memories if chips[flow].instances(m.name) > 1
        )
        points = found[flow].values()
        gap = max(point["gap"] for point in points)
        rows.append(
            [
                TITLES[flow],
                f"{registers // 8} B",
                f"{(chips[flow].memory('buffer').capacity_bits or 0) / 8192:.0f} KiB",
                f"{conv:.2f}",
                f"{study.ratio(results, flow, conv=True):.2f}",
                f"{fc:.2f}",
                f"{study.ratio(results, flow, conv=False):.2f}",
                "all" if gap == 0 else f"{sum(p['proven'] for p in points)} of {len(points)}, gap {gap:.0%}",
            ]
        )
    head = ["dataflow", "in a PE", "buffer", "CONV /MAC", "x RS", "FC /MAC", "x RS", "proven"]
    conv, fc = (study.energy_of(results["rs"], conv=c) for c in (True, False))
    images = "".join(f"![{file}](studies/{file}.svg)\n" for file in ("fig33a", "fig33b", "fig34", "fig35"))
    return f"""## Dataflows at equal area (ISCA 2016; survey, Figs. 33 to 35)
AlexNet, batch 16, on 256 PEs with storage of equal area and the costs of ISCA 2016 (MAC 1, RF 1, array 2,
buffer 6, DRAM 200); energy per MAC in MACs. Each dataflow has the mapping with the least energy of the even
mapspace. How the area is traded: [compare.md](compare.md). `python studies/isca16_dataflows.py`; `chipwise
validate dataflow-study`.

{markdown_table(head, rows)}
Row stationary spends {conv / (conv + fc):.0%} of AlexNet's energy in CONV layers, and of that \
{study.energy_of(results["rs"], conv=True, levels=("RF",)) / conv:.1%} in registers; of the FC layers' \
{study.energy_of(results["rs"], conv=False, levels=("DRAM",)) / fc:.1%} goes to DRAM.

{images}
Printed are 1.4 to 2.5 times for CONV and at least 1.3 times for FC. Row stationary is lowest in both here, too, but
weight stationary comes closer, and so does OS_B in FC. Every dataflow gets its exact optimum here and reads each weight
once; and an operand that passes a PE by costs the transfer alone, where the paper's equation adds an access to
registers, with which weight stationary comes to 1.41 times in CONV.
"""


def main() -> int:
    """Run the study; the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--json", metavar="FILE", help="write energies by dataflow, layer and level")
    options.add_argument("--time-limit", type=float, default=300.0, metavar="SECONDS", help="per layer")
    options.add_argument(
        "--only", default=",".join(study.FLOWS), metavar="FLOWS", help="these dataflows alone"
    )
    options.add_argument("--layers", default=",".join(study.PRINTED), help="these layers of AlexNet alone")
    options.add_argument("--points", type=Path, default=ROOT / "build" / "studies" / f"{NAME}.json")
    options.add_argument("--write", action="store_true", help="renew docs and the stored mappings")
    given = options.parse_args()
    flows = given.only.split(",")
    unknown = [flow for flow in flows if flow not in study.FLOWS]
    if unknown:
        options.error(f"--only {unknown[0]!r} is not known; choose among {', '.join(study.FLOWS)}")
    chips = {flow: study.chips()[flow] for flow in flows}
    found = search(Points(given.points), chips, study.network(), given.layers.split(","), given.time_limit)
    results = priced(found, study.chips(), study.network())
    for flow, own in results.items():
        told = ", ".join(
            f"{kind} {sum(per_mac(own, conv=c, what='level').values()):.2f}"
            for kind, c in (("CONV", True), ("FC", False))
            if any(study.is_conv(name) is c for name in own)
        )
        print(f"{TITLES[flow]:5} energy per MAC, in MACs: {told}")
    if given.json:
        energies = {f: {n: study.by_level(r) for n, r in own.items()} for f, own in results.items()}
        Path(given.json).write_text(json.dumps(energies, indent=2) + "\n", encoding="utf-8")
    if given.write:
        if set(flows) != set(study.FLOWS) or set(given.layers.split(",")) != set(study.PRINTED):
            options.error("--write needs all dataflows and all layers")
        STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        PICTURES.mkdir(exist_ok=True)
        for file, chart in pictures(results).items():
            (PICTURES / f"{file}.svg").write_text(chart, encoding="utf-8")
        section(NAME, text(results, found), ORDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
