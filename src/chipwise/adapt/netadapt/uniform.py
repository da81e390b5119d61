"""The baseline of width multipliers: all channel groups shrink by the same share.

A. Howard et al., "MobileNets", 2017, section 3.3; NetAdapt's paper compares with it. The network is cut from the
trained one and fine-tuned like the others, so that only the widths differ.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from chipwise.adapt.netadapt.knobs import shapes_after
from chipwise.adapt.netadapt.search import Proposal, Search
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.resource import Resource
from chipwise.adapt.result import Result
from chipwise.adapt.run_state import Options
from chipwise.adapt.task import Task


def uniform_width(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    **options: Unpack[Options],
) -> Result:
    """The widest network of uniform width that meets a budget, fine-tuned for long.

    Arguments, result and errors as `netadapt`; of the settings, the steps of fine-tuning, the granularity and the
    choice of filters count.
    """
    return Search.of("uniform", model, task, wanted, settings or Settings(), **options).run(_whole_budget)


def _whole_budget(search: Search, _constraint: Mapping[str, float]) -> Iterator[Proposal]:
    """The one network of uniform width that meets the whole budget."""
    return uniform(search, {limit.resource.name: limit.most for limit in search.budget.limits})


def uniform(search: Search, constraint: Mapping[str, float]) -> Iterator[Proposal]:
    """The largest share of every group's present width that meets the constraint; nothing where none does."""
    steps = {n / group.size for group in search.groups for n in search.widths(group)}
    for share in sorted(steps, reverse=True):
        widths = {group: _width(search, group.size, share) for group in search.groups}
        if search.meets(shapes_after(search.shapes, widths), constraint):
            yield widths
            return


def _width(search: Search, size: int, share: float) -> int:
    grain = min(search.settings.granularity, size)
    return max(grain, int(size * share / grain + 1e-9) * grain)
