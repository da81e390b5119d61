"""The loop of NetAdapt's versions: constraints that tighten step by step, proposals, and the best of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Unpack

from chipwise.adapt.budget import budget
from chipwise.adapt.channels import ChannelGroup, channel_groups
from chipwise.adapt.extra import torch
from chipwise.adapt.filters import chosen, recalibrate
from chipwise.adapt.netadapt.knobs import Changes, Knob, changed, knobs_of, shapes_after
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.resource import Resource
from chipwise.adapt.result import Adapted, Result, Row
from chipwise.adapt.run_state import Options, RunState, settled
from chipwise.adapt.shapes import LayerShape, layer_shapes
from chipwise.adapt.task import Task

Proposal = Changes
"""How many units of some groups remain."""

Proposer = Callable[["Search", Mapping[str, float]], Iterable[Proposal]]
"""Proposals for a network that meet a constraint, by resource name."""

SMALLEST_STEP = 1e-3
"""Of the start: when no proposal saves even that, nothing does."""

STUCK = (
    "no change that it may make saves any more; ask for at least that, or allow finer ones (--granularity)"
)


class Search:
    """The state of a search: the network of this iteration, with its groups and shapes."""

    def __init__(self, state: RunState, settings: Settings, *, knobs: bool) -> None:
        self.state, self.settings = state, settings
        self.task, self.budget, self.told = state.task, state.budget, state.told
        self.groups: tuple[ChannelGroup | Knob, ...] = ()
        self.shapes: tuple[LayerShape, ...] = ()
        self._knobs = knobs

    @classmethod
    def of(
        cls,
        method: str,
        model: Any,
        task: Task,
        wanted: Mapping[Resource, float | str],
        settings: Settings,
        *,
        knobs: bool = False,
        prepare: Callable[[Any, Search], Any] | None = None,
        **options: Unpack[Options],
    ) -> Search:
        """A search at its beginning, or where its folder says that it was; as `v1.netadapt` says.

        `knobs` adds kernels and bypassed layers to what may change; `prepare` trains the network to begin with.
        """
        limits = budget(wanted, layer_shapes(model, task.example))
        state = RunState(method, model, task, limits, {"settings": asdict(settings)}, options)
        self = cls(state, settings, knobs=knobs)
        # What can be reached is known before anything is trained.
        self._look_at(model, verify=True)
        self._refuse_out_of_reach()
        state.open(model)
        if not self.family:
            if prepare is not None:
                model = prepare(model, self)
            scores = task.evaluate(model), task.evaluate(model, "test")
            state.keep(Adapted("start", model, state.needs(self.shapes), *scores), None)
        self._look_at(self.network)
        return self

    @property
    def family(self) -> Sequence[Adapted]:
        """From the network to begin with to that of this iteration."""
        return self.state.family

    @property
    def network(self) -> Any:
        """The network of this iteration."""
        return self.family[-1].model

    @property
    def iteration(self) -> int:
        """From 0."""
        return len(self.family) - 1

    def run(self, propose: Proposer) -> Result:
        """Iterate until the budget is met, then fine-tune for long."""
        halvings = 0
        while not self.budget.met(self.shapes) and self.iteration < self.settings.most_iterations:
            began = time.perf_counter()
            with settled(self.task.seed * 1000 + self.iteration):
                constraint = self._constraint(halvings)
                tried = [self._tried(proposal) for proposal in propose(self, constraint)]
            if not tried:
                halvings += 1
                if self.settings.step(self.iteration) / 2**halvings < SMALLEST_STEP:
                    self.budget.refuse(self.family[-1].needs, STUCK)
                continue
            halvings = 0
            proposal, best = min(tried, key=lambda one: self._rank(one[1]))
            best = replace(best, needs=self.state.needs(shapes_after(self.shapes, proposal)))
            row = self._row(constraint, tried, (proposal, best), time.perf_counter() - began)
            self.state.keep(best, row)
            self._look_at(best.model)
        if not self.budget.met(self.shapes):
            most = self.settings.most_iterations
            ended = (
                f"it ended after {most} iterations, its most (most_iterations); take larger steps (--step)"
            )
            self.budget.refuse(self.family[-1].needs, ended)
        return self._finished()

    def _constraint(self, halvings: int) -> dict[str, float]:
        """Con_j = Res_j - dR_j, not below the budget; a resource within its budget may rise up to it."""
        step = self.settings.step(self.iteration) / 2**halvings
        needs = self.budget.needs(self.shapes)
        return {
            x.resource.name: max(x.most, needs[x.resource.name] - step * x.start) for x in self.budget.limits
        }

    def meets(self, shapes: Sequence[LayerShape], constraint: Mapping[str, float]) -> bool:
        """Whether a network needs at most what the constraint leaves of each resource."""
        needs = self.budget.needs(shapes)
        return all(needs[name] <= most * (1 + 1e-9) for name, most in constraint.items())

    def _tried(self, proposal: Proposal) -> tuple[Proposal, Adapted]:
        """The proposal as a network: filters chosen, cut, fine-tuned for short, evaluated on the hold-out."""
        inputs = self.task.train.batch(torch.arange(min(64, len(self.task.train))))[0]
        choice = self.settings.choice
        groups = {g: n for g, n in proposal.items() if isinstance(g, ChannelGroup)}
        keep = {g: chosen(self.network, g, n, choice, inputs) for g, n in groups.items()}
        model = changed(self.network, keep, proposal)
        steps = self.task.short_steps if self.settings.short_steps is None else self.settings.short_steps
        if steps:
            # All proposals of one iteration see the same batches, so that they are compared on equal data.
            self.task.finetune(model, steps, seed=self.task.seed * 1000 + self.iteration)
        else:
            recalibrate(model, self.task)
        needs = self.budget.needs(shapes_after(self.shapes, proposal))
        found = Adapted(f"iteration {self.iteration + 1}", model, needs, self.task.evaluate(model))
        self.told(self.state.share(needs), f"{_words(proposal)}: {found.holdout.metric:.1%}")
        return proposal, found

    def _rank(self, found: Adapted) -> tuple[float, float]:
        """Less is better."""
        if self.settings.select == "loss":
            return found.holdout.loss, -found.holdout.metric
        if self.settings.select == "accuracy":
            return -found.holdout.metric, found.holdout.loss
        before = self.family[-1]
        saved = sum(
            (before.needs[x.resource.name] - found.needs[x.resource.name]) / x.start
            for x in self.budget.limits
        )
        # Accuracy that rises would prefer the smaller saving; all of it counts as no loss.
        drop = max(before.holdout.metric - found.holdout.metric, 1e-4)
        return drop / max(saved, 1e-12), found.holdout.loss

    def _row(
        self, constraint: Row, tried: Sequence[tuple[Proposal, Adapted]], best: Any, seconds: float
    ) -> dict[str, Any]:
        return {
            "iteration": self.iteration + 1,
            "constraint": dict(constraint),
            "kept": _plain(best[0]),
            "needs": dict(best[1].needs),
            "holdout": asdict(best[1].holdout),
            "proposals": [
                {"kept": _plain(p), "needs": dict(a.needs), "holdout": asdict(a.holdout)} for p, a in tried
            ],
            "seed": self.task.seed,
            "seconds": round(seconds, 3),
        }

    def _look_at(self, model: Any, *, verify: bool = False) -> None:
        """Derive groups and shapes of a network; groups of one unit, or of a granule, have nothing to give."""
        found = channel_groups(model, self.task.example, verify=verify, needed=not self._knobs)
        knobs = knobs_of(model) if self._knobs else ()
        self.groups = (*(group for group in found if not group.held), *knobs)
        self.shapes = layer_shapes(model, self.task.example)

    def _refuse_out_of_reach(self) -> None:
        least = {group: self.widths(group)[-1] for group in self.groups if self.widths(group)}
        shapes = shapes_after(self.shapes, least)
        known = self.budget.falling
        if not known.met(shapes):
            known.refuse(known.needs(shapes))

    def widths(self, group: ChannelGroup | Knob) -> tuple[int, ...]:
        """Widths below the present one, multiples of the granularity, widest first."""
        if isinstance(group, Knob):
            return group.values(self.settings.granularity)
        grain = min(self.settings.granularity, group.size)
        return tuple(n for n in range(group.size - 1, 0, -1) if n % grain == 0)

    def _finished(self) -> Result:
        final = self.state.final()
        if final is None:
            steps = self.settings.long_steps
            model = self.state.tuned(self.task.long_steps if steps is None else steps)
            scores = self.task.evaluate(model), self.task.evaluate(model, "test")
            final = Adapted("final", model, self.family[-1].needs, *scores)
            self.state.keep_final(final)
        return self.state.result(final)


def widest(
    search: Search, given: Proposal, group: ChannelGroup | Knob, constraint: Mapping[str, float]
) -> int | None:
    """The most units of `group` that meet the constraint beside what is `given`; None where none do.

    All widths are tried from the widest on: latency is a staircase and need not fall with every filter.
    """
    for width in search.widths(group):
        if search.meets(shapes_after(search.shapes, {**given, group: width}), constraint):
            return width
    return None


def _words(proposal: Proposal) -> str:
    return ", ".join(f"{group.name} {group.size} to {width}" for group, width in proposal.items())


def _plain(proposal: Proposal) -> dict[str, list[int]]:
    """By group: units kept, and of how many."""
    return {group.name: [width, group.size] for group, width in proposal.items()}
