"""How a command maps the layers of a network: its options, passed on in one place, behind a bar that shows progress."""

# ruff: noqa: PLC0415 - what computes is imported when it is needed, so that --help stays quick

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import chipwise
from chipwise.cli.waiting import interruptible

if TYPE_CHECKING:
    from chipwise.analysis.eyexam import Eyexam
    from chipwise.analysis.results import EvaluationResult
    from chipwise.hardware.accelerator import Accelerator
    from chipwise.workload.network import Network


@final
@dataclass(frozen=True, slots=True)
class Search:
    """The options of `chipwise.cli.options` that say what is searched, and how long."""

    batch: int
    mapspace: str
    factors: str
    jobs: int | None
    time_limit: float | None
    objective: str = "energy"
    no_cache: bool = False

    def evaluate(self, network: "Network", chip: "Accelerator") -> "EvaluationResult":
        """`chipwise.evaluate`, which Ctrl-C ends."""
        from chipwise.cli.progress import progress_bar

        with progress_bar(len(network.layers)) as progress:
            return interruptible(
                lambda: chipwise.evaluate(
                    network,
                    chip,
                    self.batch,
                    self.objective,
                    mapspace=self.mapspace,
                    factors=self.factors,
                    workers=self.jobs,
                    progress=progress,
                    use_cache=not self.no_cache,
                    time_limit_s=self.time_limit,
                )
            )

    def examine(self, network: "Network", chip: "Accelerator") -> "Eyexam":
        """`chipwise.eyexam`, which Ctrl-C ends."""
        from chipwise.cli.progress import progress_bar

        with progress_bar(len(network.layers)) as progress:
            return interruptible(
                lambda: chipwise.eyexam(
                    network,
                    chip,
                    self.batch,
                    mapspace=self.mapspace,
                    factors=self.factors,
                    workers=self.jobs,
                    progress=progress,
                    time_limit_s=self.time_limit,
                )
            )
