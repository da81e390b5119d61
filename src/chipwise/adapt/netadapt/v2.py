"""NetAdaptV2: a super-network trained by ordered dropout, then multi-layer coordinate descent.

T.-J. Yang, Y.-L. Liao, V. Sze, "NetAdaptV2: Efficient Neural Architecture Search with Fast Super-Network Training and
Architecture Optimization", CVPR 2021:

    train the super-network with ordered dropout
    while Res_i > Bud:
        for j in 1 ... J:                                     # samples
            draw L layers; each saves dR_i / L, by fewer filters or a smaller kernel
            take the weights from the super-network           # no training
        the sample with the highest accuracy becomes network i + 1
    train the final network

What a sample may shrink: channel groups, kernels, and the filters of bypassed layers (`networks.bypass`), by which
layers vanish altogether. Batch normalisation is recalibrated for each sample, since a super-network's statistics are a
mixture. With `short_steps` above 0 samples are fine-tuned as well, for networks that are no super-network.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from chipwise.adapt.filters import recalibrate
from chipwise.adapt.netadapt.knobs import Changes, shapes_after
from chipwise.adapt.netadapt.search import Search, widest
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.supernet import ordered_dropout
from chipwise.adapt.resource import Resource
from chipwise.adapt.result import Result
from chipwise.adapt.run_state import Options, settled
from chipwise.adapt.task import Task


def netadapt_v2(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    **options: Unpack[Options],
) -> Result:
    """The network adapted to a budget in width, depth (where it has bypassed layers) and kernel size.

    Arguments, result and errors as `netadapt`; filters stay in order, as the super-network was trained, and samples are
    not fine-tuned unless `short_steps` says so.
    """
    settings = settings or Settings()
    own = replace(settings, choice="order", short_steps=settings.short_steps or 0)
    search = Search.of("netadapt-v2", model, task, wanted, own, knobs=True, prepare=super_network, **options)
    return search.run(_samples)


def super_network(model: Any, search: Search) -> Any:
    """A copy of the network that was trained as all its sub-networks at once."""
    trained = copy.deepcopy(model)
    steps = search.settings.supernet_steps
    steps = search.task.long_steps if steps is None else steps
    seed = search.task.seed
    search.told(0.0, "training the super-network")
    with settled(seed), ordered_dropout(trained, search.groups, search.settings.granularity, seed):
        search.task.finetune(trained, steps, seed=seed)
    recalibrate(trained, search.task)
    return trained


def _samples(search: Search, constraint: Mapping[str, float]) -> Iterator[Changes]:
    """J proposals that shrink L drawn groups or knobs each, in equal shares of the step; each proposal once."""
    draw = np.random.default_rng([search.task.seed, search.iteration])
    needs = search.budget.needs(search.shapes)
    layers = min(search.settings.layers, len(search.groups))
    seen: list[Changes] = []
    for _ in range(search.settings.samples):
        sample: dict[Any, int] = {}
        for index in draw.permutation(len(search.groups)):
            share = (len(sample) + 1) / layers
            part = {name: needs[name] - share * (needs[name] - most) for name, most in constraint.items()}
            width = widest(search, sample, search.groups[index], part)
            if width is not None:
                sample[search.groups[index]] = width
            if len(sample) == layers:
                break
        if sample and sample not in seen and search.meets(shapes_after(search.shapes, sample), constraint):
            seen.append(sample)
            yield sample
