"""Small networks for studies and tests: one file each, widths as parameters."""

from chipwise.adapt.networks.bypass import bypass
from chipwise.adapt.networks.inverted import inverted
from chipwise.adapt.networks.mobile import mobile
from chipwise.adapt.networks.plain import plain
from chipwise.adapt.networks.residual import residual

__all__ = ["bypass", "inverted", "mobile", "plain", "residual"]
