"""Densities that were published for networks of the zoo: one file each in `zoo/densities`, NETWORK.NAME.json."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import zoo
from chipwise.workload.arrays import densities_of, read_values
from chipwise.workload.densities import Densities, parse_densities, read_densities
from chipwise.workload.network import Network

_SUFFIXES = {".json", ".yaml", ".yml"}


def published_names(network: str) -> tuple[str, ...]:
    """Names of the sets of densities that come with a network, whatever its parameters; `published` is the fullest.

    >>> published_names("alexnet")
    ('eyeriss', 'published', 'sparseloop')
    """
    wanted = network.partition("@")[0]
    found = (entry.name.split(".") for entry in _folder().iterdir())
    return tuple(sorted(parts[1] for parts in found if parts[0] == wanted and parts[-1] == "json"))


def published_densities(network: str, name: str = "published") -> Densities:
    """The set of that name.

    Raises:
        InputError: the network has no such set.

    >>> published_densities("alexnet").layers["conv2"]["input"]
    0.613
    """
    known = published_names(network)
    if name not in known:
        has = did_you_mean(name, known) if known else " None are published for it; measure some."
        raise InputError(f"densities {name!r}: network {network!r} has none of that name." + has)
    file = f"{network.partition('@')[0]}.{name}.json"
    return parse_densities(_folder().joinpath(file).read_text(encoding="utf-8"), file)


def find_densities(spec: str, network: Network) -> Densities:
    """What `--densities` names: a set that comes with the network (`published`), or else a file.

    An .npz file holds actual values, arrays called LAYER.TENSOR.

    Raises:
        InputError: neither; a file that cannot be read or has another form.
    """
    if Path(spec).suffix.lower() == ".npz":
        return densities_of(read_values(spec), spec)
    if Path(spec).suffix.lower() in _SUFFIXES or Path(spec).is_file():
        return read_densities(spec)
    known = published_names(network.name)
    if spec in known or len(Path(spec).parts) == 1:
        return published_densities(network.name, spec)
    raise InputError(
        f"densities {spec!r}: files of densities end in .json, .yaml or .yml, files of values in .npz"
    )


def _folder() -> Traversable:
    return files(zoo).joinpath("densities")
