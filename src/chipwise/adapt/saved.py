"""Networks in files: what shape each layer has (arch.json), its weights (safetensors), and a probe of both.

Nothing in the files is run: the network to begin with comes from chipwise or from the caller, the files give it
other sizes and weights, and the outputs for the stored input must come out as stored.
"""

import copy
import json
from pathlib import Path
from typing import Any

from chipwise.adapt.channel_trace import KNOWN
from chipwise.adapt.extra import nn, torch
from chipwise.adapt.networks.bypass import Bypass
from chipwise.adapt.sources import is_own, make_network
from chipwise.adapt.trace import evaluating
from chipwise.errors import InputError, MissingExtra

ARCHITECTURE, WEIGHTS, PROBE = "arch.json", "weights.safetensors", "probe.safetensors"
SCHEMA = "chipwise.network/1"
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
_SIZED = (*KNOWN, Bypass)


def save_network(model: Any, folder: Path, example: Any, *, source: str = "") -> None:
    """Write a network into a folder, which is made.

    Args:
        model: the network.
        folder: where to.
        example: one input; its shape is that of the probe.
        source: name of the network that this one was cut from; empty for one of the user's own.

    Raises:
        InputError: the folder cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    noise = torch.randn(example.shape, generator=torch.Generator().manual_seed(0))
    with evaluating(model):
        probe = {"input": noise, "output": model(noise).contiguous()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"schema": SCHEMA, "source": source, "layers": _sizes(model)}, indent=1)
        (folder / ARCHITECTURE).write_text(text + "\n", encoding="utf-8")
        _files().save_file(tensors, folder / WEIGHTS)
        _files().save_file(probe, folder / PROBE)
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be written: {error.strerror}") from None


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
        model = _source(folder, arch["source"])
    base = model if isinstance(model, nn.Module) else model()
    return rebuilt(base, folder, arch)


def rebuilt(base: Any, folder: Path, arch: dict[str, Any] | None = None) -> Any:
    """A copy of `base` with the sizes and weights of the folder; as `load` says."""
    arch = _architecture(folder) if arch is None else arch
    model = copy.deepcopy(base)
    layers = {path: module for path, module in model.named_modules() if isinstance(module, _SIZED)}
    if missing := sorted(arch["layers"].keys() ^ layers.keys()):
        raise InputError(
            f"{str(folder)!r} is of another network than the {type(base).__name__} given: they do not both have a "
            f"layer {missing[0]!r}"
        )
    for path, sizes in arch["layers"].items():
        for name, size in sizes.items():
            setattr(layers[path], name, tuple(size) if isinstance(size, list) else size)
    try:
        tensors = _files().load_file(folder / WEIGHTS)
        probe = _files().load_file(folder / PROBE)
    except (OSError, ValueError, _files().error) as error:
        raise InputError(f"{str(folder)!r}: its weights cannot be read: {error}") from None
    _put(model, tensors, folder)
    with evaluating(model):
        found = model(probe["input"])
    if found.shape != probe["output"].shape or not torch.allclose(
        found, probe["output"], rtol=1e-4, atol=1e-5
    ):
        raise InputError(
            f"{str(folder)!r}: the rebuilt network's outputs for the stored input are not those stored; its code or "
            "its files have changed since"
        )
    return model.train(base.training)


def _put(model: Any, tensors: dict[str, Any], folder: Path) -> None:
    own = model.state_dict()
    if missing := sorted(own.keys() ^ tensors.keys()):
        raise InputError(f"{str(folder)!r} is of another network: they do not both have {missing[0]!r}")
    for path, module in model.named_modules():
        prefix = path + "." if path else ""
        for name, value in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(tensors[prefix + name], value.requires_grad))
        for name, _ in list(module.named_buffers(recurse=False)):
            if prefix + name in tensors:
                setattr(module, name, tensors[prefix + name])


def _sizes(model: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path, module in model.named_modules():
        if isinstance(module, _SIZED):
            found[path] = {name: getattr(module, name) for name in _SIZES if hasattr(module, name)}
            planes = {name: getattr(module, name) for name in _PLANES if hasattr(module, name)}
            found[path] |= {name: list(size) for name, size in planes.items() if isinstance(size, tuple)}
    return found


def _architecture(folder: Path) -> dict[str, Any]:
    try:
        arch = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        layers = {
            str(path): {str(name): _size(name, size) for name, size in sizes.items()}
            for path, sizes in arch["layers"].items()
        }
        known = {SCHEMA: {"source": str(arch["source"]), "layers": layers}}
        return known[arch["schema"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{str(folder)!r} holds no network of chipwise ({ARCHITECTURE}, {WEIGHTS}, {PROBE}); `chipwise adapt "
            "--out FOLDER` and Result.save write them"
        ) from None


def _size(name: str, size: Any) -> int | list[int]:
    """A size as it may stand in a file.

    Raises:
        ValueError: it may not.
    """
    if name in _PLANES and isinstance(size, list) and 1 <= len(size) <= 3:
        return [_size(_SIZES[0], one) for one in size]  # type: ignore[misc]  # of a number, a number
    if name in _SIZES and isinstance(size, int) and 0 <= size < 2**31:
        return size
    raise ValueError(name)


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
