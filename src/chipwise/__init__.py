"""chipwise: what a deep neural network costs on a chip, why, and what to change."""

__version__ = "0.1.0"
