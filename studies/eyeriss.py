"""The best mappings of AlexNet's and VGG-16's convolutions on Eyeriss. About five minutes.

    python studies/eyeriss.py [--time-limit SECONDS] [--only NAME,NAME] [--write]

`--write` renews the mappings that `chipwise validate eyeriss-alexnet` and `eyeriss-vgg16` put beside the paper's.
"""

# ruff: noqa: INP001 - a script beside others, not a package

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from study_files import ROOT, Points, Progress

import chipwise
from chipwise.analysis import validations
from chipwise.analysis.estimators.row_stationary import figures
from chipwise.analysis.estimators.row_stationary.nest import folding_chip
from chipwise.analysis.estimators.row_stationary.silicon import conv_layers
from chipwise.mapper.cache import key_of
from chipwise.mapper.mapspace import Mapspace

SPACE = Mapspace("uneven", "spatial")
STORED = Path(validations.__path__[0]) / figures.STORED


def main() -> int:
    """Search; the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--time-limit", type=float, default=120.0, metavar="SECONDS", help="per layer")
    options.add_argument("--only", default="", metavar="NAMES", help="these layers alone, as `alexnet.conv5`")
    options.add_argument("--points", type=Path, default=ROOT / "build" / "studies" / "eyeriss.json")
    options.add_argument("--write", action="store_true", help="renew the stored mappings")
    given = options.parse_args()
    if given.write and given.only:
        options.error("--write needs all layers")
    chip, points = folding_chip(), Points(given.points)
    layers = [(name, layer) for name, batch in figures.NETWORKS.items() for layer in conv_layers(name, batch)]
    names = given.only.split(",") if given.only else [f"{network}.{layer.name}" for network, layer in layers]
    layers = [(network, layer) for network, layer in layers if f"{network}.{layer.name}" in names]
    if len(layers) < len(names):
        options.error(f"--only {given.only!r}: give networks and layers as in `alexnet.conv5,vgg16.conv1_1`")
    progress = Progress(len(layers))
    found: dict[str, dict[str, Any]] = {name: {} for name in figures.NETWORKS}
    for network, layer in layers:
        key = key_of(layer, chip, "energy", SPACE)
        point = points.get(key, key)
        if point is None:
            result = chipwise.find_mapping(
                layer,
                chip,
                mapspace=SPACE.placement,
                factors=SPACE.factors,
                time_limit_s=given.time_limit,
            )
            assert result.certificate is not None
            point = {
                "mapping": result.mapping_text.splitlines(),
                "proven": result.certificate.proven,
                "gap": result.certificate.gap,
            }
            points.put(key, key, point)
        found[network][layer.name] = point
        progress.step(
            f"{network} {layer.name}", "proven" if point["proven"] else f"within {point['gap']:.1%}"
        )
    if given.write:
        STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
