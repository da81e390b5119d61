"""Evaluate layers and networks: map exactly, cost the mapping, keep the user's names."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import accumulate
from math import inf
from pathlib import Path

from chipwise.analysis.dataflows import check_runs, find_under_best, under_each
from chipwise.analysis.results import EvaluationResult, LayerResult
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import names_of
from chipwise.mapper.search import Found, front
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping
from chipwise.mapping.text import parse
from chipwise.model.cost import cost
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network
from chipwise.workload.network import Network

Progress = Callable[[int, int, str], None]
"""Called with (layers done, layers in all, name of the layer just done)."""


def evaluate_mapping(layer: Layer, chip: str | Path | Accelerator, mapping: Mapping | str) -> LayerResult:
    """Cost of a given mapping.

    Args:
        layer: what is computed.
        chip: an accelerator, a gallery name or a YAML file.
        mapping: a mapping, or its text as `chipwise map` prints it.

    Raises:
        InputError: the mapping is illegal; the message names the node and the rule.
    """
    accelerator = load_accelerator(chip)
    if isinstance(mapping, str):
        mapping = parse(mapping, layer, accelerator)
    check(layer, accelerator, mapping)
    return LayerResult(layer, accelerator, mapping, cost(layer, accelerator, mapping))


def find_mapping(
    layer: Layer,
    chip: str | Path | Accelerator,
    objective: str = "energy",
    *,
    mapspace: str = "even",
    factors: str = "spatial",
    use_cache: bool = True,
    time_limit_s: float | None = None,
) -> LayerResult:
    """The best mapping of the mapspace, with its cost and certificate.

    Args:
        layer: what is computed.
        chip: an accelerator, a gallery name or a YAML file.
        objective: "energy", "latency", "edp", "traffic" (off-chip bits), or several in the order in which they
            decide ("latency,edp"); latency and traffic alone break ties by energy.
        mapspace: "uneven" (each tensor's tiles on their own) or "even" (all tensors of a level share a boundary).
        factors: "perfect" (loops divide), "spatial" (residuals on the axes), "imperfect" (everywhere) or "any"
            (all tile sizes, for small layers).
        use_cache: take (and keep) mappings found before for the same question.
        time_limit_s: stop then, with the best mapping so far and its proven gap.

    Raises:
        NoMappingError: nothing legal fits; the message names the constraint.
    """
    accelerator = load_accelerator(chip)
    space = Mapspace(mapspace, factors)
    chosen, found = find_under_best(
        layer, accelerator, objective, use_cache=use_cache, time_limit_s=time_limit_s, space=space
    )
    return _result(layer, chosen, found)


def find_front(
    layer: Layer,
    chip: str | Path | Accelerator,
    *,
    mapspace: str = "even",
    factors: str = "spatial",
    time_limit_s: float | None = None,
) -> list[LayerResult]:
    """The exact Pareto front of energy against latency, from the least energy to the least latency.

    Args:
        layer: what is computed.
        chip: an accelerator, a gallery name or a YAML file.
        mapspace: as for `find_mapping`.
        factors: as for `find_mapping`.
        time_limit_s: stop then; the last point is then not proven, and points behind it are missing.

    Raises:
        NoMappingError: nothing legal fits; the message names the constraint.
    """
    accelerator = load_accelerator(chip)
    check_runs((layer,), accelerator)
    points = [
        _result(layer, chip_under, found)
        for chip_under in under_each(accelerator)
        for found in front(layer, chip_under, time_limit_s, Mapspace(mapspace, factors))
    ]
    points.sort(key=lambda point: (point.energy_pj, point.latency_cycles))
    fastest = list(accumulate((point.latency_cycles for point in points), min, initial=inf))
    # Of several dataflows' fronts those points that are faster than all that need less energy.
    return [point for point, before in zip(points, fastest, strict=False) if point.latency_cycles < before]


def _result(layer: Layer, chip: Accelerator, found: Found) -> LayerResult:
    return LayerResult(layer, chip, found.mapping, cost(layer, chip, found.mapping), found.certificate)


def evaluate(
    network: str | Path | Network,
    chip: str | Path | Accelerator,
    batch: int = 1,
    objective: str = "energy",
    *,
    mapspace: str = "even",
    factors: str = "spatial",
    workers: int | None = None,
    progress: Progress | None = None,
    use_cache: bool = True,
    time_limit_s: float | None = None,
) -> EvaluationResult:
    """Map every layer of a network onto a chip and add up what it costs.

    Layers with equal shapes are mapped once. Operations without MACs are listed, and in no figure. Layers are
    mapped side by side on `workers` cores (all by default); the result does not depend on how many.

    Args:
        network: a zoo name, a YAML file or a Network.
        chip: a gallery name, a YAML file or an Accelerator.
        batch: inputs at once.
        objective: what each layer's mapping minimises, as for `find_mapping`.
        mapspace: which mappings are searched, as for `find_mapping`.
        factors: which tile sizes are searched, as for `find_mapping`.
        workers: threads to use.
        progress: called after each distinct layer.
        use_cache: take (and keep) mappings found before for the same question.
        time_limit_s: for each layer; stop then, with the best mapping so far and its proven gap.

    Raises:
        InputError: bad input. NoMappingError: a layer that fits no way, by name.
    """
    if workers is not None and workers < 1:
        raise InputError(f"workers = {workers} must be at least 1")
    loaded = load_network(network).with_batch(batch)
    accelerator = load_accelerator(chip)
    space = Mapspace(mapspace, factors)
    names_of(objective)
    if not loaded.layers:
        raise InputError(f"network {loaded.name!r} has no layer that does MACs, so there is nothing to map")
    check_runs(loaded.layers, accelerator)
    distinct: dict[object, list[Layer]] = {}
    for layer in loaded.layers:
        distinct.setdefault(layer.shape_key, []).append(layer)
    found: dict[object, tuple[Accelerator, Found]] = {}
    done = 0
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        jobs = {
            pool.submit(
                find_under_best,
                layers[0],
                accelerator,
                objective,
                use_cache=use_cache,
                time_limit_s=time_limit_s,
                space=space,
            ): key
            for key, layers in distinct.items()
        }
        try:
            for job in as_completed(jobs):
                key = jobs[job]
                found[key] = job.result()
                done += len(distinct[key])
                if progress is not None:
                    progress(done, len(loaded.layers), distinct[key][0].name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    layers = {layer.name: _result(layer, *found[layer.shape_key]) for layer in loaded.layers}
    return EvaluationResult(loaded.name, accelerator, batch, objective, layers, loaded.operations)
