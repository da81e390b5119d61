"""`chipwise.adapt`: names in, result out."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipwise.adapt.budget import parse_budget
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.uniform import uniform_width
from chipwise.adapt.netadapt.v1 import netadapt
from chipwise.adapt.netadapt.v2 import netadapt_v2
from chipwise.adapt.prune.methods import energy_aware, magnitude
from chipwise.adapt.resource import AS_IS, Bops, Energy, Latency, Macs, Resource, Size, Weights
from chipwise.adapt.result import Adapted, Result
from chipwise.adapt.run_state import Told, settled, task_facts
from chipwise.adapt.search_folder import SearchFolder
from chipwise.adapt.sources import complete, is_own, make_network
from chipwise.adapt.task import Task
from chipwise.adapt.tasks.load import load_task
from chipwise.errors import ChipwiseError, InputError, Note, did_you_mean
from chipwise.hardware.accelerator import Accelerator

Method = Callable[..., Result]

METHODS: Mapping[str, Method] = {
    "netadapt": netadapt,
    "netadapt-v2": netadapt_v2,
    "uniform": uniform_width,
    "eap": energy_aware,
    "magnitude": magnitude,
}

MAKE_ZEROS = ("eap", "magnitude")
"""Methods whose networks have zeros, of which the survey's estimation and a chip as it is say different things."""

TABLE = ".lut"
"""Ending of lookup tables of measured latencies."""


def adapt(
    model: Any,
    *,
    task: str | Task,
    budget: str | Mapping[str, float | str],
    on: str | Accelerator | Resource | None = None,
    method: str = "netadapt",
    settings: Settings | None = None,
    folder: str | Path | None = None,
    batch: int = 1,
    seed: int = 0,
    base_steps: int | None = None,
    progress: Told | None = None,
) -> Result:
    """A network made to meet a budget on a chip or a device.

    Args:
        model: a trained torch.nn.Module, `package.module:function` that gives one, or the name of a network of
            chipwise (`bypass`, `inverted`, `mobile`, `plain`, `residual`), which is trained first.
        task: a Task, or its name: `digits`, `images:FOLDER`, `cifar:FOLDER`, `mnist:FOLDER`, `module:function`.
        budget: as "latency=0.5,weights=100000" or a mapping; a fraction of the start, or a quantity with its unit.
        on: a chip (gallery name, .yaml, or loaded), which gives modelled `latency` and, per input, `energy`, in which
            zeros save what the survey's estimation says, and `energy-as-is`, what they save on the chip as its file
            describes it; a lookup table of measured latencies (.lut); None for macs, weights, size and bops alone.
        method: `netadapt`, `netadapt-v2`, `uniform`, `magnitude`, `eap`.
        settings: of the search.
        folder: where the result goes and every iteration is kept; a search that was ended goes on there, and another
            one is refused.
        batch: inputs at once on a chip.
        seed: of the data, the training and the search.
        base_steps: of training a network of chipwise's; by default the task's.
        progress: called with (share of the way to the budget, what was done).

    Raises:
        InputError: a bad name or value; a folder that cannot be used. BudgetError: a budget below reach.
        TrainingError: a loss that is no number.
    """
    if method not in METHODS:
        raise InputError(f"method {method!r} is not known." + did_you_mean(method, METHODS))
    problem = load_task(task, seed=seed) if isinstance(task, str) else replace(task, seed=seed)
    resources = resources_on(on, batch)
    wanted = _wanted(budget, resources)
    told = progress or (lambda _share, _text: None)
    network, source = _named(model, problem)
    keep = None if folder is None else SearchFolder(folder, problem.example, source=source)
    with nullcontext() if keep is None else keep.alone():
        if is_own(source):
            network = _trained(network, source, problem, base_steps, keep, told)
        asked = {resource.name for resource in wanted}
        watch = [r for r in resources if r.name != AS_IS or method in MAKE_ZEROS or r.name in asked]
        result = METHODS[method](
            network, problem, wanted, settings, watch=watch, folder=keep, progress=told, source=source
        )
        result = _measured(result, resources, problem)
        if folder is not None:
            result.save(folder)
    return result


def resources_on(on: str | Accelerator | Resource | None, batch: int = 1) -> tuple[Resource, ...]:
    """What a budget can be of: on a chip (with energy in both ways), on a measured device, or on none.

    Raises:
        InputError: no such chip or table.
    """
    plain: tuple[Resource, ...] = (Macs(), Weights(), Size(), Bops())
    if on is None:
        return plain
    if isinstance(on, Resource):
        return (on, *plain)
    if isinstance(on, str) and on.endswith(TABLE):
        return (_table(on), *plain)
    return (Latency(on, batch), Energy(on, batch), Energy(on, batch, zeros="chip"), *plain)


def _table(path: str) -> Resource:
    """The lookup table; on the device that it is of, what it lacks is measured."""
    from chipwise.measure.latency.networks import backend_of  # noqa: PLC0415 - measuring stands above adapting
    from chipwise.measure.latency.table import LatencyTable  # noqa: PLC0415

    if not Path(path).exists():
        return LatencyTable.open(path, backend_of("torch"))
    known = LatencyTable.open(path)
    try:
        backend = backend_of(known.provenance["backend"], known.provenance["threads"])
        return LatencyTable.open(path, backend)
    except (ChipwiseError, KeyError) as error:
        # Of another device, or its package is not here: what the table lacks is asked for by name, with the reason.
        return LatencyTable.open(path, why=str(error))


def _wanted(
    budget: str | Mapping[str, float | str], resources: tuple[Resource, ...]
) -> dict[Resource, float | str]:
    text = budget if isinstance(budget, str) else ",".join(f"{k}={v}" for k, v in budget.items())
    return parse_budget(text, resources)


def _named(model: Any, task: Task) -> tuple[Any, str]:
    """The network to begin with and its name; one of chipwise's is untrained yet."""
    if not isinstance(model, str):
        return model, ""
    source = complete(model, task)
    with settled(task.seed):
        return make_network(source), source


def _trained(
    network: Any, source: str, task: Task, base_steps: int | None, keep: SearchFolder | None, told: Told
) -> Any:
    """A network of chipwise's after its training, which is done once per folder."""
    steps = task.base_steps if base_steps is None else base_steps
    asked = {"network": source, "base steps": steps, "task": task_facts(task)}
    if keep is not None and (kept := keep.start(network, asked)) is not None:
        return kept
    told(0.0, f"training {source}")
    with settled(task.seed):
        task.finetune(network, steps)
    if keep is not None:
        keep.keep_start(network, asked)
    return network


def _measured(result: Result, resources: tuple[Resource, ...], task: Task) -> Result:
    """The start and the final network run as a whole on the device, where there is one."""
    measure = getattr(resources[0], "whole", None)
    if measure is None:
        return result

    def timed(point: Adapted) -> Adapted:
        found = measure(point.model, task.example)
        return point if found is None else replace(point, measured={resources[0].name: found})

    start, *others = result.family
    try:
        return replace(result, family=(timed(start), *others), final=timed(result.final))
    except InputError as error:  # the search is done, and its result is worth keeping
        warnings.warn(f"{resources[0].name} of whole networks is not measured: {error}", Note, stacklevel=2)
        return result
