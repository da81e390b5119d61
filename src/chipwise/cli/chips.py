"""The chip that a command asks for: by name or file, under a dataflow, and making something of zeros."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import TYPE_CHECKING

import chipwise

if TYPE_CHECKING:
    from chipwise.hardware.accelerator import Accelerator


def load_chip(name: str, dataflow: str | None, zeros: str = "chip") -> "Accelerator":
    """The chip, its array laid by `dataflow` in place of its own rules unless that is None.

    `zeros`: what it does about them itself (`chip`), or what the survey's energy estimation assumes (`estimate`).
    """
    chip = chipwise.load_accelerator(name)
    if dataflow is not None:
        from chipwise.hardware.dataflow import with_dataflow

        chip = with_dataflow(chip, dataflow)
    if zeros == "estimate":
        from chipwise.hardware.zeros import estimating_zeros

        chip = estimating_zeros(chip)
    return chip
