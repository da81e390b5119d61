"""The one way from what a user names to a network."""

from pathlib import Path

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import registry
from chipwise.workload.network import Network
from chipwise.workload.network_file import read_network

_ACCEPTED = "a network's name, or the path of a .yaml or .yml file"


def load_network(source: str | Path | Network) -> Network:
    """The network that `source` names.

    Args:
        source: a name from the zoo (case, `-` and `_` do not matter), the path of a YAML file, or a network.

    Raises:
        InputError: an unknown name, a file of another type, or a file with a mistake.

    >>> load_network("ResNet-50").name
    'resnet50'
    """
    if isinstance(source, Network):
        return source
    if not isinstance(source, str | Path):
        raise InputError(f"network = {source!r} cannot be loaded; give {_ACCEPTED}, or a Network")
    path = Path(source)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return read_network(path)
    name = str(source)
    if registry.find(name) is not None:
        return registry.build(name)
    if path.suffix:
        raise InputError(
            f"network {name!r}: files of type {path.suffix!r} are not read; give {_ACCEPTED} "
            f"(names: {', '.join(registry.names())})"
        )
    if len(path.parts) > 1:
        raise InputError(f"network {name!r}: a path must end in .yaml or .yml")
    raise InputError(
        f"network {name!r} is not known; give {_ACCEPTED}." + did_you_mean(name, registry.names())
    )
