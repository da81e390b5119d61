"""A user's network in YAML: layers and operations by shape, or layers by einsum string, joined by name.

name: tiny
source: optional
input: [3, 32, 32]
layers:
  - name: conv1
    conv: {M: 96, C: 3, H: 227, W: 227, R: 11, S: 11, stride: 4}
  - name: pool1
    pool: {input: [96, 55, 55], window: 3, stride: 2}
  - name: own
    einsum: "O[n,m,p] = I[n,c,p+r] * W[m,c,r]"
    dims: {n: 1, m: 16, c: 8, p: 32, r: 3}
    inputs: [conv1]

The forms are in `network_forms`, and described in docs/networks.md.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, final

from pydantic import AfterValidator, Field

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import network_forms as forms
from chipwise.workload.einsum import parse_einsum
from chipwise.workload.network import INPUT, Network, Node
from chipwise.yamlfile import Document, FileModel, load_yaml, parse_yaml, validated

MAX_LAYERS = 10_000
"""The deepest published networks have about a thousand; beyond this a file is taken for a mistake."""


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("must be one line of visible characters, since tables show it")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
Names = Annotated[list[Name], AfterValidator(partial(forms.counted, most=MAX_LAYERS))]


@final
class LayerEntry(FileModel):
    """A named layer, operation or block in exactly one form; einsum goes with dims."""

    name: Name
    conv: forms.ConvEntry | None = None
    depthwise: forms.DepthwiseEntry | None = None
    fc: forms.FullyConnectedEntry | None = None
    linear: forms.FullyConnectedEntry | None = None
    matmul: forms.MatmulEntry | None = None
    einsum: str | None = None
    attention: forms.AttentionEntry | None = None
    lstm: forms.RecurrentEntry | None = None
    gru: forms.RecurrentEntry | None = None
    pool: forms.PoolEntry | None = None
    activation: forms.ShapeEntry | None = None
    normalization: forms.NormalizationEntry | None = None
    add: forms.ElementwiseEntry | None = None
    multiply: forms.ElementwiseEntry | None = None
    softmax: forms.ShapeEntry | None = None
    concat: forms.ShapeEntry | None = None
    shuffle: forms.ShapeEntry | None = None
    shift: forms.ShapeEntry | None = None
    embedding: forms.EmbeddingEntry | None = None
    resize: forms.ResizeEntry | None = None
    unknown: forms.UnknownEntry | None = None
    dims: dict[str, forms.Extent] | None = None
    inputs: Names | None = None

    @property
    def given(self) -> list[str]:
        """The forms that the entry has; one if it is right."""
        return [form for form in FORMS if getattr(self, form) is not None]

    def build(self) -> tuple[Node, ...]:
        """The nodes that the entry describes, in order."""
        given = self.given
        if len(given) != 1:
            raise InputError(
                f"layer {self.name!r}: needs exactly one of {', '.join(FORMS)}; it has "
                f"{' and '.join(given) or 'none'}"
            )
        if (self.einsum is None) != (self.dims is None):
            raise InputError(f"layer {self.name!r}: einsum and dims go together; give both or neither")
        if self.einsum is not None and self.dims is not None:
            return (parse_einsum(self.name, self.einsum, self.dims),)
        entry = getattr(self, given[0])
        if isinstance(entry, forms.RecurrentEntry | forms.ShapeEntry):
            return entry.build(self.name, given[0])
        nodes: tuple[Node, ...] = entry.build(self.name)
        return nodes


FORMS = tuple(f for f in LayerEntry.model_fields if f not in {"name", "dims", "inputs"})


@final
class NetworkFile(FileModel):
    """A whole file."""

    name: Name
    title: str = ""
    source: str = ""
    input: Annotated[list[forms.Extent], AfterValidator(partial(forms.counted, most=4))] | None = None
    layers: Annotated[list[LayerEntry], AfterValidator(partial(forms.counted, most=MAX_LAYERS))]


def read_network(path: Path) -> Network:
    """The network in the YAML file at `path`, of at most 1 MiB and 10,000 entries.

    Raises:
        InputError: with file:line, field, value, rule and fix.
    """
    return _network(load_yaml(path))


def parse_network(text: str, name: str) -> Network:
    r"""The network that YAML `text` describes; `name` stands for the file in messages.

    >>> parse_network("name: tiny\nlayers: [{name: fc1, fc: {M: 10, C: 4096}}]", "tiny.yaml").macs
    40960
    """
    return _network(parse_yaml(text, name))


def _network(document: Document) -> Network:
    content = validated(document, NetworkFile)
    nodes: list[Node] = []
    inputs: dict[str, tuple[str, ...]] = {}
    ends: dict[str, tuple[str, ...]] = {INPUT: (INPUT,)}
    previous: tuple[str, ...] = (INPUT,)
    # Network checks the names as well, but it cannot say in which line they stand.
    for index, entry in enumerate(content.layers):
        for at, source in enumerate(entry.inputs or ()):
            if source not in ends:
                where = document.where("layers", index, "inputs", at)
                raise InputError(f"{where}: {_unread(content, document, index, source, ends)}")
        with _located(document.where("layers", index, next(iter(entry.given), "name"))):
            built = entry.build()
        for name in {entry.name: None} | {node.name: None for node in built}:
            if name in ends:
                what = "stands for the network's input" if name == INPUT else "is already a layer's"
                where = document.where("layers", index, "name")
                raise InputError(f"{where}: name = {name!r} {what}; choose another")
        given = [ends[source] for source in entry.inputs or ()] or [previous]
        inputs |= _joined(built, given)
        nodes += built
        ends |= {node.name: (node.name,) for node in built}
        last = tuple(node.name for node in built if node.name.endswith(".gates")) or (built[-1].name,)
        previous = ends[entry.name] = last
    return Network(
        name=content.name,
        nodes=tuple(nodes),
        title=content.title,
        source=content.source,
        input_shape=tuple(content.input or ()),
        inputs=_needed(nodes, inputs),
    )


def _joined(nodes: Sequence[Node], given: Sequence[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What each node of an entry reads: `given` holds what each of the entry's inputs stands for.

    Attention takes queries, keys and values in this order, or fewer if they are one. A recurrent product
    reads the state of the step before, which is no node; it goes by the product of the inputs.
    """
    everything = tuple(name for names in given for name in names)
    if len(nodes) == 1:
        return {nodes[0].name: everything}
    found: dict[str, tuple[str, ...]] = {}
    for at, node in enumerate(nodes):
        before = nodes[at - 1].name
        part = node.name.rpartition(".")[2]
        if part == "input":
            found[node.name] = everything
        elif part == "scores":
            found[node.name] = tuple(name for names in given[:2] for name in names)
        elif part == "context":
            values = given[2:] or given[-1:]
            found[node.name] = (before, *(name for names in values for name in names))
        elif part == "gates":
            found[node.name] = (nodes[at - 2].name, before)
        else:
            found[node.name] = (before,)
    return found


def _needed(nodes: Sequence[Node], inputs: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """`inputs` without what `Network` takes for granted: that a node reads the one before it."""
    names = [INPUT, *(node.name for node in nodes)]
    return {name: inputs[name] for before, name in pairwise(names) if inputs[name] != (before,)}


def _unread(
    content: NetworkFile, document: Document, index: int, source: str, known: dict[str, tuple[str, ...]]
) -> str:
    """Why entry `index` cannot read `source`: a cycle, a later layer, or no layer at all."""
    name = content.layers[index].name
    positions = {entry.name: i for i, entry in reversed(list(enumerate(content.layers)))}
    if source not in positions:
        return (
            f"layer {name!r} reads {source!r}, which is neither an earlier layer nor {INPUT!r}."
            + did_you_mean(source, known)
        )
    chain = _chain(content, positions, source, name)
    line = document.where("layers", positions[source], "name").rpartition(":")[2]
    if chain:
        told = ", which reads ".join(repr(link) for link in chain)
        return (
            f"layer {name!r} reads {told}: a cycle, and layers run in order; cut it at one place, or give a "
            "recurrent layer as lstm or gru"
        )
    return (
        f"layer {name!r} reads {source!r}, which stands later (line {line}); layers run in order, so move "
        "it up"
    )


def _chain(content: NetworkFile, positions: dict[str, int], start: str, goal: str) -> list[str]:
    """Names on a path of reads from `start` to `goal`, both included; empty if there is none."""
    came: dict[str, str] = {start: ""}
    waiting = [start]
    while waiting and goal not in came:
        name = waiting.pop()
        at = positions.get(name)
        if at is None:
            continue
        sources = content.layers[at].inputs or ([content.layers[at - 1].name] if at else [])
        for source in sources:
            if source not in came:
                came[source] = name
                waiting.append(source)
    if goal not in came:
        return []
    chain = [goal]
    while came[chain[-1]]:
        chain.append(came[chain[-1]])
    return chain[::-1]


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Put file:line before what is wrong with a layer."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
