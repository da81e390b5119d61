"""MACs of the MobileNets at every width and resolution that their authors list.

The lists of V1 and V3 round to millions and that of V2 cuts, so that a figure may be off by a million.
"""

from collections.abc import Iterator, Mapping

from chipwise.analysis.validation import Check
from chipwise.workload import registry

SOURCE = "tensorflow/models, research/slim/nets/mobilenet, README of each network"

V1: Mapping[float, Mapping[int, int]] = {
    1.0: {224: 569, 192: 418, 160: 291, 128: 186},
    0.75: {224: 317, 192: 233, 160: 162, 128: 104},
    0.5: {224: 150, 192: 110, 160: 77, 128: 49},
    0.25: {224: 41, 192: 34, 160: 21, 128: 14},
}
V2: Mapping[float, Mapping[int, int]] = {
    1.4: {224: 582},
    1.3: {224: 509},
    1.0: {224: 300, 192: 221, 160: 154, 128: 99, 96: 56},
    0.75: {224: 209, 192: 153, 160: 107, 128: 69, 96: 39},
    0.5: {224: 97, 192: 71, 160: 50, 128: 32, 96: 18},
    0.35: {224: 59, 192: 43, 160: 30, 128: 20, 96: 11},
}
V3: Mapping[str, int] = {
    "mobilenet_v3_large": 217,
    "mobilenet_v3_large@width=0.75": 155,
    "mobilenet_v3_large@minimalistic=true": 209,
    "mobilenet_v3_small": 66,
    "mobilenet_v3_small@width=0.75": 44,
    "mobilenet_v3_small@minimalistic=true": 65,
}
"""Millions of MACs."""

_WIDTH = "listed 2.6 % below what the shapes give, at all four resolutions; the other three widths agree"
_RESOLUTION = "34M is listed; (192/224)^2 of the 41M at 224 is 30M"
_SMALL = "the shapes of the paper's Table 2 give less; at width 0.75 they agree with the list"
DEVIATIONS = {
    **{f"mobilenet_v1@width=0.75,resolution={size}": _WIDTH for size in V1[0.75]},
    "mobilenet_v1@width=0.25,resolution=192": _RESOLUTION,
    "mobilenet_v3_small": _SMALL,
    "mobilenet_v3_small@minimalistic=true": _SMALL,
}


def checks() -> Iterator[Check]:
    """Sixteen points of V1, twenty-two of V2, six of V3."""
    for name, millions in _listed():
        published, macs = 1e6 * millions, registry.build(name).macs
        yield Check(name, "MACs", "MACs", published, macs, 1 / millions, DEVIATIONS.get(name, ""))


def _listed() -> Iterator[tuple[str, int]]:
    for network, table in (("mobilenet_v1", V1), ("mobilenet_v2", V2)):
        for width, sizes in table.items():
            for size, millions in sizes.items():
                yield f"{network}@width={width},resolution={size}", millions
    yield from V3.items()
