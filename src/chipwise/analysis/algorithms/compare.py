"""Which algorithm computes a layer with the fewest operations on a CPU or GPU, and what it stores for that."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

from chipwise.analysis.algorithms.algorithm import Algorithm, Cost, Operations, Setting
from chipwise.analysis.algorithms.direct import Direct
from chipwise.analysis.algorithms.fft import Fft
from chipwise.analysis.algorithms.shape import Shape, shape_of
from chipwise.analysis.algorithms.strassen import Strassen
from chipwise.analysis.algorithms.toeplitz import Toeplitz, redundancy
from chipwise.analysis.algorithms.winograd import Winograd
from chipwise.errors import InputError
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network

SCHEMA = "chipwise.algorithms/1"

ALGORITHMS: tuple[Algorithm, ...] = (
    Direct(),
    Toeplitz(),
    Fft(),
    Fft("fft-tiled", is_tiled=True),
    Winograd("winograd-2x2", 2),
    Winograd("winograd-4x4", 4),
    Strassen(),
)
"""In the order of the tables. Toeplitz comes to the operations of direct, so it is cheapest only beside it."""


@final
@dataclass(frozen=True, slots=True)
class AlgorithmResult:
    """One algorithm on one layer; without `cost` where it does not apply, for the reason given."""

    algorithm: str
    cost: Cost | None = None
    operations: Operations = field(default_factory=Operations)
    """Of the whole batch; with the filters' transforms where these are not done beforehand."""
    label: str = ""
    why_not: str | None = None
    redundancy: float | None = None
    """Of a Toeplitz matrix: its values / distinct input values in it."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        if self.cost is None:
            return {"algorithm": self.algorithm, "applies": False, "why_not": self.why_not}
        stages = {
            name: {"multiplications": s.multiplications, "additions": s.additions}
            for name in ("filters", "input", "product", "output")
            for s in [getattr(self.cost, name)]
        }
        return {
            "algorithm": self.algorithm,
            "applies": True,
            "setting": self.label,
            "multiplications": self.operations.multiplications,
            "additions": self.operations.additions,
            "stages": stages,
            "filter_values": self.cost.filter_values,
            "workspace_values": self.cost.workspace_values,
            "redundancy": self.redundancy,
            "details": dict(self.cost.details),
        }


@final
@dataclass(frozen=True, slots=True)
class LayerAlgorithms:
    """All algorithms on one layer, each set for the least weighted sum of its operations."""

    layer: str
    kind: str
    macs: int
    values: tuple[int, int, int]
    """Of input (with padding), filters and output."""
    results: tuple[AlgorithmResult, ...]
    fewest_multiplications: AlgorithmResult
    """Set for multiplications alone, so it may differ from its row in `results`."""
    fewest_weighted: AlgorithmResult
    weights: tuple[float, float] = (1.0, 1.0)

    def weighted(self, result: AlgorithmResult) -> float:
        """The sum of multiplications and additions, each times its weight."""
        return weighted(result.operations, self.weights)

    def result(self, algorithm: str) -> AlgorithmResult:
        """That of the algorithm of that name."""
        return next(r for r in self.results if r.algorithm == algorithm)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        rows = [
            r.to_dict() | ({} if r.cost is None else {"weighted": self.weighted(r)}) for r in self.results
        ]
        return {
            "name": self.layer,
            "kind": self.kind,
            "macs": self.macs,
            "input_values": self.values[0],
            "filter_values": self.values[1],
            "output_values": self.values[2],
            "algorithms": rows,
            "fewest_multiplications": self.fewest_multiplications.to_dict(),
            "fewest_weighted": self.fewest_weighted.algorithm,
        }


def weighted(operations: Operations, weights: tuple[float, float]) -> float:
    """w·multiplications + v·additions.

    >>> weighted(Operations(2, 3), (1.0, 0.5))
    3.5
    """
    return weights[0] * operations.multiplications + weights[1] * operations.additions


def compare_algorithms(
    layers: Layer | Network | Iterable[Layer],
    *,
    weights: tuple[float, float] = (1.0, 1.0),
    filters_beforehand: bool = True,
) -> tuple[LayerAlgorithms, ...]:
    """The operations and the storage of each algorithm, for one layer or for all of a network.

    Args:
        layers: what is computed, with its batch.
        weights: what a multiplication and an addition count in the weighted sum.
        filters_beforehand: whether weights are transformed once and kept, not with every batch.

    Raises:
        InputError: weights below 0 or both 0.

    >>> from chipwise.workload.kinds import conv
    >>> found = compare_algorithms(conv("c", M=64, C=64, P=56, Q=56, R=3, S=3))[0]
    >>> direct, winograd = found.result("direct"), found.result("winograd-2x2")
    >>> direct.operations.multiplications / winograd.operations.multiplications
    2.25
    >>> direct.operations.multiplications / found.result("winograd-4x4").operations.multiplications < 4
    True
    """
    if not (min(weights) >= 0 < max(weights) < float("inf")):
        raise InputError(f"weights = {weights} must be 0 or more, finite, and not both 0")
    chosen = (
        [layers] if isinstance(layers, Layer) else layers.layers if isinstance(layers, Network) else layers
    )
    return tuple(_compared(layer, weights, beforehand=filters_beforehand) for layer in chosen)


def _compared(layer: Layer, weights: tuple[float, float], *, beforehand: bool) -> LayerAlgorithms:
    shape = shape_of(layer)
    if isinstance(shape, str):
        results = _other(layer, shape)
        least = results[0]
    else:
        results = tuple(_best(a, shape, weights, beforehand=beforehand) for a in ALGORITHMS)
        by_product = [_best(a, shape, (1.0, 0.0), beforehand=beforehand) for a in ALGORITHMS]
        least = _first_least(by_product, (1.0, 0.0))
    output = layer.output.volume(layer.dims)
    still = layer.inputs[1].volume(layer.dims) if len(layer.inputs) > 1 else 0
    return LayerAlgorithms(
        layer=layer.name,
        kind=layer.kind,
        macs=layer.macs,
        values=(sum(t.volume(layer.dims) for t in layer.inputs) - still, still, output),
        results=results,
        fewest_multiplications=least,
        fewest_weighted=_first_least(results, weights),
        weights=weights,
    )


def _first_least(results: Iterable[AlgorithmResult], weights: tuple[float, float]) -> AlgorithmResult:
    """Of those that apply; the earlier, simpler one where two are equal."""
    return min((r for r in results if r.cost is not None), key=lambda r: weighted(r.operations, weights))


def _best(
    algorithm: Algorithm, shape: Shape, weights: tuple[float, float], *, beforehand: bool
) -> AlgorithmResult:
    """The algorithm with the setting that takes the least; of equal ones that with fewer additions, then values."""
    reason = algorithm.why_not(shape)
    if reason is not None:
        return AlgorithmResult(algorithm.name, why_not=reason)
    with_filters = not (beforehand and shape.has_fixed_filters)

    def key(setting: Setting) -> tuple[float, int, int]:
        cost = algorithm.cost(shape, setting)
        total = cost.total(with_filters=with_filters)
        return weighted(total, weights), total.additions, cost.workspace_values

    cost = algorithm.cost(shape, min(algorithm.settings(shape), key=key))
    return AlgorithmResult(
        algorithm.name,
        cost=cost,
        operations=cost.total(with_filters=with_filters),
        label=algorithm.label(cost),
        redundancy=redundancy(shape) if algorithm.name == "toeplitz" else None,
    )


def _other(layer: Layer, reason: str) -> tuple[AlgorithmResult, ...]:
    """A layer of another form, of which only the direct way is known here.

    Products of more than two factors take one multiplication less than factors; the first term of each output
    value starts its sum.
    """
    output = layer.output.volume(layer.dims)
    done = Operations(layer.macs * (len(layer.inputs) - 1), max(0, layer.macs - output))
    values = sum(t.volume(layer.dims) for t in layer.inputs[1:])
    direct = AlgorithmResult("direct", cost=Cost(product=done, filter_values=values), operations=done)
    return (direct, *(AlgorithmResult(a.name, why_not=reason) for a in ALGORITHMS[1:]))
