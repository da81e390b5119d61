"""Mappings that a study found, kept as JSON beside the validation group that prices them anew.

A search takes minutes, pricing what it found takes none; and what is priced is checked for legality, so that a
stored mapping can't outlive the model that it was found with. `python studies/NAME.py --write` finds them again.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from chipwise.analysis.evaluate import evaluate_mapping
from chipwise.analysis.results import LayerResult
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator
from chipwise.workload.network import Network

Results = Mapping[str, Mapping[str, LayerResult]]
"""Per chip, per layer."""


def stored(file: str) -> dict[str, dict[str, Any]]:
    """Per chip and layer the mapping's lines, `proven` and `gap`; `file` lies in `validations`."""
    text = (files("chipwise.analysis.validations") / file).read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def priced(
    points: Mapping[str, Mapping[str, Any]], chips: Mapping[str, Accelerator], network: Network
) -> Results:
    """The cost of each mapping on its chip.

    Raises:
        InputError: a mapping that is no longer legal, by chip and layer.
    """
    layers = {layer.name: layer for layer in network.layers}

    def price(name: str, layer: str, point: Any) -> LayerResult:
        try:
            return evaluate_mapping(layers[layer], chips[name], "\n".join(point["mapping"]))
        except InputError as error:
            raise InputError(
                f"stored mapping of {layer} under {name}: {error}; run its study again"
            ) from None

    return {
        name: {layer: price(name, layer, point) for layer, point in own.items()}
        for name, own in points.items()
    }
