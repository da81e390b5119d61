"""The chip that a command asks for: by name or file, and under a dataflow if one is given."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import TYPE_CHECKING

import chipwise

if TYPE_CHECKING:
    from chipwise.hardware.accelerator import Accelerator


def load_chip(name: str, dataflow: str | None) -> "Accelerator":
    """The chip, its array laid by `dataflow` in place of its own rules unless that is None."""
    chip = chipwise.load_accelerator(name)
    if dataflow is None:
        return chip

    from chipwise.hardware.dataflow import with_dataflow

    return with_dataflow(chip, dataflow)
