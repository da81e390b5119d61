"""Seconds, nodes and leaves of the mapper per distinct layer, and the kernel's nodes per second.

    python benchmarks/mapper.py [--on CHIP] [--objective O] [--json FILE] [NETWORK ...]

Times are of one core with kernels compiled; on a shared machine compare runs by nodes, not by seconds.
"""

import argparse
import json
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.search import search
from chipwise.workload.kinds import fully_connected
from chipwise.workload.load import load_network


def measure(network: str, chip: Accelerator, objective: str) -> list[dict[str, object]]:
    """One row per distinct layer shape."""
    rows, seen = [], set()
    for layer in load_network(network).layers:
        if layer.shape_key in seen:
            continue
        seen.add(layer.shape_key)
        begin = time.perf_counter()
        found = search(layer, chip, objective).certificate
        seconds = time.perf_counter() - begin
        rows.append(
            {
                "network": network,
                "layer": layer.name,
                "seconds": seconds,
                "nodes": found.nodes,
                "leaves": found.leaves,
                "mapspace": found.mapspace,
                "proven": found.proven,
            }
        )
        print(
            f"{network:<10}{layer.name:<22}{seconds:8.3f} s{found.nodes:>12,} nodes{found.leaves:>9,} leaves"
            f"  mapspace {found.mapspace:8.1e}  {'proven' if found.proven else 'NOT PROVEN'}",
            flush=True,
        )
    return rows


def main() -> None:
    """Measure and print; with --json also write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=["alexnet", "resnet50"])
    parser.add_argument("--on", default="eyeriss")
    parser.add_argument("--objective", default="energy")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chip = load_accelerator(options.on)
    begin = time.perf_counter()
    search(fully_connected("warm up", M=8, C=8), chip, options.objective)
    print(f"first search, compiling or loading the kernels: {time.perf_counter() - begin:.1f} s")
    rows = [row for network in options.networks for row in measure(network, chip, options.objective)]
    seconds = [float(str(row["seconds"])) for row in rows]
    nodes = sum(int(str(row["nodes"])) for row in rows)
    print(
        f"{len(rows)} layers on {options.on}, {options.objective}: {sum(seconds):.2f} s in all, "
        f"median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s, {nodes / sum(seconds):.3g} nodes/s"
    )
    if options.json:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        options.json.write_text(json.dumps({"date": stamp, **machine, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
