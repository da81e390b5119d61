"""NetAdapt, as published: simplify one layer at a time until the network meets its budget.

T.-J. Yang, A. Howard, B. Chen, X. Zhang, A. Go, M. Sandler, V. Sze, H. Adam, "NetAdapt: Platform-Aware Neural Network
Adaptation for Mobile Applications", ECCV 2018, Algorithm 1:

    i = 0, Res_0 = resources of the network
    while Res_i > Bud:
        Con = Res_i - dR_i
        for each layer k:                                       # one proposal each
            keep as many filters as meet Con                    # choose the number of filters
            keep the most important ones                        # choose which filters
            short-term fine-tune
        the proposal with the highest accuracy becomes network i + 1
    long-term fine-tune

`together` adds to each iteration's proposals one in which every layer gives the same share of its filters. Layers that
cannot save a whole step alone, as those that many steps have passed over, take part in it.

A "layer" is a channel group here: layers that residual sums, depthwise layers or gates tie shrink together. Accuracy
is that on the hold-out, which nothing trains on.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from chipwise.adapt.netadapt.search import Proposal, Search, widest
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.uniform import uniform
from chipwise.adapt.resource import Resource
from chipwise.adapt.result import Result
from chipwise.adapt.run_state import Options
from chipwise.adapt.task import Task


def netadapt(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    **options: Unpack[Options],
) -> Result:
    """The network adapted to a budget, with the family of networks along the way.

    Args:
        model: a trained torch.nn.Module; left as it was.
        task: data, loss, metric and the steps of fine-tuning.
        wanted: the budget: per resource a fraction of the start or a quantity; several hold together.
        settings: of the search.
        options: see `run_state.Options`: resources to tell besides, the folder, who is told, a name in files.

    Raises:
        InputError: nothing in the network can be removed; a bad budget. BudgetError: a budget below reach, with
            the least that can be reached. TrainingError: a loss that is no number.
    """
    return Search.of("netadapt", model, task, wanted, settings or Settings(), **options).run(_proposals)


def _proposals(search: Search, constraint: Mapping[str, float]) -> Iterator[Proposal]:
    """Per channel group the most filters that meet the constraint; none for a group that cannot meet it alone."""
    for group in search.groups:
        width = widest(search, {}, group, constraint)
        if width is not None:
            yield {group: width}
    if search.settings.together:
        yield from uniform(search, constraint)
