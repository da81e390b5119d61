"""Energy of dense and pruned AlexNet, GoogLeNet and SqueezeNet, each layer mapped for its zeros. About ten minutes.

    python studies/energy_aware_pruning.py [--json FILE] [--time-limit SECONDS] [--only NAME,NAME] [--write]

`--write` renews docs/studies.md and the mappings that `chipwise validate energy-aware-pruning` prices.
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from study_files import ORDER, ROOT, Points, markdown_table, search, section

from chipwise.analysis.stored_mappings import priced
from chipwise.analysis.validations import energy_aware_pruning as study

NAME = "energy-aware-pruning"
STORED = Path(study.__file__).with_name(study.STORED)


def text(energies: dict[str, dict[str, float]]) -> str:
    """The section of docs/studies.md."""
    head = ("network", "batch", "MACs, 1e9", "input", "weight", "output", "compute")
    rows = []
    for name, by_tensor in energies.items():
        total = sum(by_tensor.values())
        shares = [f"{100 * by_tensor[key] / total:.0f} %" for key in ("input", "weight", "output", "mac")]
        rows.append((name, str(study.CASES[name].batch), f"{total / 1e9:.2f}", *shares))
    total = {name: sum(by_tensor.values()) for name, by_tensor in energies.items()}
    return f"""## Energy-aware pruning (CVPR 2017; survey, Table IV)
Energy per image in energies of one MAC, on Eyeriss as the survey's energy estimation takes it: only MACs of two
non-zeros, data run-length coded, each layer mapped for its zeros. `python studies/energy_aware_pruning.py`; `chipwise
validate energy-aware-pruning`.

{markdown_table(head, rows)}
Pruned AlexNet takes {total["alexnet"] / total["alexnet-eap"]:.1f} times less (printed: 3.7), pruned GoogLeNet
{total["googlenet"] / total["googlenet-eap"]:.1f} times (printed: 1.6; weights are taken to be pruned evenly here, as
only totals are printed). SqueezeNet has 50 times fewer weights than AlexNet and takes
{total["squeezenet"] / total["alexnet"]:.1f} times its energy.
"""


def main() -> int:
    """Run the study; the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument(
        "--json", metavar="FILE", help="write energies by network and tensor, in MACs per image"
    )
    options.add_argument("--time-limit", type=float, default=120.0, metavar="SECONDS", help="per layer")
    options.add_argument("--only", default="", metavar="NAMES", help="these networks alone, as `alexnet`")
    options.add_argument("--layers", default="", help="these layers alone")
    options.add_argument("--points", type=Path, default=ROOT / "build" / "studies" / f"{NAME}.json")
    options.add_argument("--write", action="store_true", help="renew docs and the stored mappings")
    given = options.parse_args()
    names = given.only.split(",") if given.only else list(study.CASES)
    unknown = [name for name in names if name not in study.CASES]
    if unknown:
        options.error(f"--only {unknown[0]!r} is not known; choose among {', '.join(study.CASES)}")
    if given.write and (given.only or given.layers):
        options.error("--write needs all networks and all layers")
    chip, kept = study.chip(), Points(given.points)
    mac_pj = chip.compute.energy["mac"].energy_pj
    points: dict[str, dict[str, Any]] = {}
    energies: dict[str, dict[str, float]] = {}
    for name in names:
        network = study.network(name)
        layers = given.layers.split(",") if given.layers else [layer.name for layer in network.layers]
        points |= search(kept, {name: chip}, network, layers, given.time_limit, study.FACTORS)
        found = energies.setdefault(name, {})
        for result in priced({name: points[name]}, {name: chip}, network)[name].values():
            for tensor, energy_pj in result.energy_by("tensor").items():
                each = energy_pj / mac_pj / study.CASES[name].batch
                found[tensor] = found.get(tensor, 0.0) + each
        print(f"{name:16} {sum(found.values()) / 1e9:.3f}e9 MACs per image")
    if given.json:
        Path(given.json).write_text(json.dumps(energies, indent=2) + "\n", encoding="utf-8")
    if given.write:
        STORED.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
        section(NAME, text(energies), ORDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
