"""Eyeriss, the chip: how it maps a convolution, and what that takes in time, traffic and power."""
