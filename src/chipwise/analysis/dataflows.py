"""Chips that choose a dataflow layer by layer, and chips that run some layers only."""

from dataclasses import replace

from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.dataflow import with_dataflow
from chipwise.mapper.cache import find
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import names_of
from chipwise.mapper.search import Found
from chipwise.model.cost import Cost, cost
from chipwise.workload.layer import Layer

SHOWN = 4
"""Layers that a refusal names."""


def check_runs(layers: tuple[Layer, ...], chip: Accelerator) -> None:
    """Refuse layers of a kind that the chip is not made for.

    Raises:
        InputError: names the chip, what it runs and the layers.
    """
    refused = [layer for layer in layers if chip.runs and layer.kind not in chip.runs]
    if not refused:
        return
    named = ", ".join(f"{layer.name} ({layer.kind})" for layer in refused[:SHOWN])
    more = f" and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    raise InputError(
        f"chip {chip.name!r} runs {' and '.join(chip.runs)} layers only, not {named}{more}; choose another chip, or "
        "map the layers that it runs one by one (`chipwise map NETWORK:LAYER`)"
    )


def under_each(chip: Accelerator) -> list[Accelerator]:
    """The chip under each dataflow that it chooses among; itself if it has no choice."""
    return [with_dataflow(chip, name) for name in chip.dataflows] or [chip]


def find_under_best(
    layer: Layer,
    chip: Accelerator,
    objective: str = "energy",
    *,
    use_cache: bool = True,
    time_limit_s: float | None = None,
    space: Mapspace | None = None,
) -> tuple[Accelerator, Found]:
    """The best mapping of a layer, under the best of the dataflows that the chip chooses among.

    Each dataflow is searched by itself. The answer is proven if all of them are; if not, its bound is the least of
    theirs.

    Args:
        layer: what is computed.
        chip: what it runs on.
        objective: as for the mapper; several names decide in their order.
        use_cache: as for the mapper.
        time_limit_s: for each dataflow.
        space: as for the mapper.

    Returns:
        The chip as it is under the dataflow chosen (`dataflow` tells which), and what the mapper found.

    Raises:
        InputError: a layer of a kind that the chip does not run. NoMappingError: it fits under no dataflow.
    """
    check_runs((layer,), chip)
    chips = under_each(chip)
    found: list[tuple[tuple[float, ...], Accelerator, Found]] = []
    failures: list[NoMappingError] = []
    for candidate in chips:
        try:
            best = find(
                layer, candidate, objective, use_cache=use_cache, time_limit_s=time_limit_s, space=space
            )
        except NoMappingError as error:
            failures.append(error)
            continue
        found.append((_values(objective, cost(layer, candidate, best.mapping)), candidate, best))
    if not found:
        raise failures[0]
    _, chosen, best = min(found, key=lambda entry: entry[0])
    certificates = [other.certificate for _, _, other in found]
    bound = min(certificate.bound for certificate in certificates)
    certificate = replace(
        best.certificate,
        proven=all(c.proven for c in certificates),
        bound=min(bound, best.certificate.value),
        gap=max(0.0, 1 - bound / best.certificate.value),
        mapspace=sum(c.mapspace for c in certificates),
    )
    return chosen, best if len(chips) == 1 else replace(best, certificate=certificate)


def _values(objective: str, found: Cost) -> tuple[float, ...]:
    """What is minimised, in the order in which it decides."""
    values = {
        "energy": found.energy_pj,
        "latency": found.latency_cycles,
        "edp": found.energy_pj * found.latency_cycles,
        "traffic": float(found.off_chip_bits),
    }
    return tuple(values[name] for name in names_of(objective))
