"""The one way from what a user names to a chip that is complete: parts, constraints and energies."""

from pathlib import Path

from chipwise.components.csv_table import read_csv_table
from chipwise.components.energies import with_energies
from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import not_in_macs
from chipwise.components.registry import energy_table, most_accurate
from chipwise.components.scaling import Scaled
from chipwise.errors import InputError, did_you_mean
from chipwise.hardware import gallery
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.chip_file import read_chip
from chipwise.yamlfile import Document, load_yaml, parse_yaml

_ACCEPTED = "a chip's name, or the path of a .yaml or .yml file"


def gallery_names() -> tuple[str, ...]:
    """Names of the chips that chipwise brings, sorted.

    >>> "eyeriss" in gallery_names()
    True
    """
    return gallery.names()


def load_accelerator(source: str | Path | Accelerator) -> Accelerator:
    """The chip that `source` names, with an energy for every action.

    Args:
        source: a name from the gallery (case, `-` and `_` do not matter), the path of a YAML file, or a chip,
            which comes back as it is.

    Raises:
        InputError: an unknown name, a file of another type, or a file with a mistake.

    >>> load_accelerator("eyeriss").pes
    168
    """
    if isinstance(source, Accelerator):
        return source
    if not isinstance(source, str | Path):
        raise InputError(f"accelerator = {source!r} cannot be loaded; give {_ACCEPTED}, or an Accelerator")
    path = Path(source)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return accelerator_from(load_yaml(path), path.parent)
    name = str(source)
    known = gallery.find(name)
    if known is not None:
        # Named after the chip, not after its place: sources of energies must not differ between machines.
        return accelerator_from(parse_yaml(gallery.text(known), f"{known}.yaml"))
    if len(path.parts) > 1 or path.suffix:
        raise InputError(f"accelerator {name!r}: a file must end in .yaml or .yml")
    raise InputError(
        f"accelerator {name!r} is not known; give {_ACCEPTED}." + did_you_mean(name, gallery.names())
    )


def accelerator_from(document: Document, folder: Path | None = None) -> Accelerator:
    """The chip in a parsed file, with an energy for every action and the areas that can be estimated.

    Args:
        document: the file.
        folder: where the file lies, and the tables that it names; None: it lies nowhere and may name none, so that
            a chip sent from elsewhere reads no files here.
    """
    chip = read_chip(document)
    others = most_accurate()
    table: AbstractEstimator = others
    note = "; the most accurate estimator, as the chip names no table"
    if chip.table is not None:
        note = ""
        try:
            table = _table(chip.table, chip.mac_pj, folder)
        except InputError as error:
            raise InputError(f"{chip.energy_place}: {error}") from None
        if chip.scaled:
            table = Scaled(table)
    return with_energies(
        chip.accelerator,
        table,
        chip.places,
        note,
        others=others,
        compounds=chip.compounds,
        estimate_leakage=chip.estimate_leakage,
    )


def _table(name: str, mac_pj: float | None, folder: Path | None) -> AbstractEstimator:
    """An estimator by its name, or a user's table by its path beside the chip file."""
    if Path(name).suffix.lower() != ".csv":
        return energy_table(name, mac_pj)
    not_in_macs(name, mac_pj)
    if folder is None:
        raise InputError(f"energy table {name!r} is a file, and this chip is none that it could lie beside")
    return read_csv_table(folder / name)
