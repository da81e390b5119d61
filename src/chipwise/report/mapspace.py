"""The mapspace of a layer on a chip as text and as JSON: what is searched, and how much of it there is."""

from typing import Any

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.mapspace import (
    FACTORS,
    ONE,
    PLACEMENTS,
    WHOLE,
    Mapspace,
    Nest,
    codes,
    even_nest,
    keepings,
    uneven_nests,
)
from chipwise.mapper.space import size_of
from chipwise.report.evaluation import chip_line
from chipwise.report.tables import table
from chipwise.workload.layer import Layer

MEANING = {
    "even": "all tensors of a level share a tile boundary",
    "uneven": "nodes of different tensors stand in any order, each with loops of its own below it",
    "perfect": "every loop divides the tile above it",
    "spatial": "temporal loops divide; loops on an axis may leave a residual in the last pass",
    "imperfect": "every loop may leave a residual in its last iteration",
    "any": "all tile sizes",
}


def mapspace_dict(layer: Layer, chip: Accelerator) -> dict[str, Any]:
    """The JSON of `chipwise map --mapspace`."""
    kept = keepings(layer, chip)
    return {
        "schema": "chipwise.mapspace/1",
        "layer": layer.name,
        "dims": dict(layer.dims),
        "accelerator": chip.name,
        "bypass_choices": len(kept),
        "node_orders": sum(len(list(uneven_nests(chip, k))) for k in kept),
        "places": [
            {"place": place, "loops": loops} for place, loops in _places(layer, even_nest(chip, kept[0]))
        ],
        "mappings": {p: {f: size_of(layer, chip, Mapspace(p, f)) for f in FACTORS} for p in PLACEMENTS},
    }


def mapspace_text(layer: Layer, chip: Accelerator) -> str:
    """Where loops may stand, what is free, and how many combinations of tile sizes there are."""
    told = mapspace_dict(layer, chip)
    dims = ", ".join(f"{d} {e}" for d, e in layer.dims.items() if e > 1)
    sizes = [(f"--mapspace {p}", *(f"{told['mappings'][p][f]:.3g}" for f in FACTORS)) for p in PLACEMENTS]
    legend = [f"  {name:9}  {meaning}\n" for name, meaning in MEANING.items()]
    return (
        f"{layer.name} ({dims}) on {chip_line(chip)}\n\n"
        + table(
            ("place, outermost first", "loops"),
            [(p["place"], p["loops"]) for p in told["places"]],
            left=("place, outermost first", "loops"),
        )
        + f"\nchoices of bypass {told['bypass_choices']}, orders of nodes (uneven) {told['node_orders']}; at every "
        "place all orders of its loops\n\n"
        "combinations of tile sizes, before capacities; each with all its loop orders\n"
        + table(("", *(f"--factors {f}" for f in FACTORS)), sizes, left=("",))
        + "\n"
        + "".join(legend)
    )


def _places(layer: Layer, nest: Nest) -> list[tuple[str, str]]:
    """What may stand where, in the even nest."""
    found: list[tuple[str, str]] = []
    head = -1
    allowed = {d: codes(nest, d, e) for d, e in layer.dims.items() if e > 1}
    for at, position in enumerate(nest.positions):
        if position.block > head:
            head = position.block
            held: dict[str, list[str]] = {}
            for memory, tensor in nest.heads[head]:
                held.setdefault(memory, []).append(tensor)
            found += [(memory, "keeps " + ", ".join(tensors)) for memory, tensors in held.items()]
        here = {d: ONE if c is None else c[at] for d, c in allowed.items()}
        loops = [f"all of {d}" if code == WHOLE else d for d, code in here.items() if code != ONE]
        name = "| temporal" if position.axis is None else f"| {position.axis.name} x {position.axis.size}"
        what = "for" if position.axis is None else "spatial"
        found.append((name, f"{what} {', '.join(loops)}" if loops else "no loops"))
    return found
