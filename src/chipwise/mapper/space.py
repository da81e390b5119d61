"""All of a mapspace: its nests, its classes of mappings, its size."""

from collections.abc import Iterator
from math import prod

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.classes import MappingClass, all_codes
from chipwise.mapper.even import even_classes
from chipwise.mapper.mapspace import (
    Keeping,
    Mapspace,
    Nest,
    axis_sizes,
    count_chains,
    even_nest,
    keepings,
    uneven_nests,
)
from chipwise.mapper.uneven import uneven_classes
from chipwise.workload.layer import Layer


def nests_of(chip: Accelerator, keeping: Keeping, space: Mapspace) -> list[Nest]:
    """All nests of a mapspace with one choice of what is kept."""
    return [even_nest(chip, keeping)] if space.placement == "even" else list(uneven_nests(chip, keeping))


def classes_of(layer: Layer, chip: Accelerator, keeping: Keeping, space: Mapspace) -> Iterator[MappingClass]:
    """All classes of a mapspace with one choice of what is kept; none where constraints contradict each other."""
    if space.placement == "uneven":
        yield from uneven_classes(layer, chip, keeping, space.factors)
        return
    nest = even_nest(chip, keeping)
    base = all_codes(layer, nest)
    if not isinstance(base, str):
        yield from even_classes(layer, nest, base)


def size_of(layer: Layer, chip: Accelerator, space: Mapspace) -> float:
    """Orders of nodes x tile sizes x bypass; each has all its loop orders."""
    total = 0.0
    for keeping in keepings(layer, chip):
        for nest in nests_of(chip, keeping, space):
            codes = all_codes(layer, nest)
            if not isinstance(codes, str):
                sizes = axis_sizes(nest)
                total += prod(
                    float(count_chains(e, e, codes[d], sizes, space.factors)) for d, e in layer.dims.items()
                )
    return total
