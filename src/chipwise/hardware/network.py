"""How an array's network carries a tensor: phrases of a chip file, and what each topology means for words and time.

    phrase (each but unicast and mesh also `along AXIS, ...`)   identical words    first word to the last instance
    unicast                                                     one by one         at once
    bus, multicast (1-D or 2-D by its axes)                     once               at once
    multicast overlapping                                       halos once, too    at once
    forward (systolic: each instance passes words on)           once               n − 1 cycles per axis
    mesh (hierarchical: links of all instances work at once)    once               at once
    reduce                                                      one sum            at once
    reduce chain                                                one sum            n − 1 cycles per axis
    reduce tree                                                 one sum            ceil(log2 n) cycles per axis

`bandwidth` limits what enters or leaves the network of one array instance, and each instance's link. A mesh is given by
its links: in its unicast mode every one brings other words, in its broadcast mode the words of one go to all, so
what bounds it is words sent / (links x instances) and words that an instance needs / link (Eyeriss v2's HM-NoC,
Chen et al., arXiv:1807.07928, section III).
"""

import re
from dataclasses import replace
from functools import partial
from math import ceil, log2, prod
from typing import Any, NoReturn, Protocol, TypeVar

from chipwise import units
from chipwise.errors import did_you_mean
from chipwise.hardware import chip_model as model
from chipwise.hardware.accelerator import Route

T = TypeVar("T")
At = tuple[str | int, ...]

_PHRASE = re.compile(
    r"(unicast|bus|multicast overlapping|multicast|forward|mesh|reduce chain|reduce tree|reduce)(?: +along +(\S.*))?"
)
_WAYS = (
    "unicast", "bus", "multicast", "multicast overlapping", "forward", "mesh", "reduce", "reduce chain",
    "reduce tree", "reduce along rows",
)  # fmt: skip
_EVERYWHERE = ("unicast", "mesh")


class Reader(Protocol):
    """What reads a chip file: it knows the names and says where something is wrong."""

    tensors: tuple[str, ...]
    clock_hz: float
    word_bits: int

    def known(self, name: str, names: Any, what: str, *path: str | int) -> None:
        """Refuse a name that is not among `names`."""

    def quantity(self, parse: Any, value: Any, *path: str | int) -> Any:
        """A value with its unit."""

    def fail(self, path: At, value: object, rule: str) -> NoReturn:
        """Refuse a value."""


def read_route(reader: Reader, level: model.ArrayLevel, tensor: str, phrase: str, path: At) -> Route:
    """The way that `phrase` names, without bandwidths.

    Raises:
        InputError: an unknown way or axis, or one that this tensor cannot take.
    """
    match = _PHRASE.fullmatch(" ".join(phrase.split()))
    if match is None:
        near = did_you_mean(phrase, _WAYS)
        reader.fail(
            path,
            phrase,
            "is no way to travel; write unicast, bus, multicast, multicast overlapping, forward, mesh, reduce, "
            "reduce chain or reduce tree, all but unicast and mesh also with `along AXIS`."
            + (near if near.startswith(" Did") else ""),
        )
    way, along = match[1], match[2]
    if way in _EVERYWHERE and along is not None:
        reader.fail(path, phrase, f"shares nothing along an axis; write `{way}` alone")
    is_output = tensor == reader.tensors[-1]
    if way.startswith("reduce") and not is_output:
        output = reader.tensors[-1]
        reader.fail(path, phrase, f"only {output!r}, the output, is reduced; write multicast for an input")
    if is_output and not way.startswith("reduce") and way not in _EVERYWHERE:
        reader.fail(path, phrase, f"an output is not {way}; write `reduce` or `reduce along AXIS`")
    axes = tuple(level.axes)
    shared = axes if along is None else tuple(a.strip() for a in along.split(","))
    for axis in shared:
        reader.known(axis, axes, "axis", *path)
    if way == "unicast" or (way == "mesh" and is_output):
        return Route()
    sizes = [level.axes[axis].size for axis in shared]
    delay = 0
    if way in ("forward", "reduce chain"):
        delay = sum(size - 1 for size in sizes)
    elif way == "reduce tree":
        delay = sum(ceil(log2(size)) for size in sizes)
    return Route(frozenset(shared), overlapping=way == "multicast overlapping", delay_cycles=delay)


def limited(reader: Reader, level: model.ArrayLevel, tensor: str, route: Route, path: At) -> Route:
    """A route with the bandwidths that the file gives for its tensor; one quantity is that of a mesh's links."""
    given = level.bandwidth[tensor]
    parse = partial(units.bandwidth_bits_per_cycle, clock_hz=reader.clock_hz, word_bits=reader.word_bits)
    mesh = " ".join(level.network.get(tensor, "").split()) == "mesh"
    if isinstance(given, model.NetworkBandwidth):
        network = None if given.network is None else reader.quantity(parse, given.network, *path, "network")
        link = None if given.link is None else reader.quantity(parse, given.link, *path, "link")
    else:
        one = reader.quantity(parse, given, *path)
        network, link = (None, one) if mesh else (one, None)
    if mesh and link is not None and network is None:
        network = link * prod(axis.size for axis in level.axes.values())
    return replace(route, bits_per_cycle=network, link_bits_per_cycle=link)
