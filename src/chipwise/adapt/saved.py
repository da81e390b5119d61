"""Networks in files: what shape each layer has (arch.json), its weights (safetensors), and a probe of both.

Nothing in the files is run: the network to begin with comes from chipwise or from the caller, the files give it
other sizes and weights, and the outputs for the stored input must come out as stored.
"""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar, Literal, final

from pydantic import BaseModel, ConfigDict, Field

from chipwise.adapt.channel_trace import KNOWN
from chipwise.adapt.extra import nn, torch
from chipwise.adapt.networks.bypass import Bypass
from chipwise.adapt.sources import is_own, make_network
from chipwise.adapt.trace import run
from chipwise.errors import InputError, MissingExtra
from chipwise.whole_files import beside, write_json

ARCHITECTURE, WEIGHTS, PROBE = "arch.json", "weights.safetensors", "probe.safetensors"
_SIZES = (
    "in_channels",
    "out_channels",
    "groups",
    "in_features",
    "out_features",
    "num_features",
    "num_parameters",
    "filters",
)
_PLANES = ("kernel_size", "padding")
_LEAST_IS_ONE = ("groups", "kernel_size")
_SIZED = (*KNOWN, Bypass)


@final
class Architecture(BaseModel):
    """arch.json, as anybody may have written it: checked before it is used."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    form: Literal["chipwise.network/2"] = Field(alias="schema", default="chipwise.network/2")
    source: str
    weights_sha256: str
    """Of the file of weights: a probe shows that a network is the right one, not that no bit of it has changed."""
    layers: dict[str, dict[str, int | list[int]]]


def save_network(model: Any, folder: Path, example: Any, *, source: str = "") -> None:
    """Write a network into a folder, which is made.

    Args:
        model: the network.
        folder: where to.
        example: one input; its shape and type are those of the probe.
        source: name of the network that this one was cut from; empty for one of the user's own.

    Raises:
        OSError: the folder cannot be written; it may be one that nobody has named, so its user tells of it.
        InputError: a network whose output is no tensor.
    """
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    probe = probed(model, example)
    folder.mkdir(parents=True, exist_ok=True)
    _write_tensors(tensors, folder / WEIGHTS)
    _write_tensors(probe, folder / PROBE)
    known = Architecture(source=source, weights_sha256=_sha256(folder / WEIGHTS), layers=_sizes(model))
    write_json(folder / ARCHITECTURE, known.model_dump(by_alias=True))


def probed(model: Any, example: Any) -> dict[str, Any]:
    """Noise like an example, and what a network says of it.

    Raises:
        InputError: a network whose output is no tensor, or that does not run on noise.
    """
    noise = torch.randn(example.shape, generator=torch.Generator().manual_seed(0))
    # Indices, as embeddings read, have no noise; an example is one by itself.
    given = noise.to(example.dtype) if example.is_floating_point() else example.cpu().clone()
    output = _said(model, given)
    if not isinstance(output, torch.Tensor):
        raise InputError(
            f"network {type(model).__name__!r}: its forward gives a {type(output).__name__}; only networks that give "
            "one tensor can be kept in a folder: wrap it in a module whose forward returns the tensor"
        )
    return {"input": given, "output": output.cpu().contiguous()}


def _said(model: Any, given: Any) -> Any:
    device = next((value.device for value in model.parameters()), given.device)
    return run(model, given.to(device))


def load(folder: str | Path, model: Any = None) -> Any:
    """The network that a folder holds, rebuilt and checked.

    Args:
        folder: as `Result.save` or `chipwise adapt --out` writes it.
        model: the network to begin with, or a function that makes it; needed where it is no network of chipwise.

    Raises:
        InputError: a folder that holds no network, another network to begin with, or other outputs than stored.
    """
    folder = Path(folder)
    arch = _architecture(folder)
    if model is None:
        model = _source(folder, arch.source)
    base = model if isinstance(model, nn.Module) else model()
    return rebuilt(base, folder, arch)


def rebuilt(base: Any, folder: Path, arch: Architecture | None = None) -> Any:
    """A copy of `base` with the sizes and weights of the folder; as `load` says."""
    arch = _architecture(folder) if arch is None else arch
    model = copy.deepcopy(base)
    _resize(model, arch, folder)
    tensors, probe = _read_tensors(folder / WEIGHTS), _read_tensors(folder / PROBE)
    if _sha256(folder / WEIGHTS) != arch.weights_sha256:
        raise InputError(
            f"{str(folder / WEIGHTS)!r}: its weights are not those stored with {ARCHITECTURE} (another SHA-256); the "
            "file has changed since"
        )
    _put(model, tensors, folder)
    _check_outputs(model, probe, folder)
    return model.train(base.training)


def _resize(model: Any, arch: Architecture, folder: Path) -> None:
    """Set what layers say of their sizes; a search only lowers them, so that nothing may be above the base's."""
    own = _sizes(model)
    if missing := sorted(arch.layers.keys() ^ own.keys()):
        raise InputError(
            f"{str(folder)!r} is of another network than the {type(model).__name__} given: they do not both have a "
            f"layer {missing[0]!r}"
        )
    for path, sizes in arch.layers.items():
        module = model.get_submodule(path)
        for name in sorted(sizes.keys() | own[path].keys()):
            size, most = sizes.get(name), own[path].get(name)
            if not _is_within(name, size, most):
                raise InputError(
                    f"{str(folder / ARCHITECTURE)!r}: layer {path!r} with {name} = {size} cannot be cut from that of "
                    f"the {type(model).__name__} given, where it is {most}"
                )
            setattr(module, name, tuple(size) if isinstance(size, list) else size)


def _is_within(name: str, size: Any, most: Any) -> bool:
    if isinstance(size, list) and isinstance(most, list):
        return len(size) == len(most) and all(map(_is_within, [name] * len(size), size, most))
    numbers = isinstance(size, int) and isinstance(most, int)
    return numbers and int(name in _LEAST_IS_ONE) <= size <= most


def _check_outputs(model: Any, probe: dict[str, Any], folder: Path) -> None:
    if probe.keys() != {"input", "output"}:
        raise InputError(
            f"{str(folder / PROBE)!r}: must hold an input and its output; the file has changed since"
        )
    expected = probe["output"]
    try:
        found = _said(model, probe["input"])
    except InputError as error:
        raise InputError(
            f"{str(folder)!r}: the rebuilt network does not run on the stored input; its code or its files have "
            f"changed since ({error})"
        ) from error
    found = found.cpu() if isinstance(found, torch.Tensor) else torch.empty(0)
    # Other machines round otherwise: by few units of the type's last place, in float32 up to 1e-4.
    share = max(1e-4, 8 * torch.finfo(expected.dtype).eps) if expected.is_floating_point() else 0.0
    same = found.shape == expected.shape and found.dtype == expected.dtype
    if not same or not torch.allclose(found, expected, rtol=share, atol=share / 10, equal_nan=True):
        raise InputError(
            f"{str(folder)!r}: the rebuilt network's outputs for the stored input are not those stored; its code or "
            "its files have changed since"
        )


def _put(model: Any, tensors: dict[str, Any], folder: Path) -> None:
    own = model.state_dict()
    if missing := sorted(own.keys() ^ tensors.keys()):
        raise InputError(f"{str(folder)!r} is of another network: they do not both have {missing[0]!r}")

    def stored(module: Any, path: str, name: str, value: Any) -> Any:
        full = f"{path}.{name}" if path else name
        found, shape = tensors[full], _shape(module, name, value)
        if found.shape != shape or found.dtype != value.dtype:
            raise InputError(
                f"{str(folder / WEIGHTS)!r}: {full!r} is {tuple(found.shape)} of {found.dtype}, must be {shape} of "
                f"{value.dtype}; the file has changed since, or is of another network"
            )
        # Cloned: a file's tensors lie anywhere in memory, and sums are done in another order where they are not
        # aligned, so that a search that goes on would come to other bits.
        return found.to(value.device, copy=True)

    for path, module in model.named_modules():
        for name, value in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(stored(module, path, name, value), value.requires_grad))
        for name, value in list(module.named_buffers(recurse=False)):
            if (f"{path}.{name}" if path else name) in tensors:
                setattr(module, name, stored(module, path, name, value))


def _shape(module: Any, name: str, value: Any) -> tuple[int, ...]:
    """What a layer's sizes say of the shape of one of its tensors; of other modules, the shape that it has."""
    if not isinstance(module, KNOWN) or value.dim() == 0:
        return tuple(value.shape)
    if isinstance(module, nn.Linear):
        return (module.out_features, module.in_features)[: value.dim()]
    if hasattr(module, "in_channels"):
        sides = (module.out_channels, module.in_channels)
        first, second = reversed(sides) if module.transposed else sides
        whole = (first, second // module.groups, *module.kernel_size)
        return whole if name == "weight" else (module.out_channels,)
    if hasattr(module, "num_features"):
        return (module.num_features,)
    return (module.num_parameters,) if isinstance(module, nn.PReLU) else tuple(value.shape)


def _sizes(model: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path, module in model.named_modules():
        if isinstance(module, _SIZED):
            found[path] = {name: getattr(module, name) for name in _SIZES if hasattr(module, name)}
            planes = {name: getattr(module, name) for name in _PLANES if hasattr(module, name)}
            found[path] |= {name: list(size) for name, size in planes.items() if isinstance(size, tuple)}
    return found


def _architecture(folder: Path) -> Architecture:
    try:
        return Architecture.model_validate(json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        raise InputError(
            f"{str(folder)!r} holds no network of chipwise ({ARCHITECTURE}, {WEIGHTS}, {PROBE}); `chipwise adapt "
            "--out FOLDER` and Result.save write them"
        ) from None


def _write_tensors(tensors: dict[str, Any], path: Path) -> None:
    with beside(path) as place:
        try:
            _files().save_file(tensors, place)
        except _files().error as error:
            raise OSError(str(error)) from None


def _read_tensors(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _files().load_file(path)
    except (OSError, ValueError, KeyError, _files().error) as error:
        raise InputError(f"{str(path)!r}: its weights cannot be read: {error}") from None
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _source(folder: Path, name: str) -> Any:
    """One of chipwise's own networks; code of others is never run because a file says so."""
    if not is_own(name):
        raise InputError(
            f"{str(folder)!r} was cut from {name or 'a network of your own'}, which is no network of chipwise. Give "
            "the network to begin with: load(folder, model)"
        )
    return make_network(name)


def _files() -> Any:
    try:
        import safetensors  # noqa: PLC0415 - part of the extra
        import safetensors.torch as files  # noqa: PLC0415
    except ModuleNotFoundError as missing:  # pragma: no cover - the extra is installed where this is tested
        raise MissingExtra("saving networks needs safetensors: pip install 'chipwise[torch]'") from missing
    files.error = safetensors.SafetensorError
    return files
