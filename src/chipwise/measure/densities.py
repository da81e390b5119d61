"""Densities measured from real data, and the file that keeps them beside their network."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import numpy as np

from chipwise.errors import InputError
from chipwise.measure.zeros import Array, LayerZeros
from chipwise.workload.densities import SCHEMA, Densities

Progress = Callable[[int], None]
"""Told how many images are done."""


@final
@dataclass(frozen=True, slots=True)
class MeasuredDensities:
    """What one pass over real data found: zeros by layer, and how they were obtained."""

    layers: Mapping[str, LayerZeros]
    images: int
    provenance: Mapping[str, Any] = field(default_factory=dict)
    unmeasured: tuple[str, ...] = ()
    """Layers with MACs that the pass did not see: products of activations, recurrent layers."""

    @property
    def densities(self) -> Densities:
        """For `with_densities`."""
        return Densities({name: zeros.densities() for name, zeros in self.layers.items()}, self.source)

    @property
    def source(self) -> str:
        """One line that says where the numbers come from."""
        model = self.provenance.get("model", "a model")
        images = f"{self.images} image{'s'[: self.images != 1]}"
        return f"measured: {model}, {images} of {self.provenance.get('data', 'data')}"

    def to_dict(self) -> dict[str, Any]:
        """As a file of densities (chipwise.densities/1), with statistics and provenance under `measured`."""
        found = self.densities
        return {
            "schema": SCHEMA,
            "source": found.source,
            "layers": {name: dict(tensors) for name, tensors in found.layers.items()},
            "measured": {
                "images": self.images,
                "padding": "not counted",
                **self.provenance,
                "unmeasured": list(self.unmeasured),
                "layers": {name: zeros.to_dict() for name, zeros in self.layers.items()},
            },
        }


def measure_densities(
    module: Any,
    batches: Iterable[Any],
    *,
    limit: int | None = None,
    data: str = "data given in Python",
    progress: Progress | None = None,
) -> MeasuredDensities:
    """Densities of the weights and activations of a torch.nn.Module, over one pass in evaluation mode.

    Layers go by the names that `load_network(module, ...)` gives them. The output of a layer is taken after the
    activation (and normalisation) that follows it; padding is not counted.

    Args:
        module: the model; its mode is put back, its weights are only read.
        batches: tensors or arrays (N, ...), or tuples of arguments; a tuple's first holds N.
        limit: stop after that many images.
        data: what the data is, for the record.
        progress: told how many images are done.

    Raises:
        InputError: no batches, NaN in a tensor, a forward that raises.
        MissingExtra: no PyTorch.
    """
    from chipwise.measure.torch_zeros import measure_module  # noqa: PLC0415 - an extra

    return measure_module(module, batches, limit=limit, data=data, progress=progress)


def provenance(model: str, digest: str, data: str, packages: Sequence[str], **more: Any) -> dict[str, Any]:
    """What must be known to measure the same again."""
    return {
        "model": model,
        "model_sha256": digest,
        "data": data,
        **more,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "versions": {name: version(name) for name in ("chipwise", "numpy", *packages)},
    }


def sha256_of(path: Path) -> str:
    """Of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def images_in(batch: Array) -> int:
    """Extent of the first axis.

    Raises:
        InputError: there is no such axis, or nothing along it.
    """
    if not batch.ndim or not len(batch):
        raise InputError(f"a batch of shape {batch.shape} has no images; its first axis counts them")
    return len(batch)


def as_array(values: Any) -> Array:
    """A batch as numbers.

    Raises:
        InputError: it holds anything else, or values that are not finite.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise InputError(f"a batch of type {array.dtype} must hold numbers")
    if array.dtype.kind == "f" and not bool(np.isfinite(array).all()):
        raise InputError("a batch has values that are not finite (NaN or infinity); mend or remove them")
    return array
