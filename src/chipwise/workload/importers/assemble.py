"""From a list of operators to a network: what is free, what is folded and fused, what is named how."""

from collections import Counter
from dataclasses import replace
from math import prod

from chipwise.errors import InputError
from chipwise.workload.importers.graph import MACS, Graph, Operator, Value
from chipwise.workload.importers.nodes import build
from chipwise.workload.importers.patterns import joined
from chipwise.workload.layer import Layer
from chipwise.workload.network import INPUT, Network, Node

FREE = frozenset({"view", "constant", "quantize"})
"""Kinds of operators that cost nothing: other shapes and parts of what is stored, numbers known beforehand."""

_LINEAR = frozenset({"conv", "fc"})
"""Kinds of layers whose weights can hold a scale and a shift."""

MAX_NODES = 20_000
"""As many as a file may describe: far above published networks, below what takes minutes."""


def assemble(graph: Graph, *, allow_unknown: bool = False) -> Network:
    """The network of a graph.

    Batch normalisation, scales and shifts per channel that follow a convolution or fully-connected layer alone
    are folded into its weights; an activation that alone follows a node is fused with it. Both are in
    `Network.fused`, and what costs nothing is in `Network.free`.

    Raises:
        InputError: an unknown operator, unless `allow_unknown`; a shape that is not known; nothing to count.
    """
    if len(graph.operators) > MAX_NODES:
        raise InputError(
            f"network {graph.name!r} has {len(graph.operators):,} operators, the limit is {MAX_NODES:,}; "
            "import a part of it"
        )
    graph = replace(graph, operators=tuple(joined(graph.operators, graph.outputs)))
    return _Assembly(graph, allow_unknown=allow_unknown).network()


def _is_empty(value: Value) -> bool:
    return value.shape is not None and 0 in value.shape


class _Assembly:
    """Walks the operators in order; what is known of a value goes by its key."""

    def __init__(self, graph: Graph, *, allow_unknown: bool) -> None:
        self._graph = graph
        self._allow_unknown = allow_unknown
        self._uses = Counter(
            [v.key for o in graph.operators for v in o.inputs] + [v.key for v in graph.outputs]
        )
        self._readers: dict[str, list[Operator]] = {}
        for operator in graph.operators:
            for value in operator.inputs:
                self._readers.setdefault(value.key, []).append(operator)
        self._origins: dict[str, tuple[str, ...]] = {v.key: (INPUT,) for v in graph.inputs}
        self._bits: dict[str, int] = {}
        self._constants: set[str] = set()
        self._direct: dict[str, str] = {}
        """Values that are exactly what a node computes, so that more can be fused with it."""
        self._nodes: dict[str, Node] = {}
        self._inputs: dict[str, tuple[str, ...]] = {}
        self._fused: dict[str, list[str]] = {}
        self._activated: set[str] = set()
        self._free: list[str] = []
        self._names: Counter[str] = Counter([INPUT])

    def network(self) -> Network:
        for operator in self._graph.operators:
            self._add(operator)
        if not self._nodes:
            raise InputError(f"network {self._graph.name!r} has no operator that computes or moves anything")
        first = next((v.shape for v in self._graph.inputs if v.shape), ())
        return Network(
            name=self._graph.name,
            nodes=tuple(self._nodes.values()),
            title=self._graph.name,
            source=self._graph.source,
            input_shape=first[1:] if len(first) > 1 else first,
            inputs=self._inputs,
            fused={name: tuple(items) for name, items in self._fused.items()},
            free=tuple(self._free),
        )

    def _add(self, operator: Operator) -> None:
        operator = replace(operator, inputs=tuple(self._known(v) for v in operator.inputs))
        if operator.kind in FREE:
            self._pass(operator)
        elif all(v.constant for v in operator.inputs) and operator.kind not in MACS:
            # Done once, before the first input comes: what is stored is the result.
            self._pass(operator, constant=True)
        elif any(_is_empty(v) for v in operator.outputs[:1]):
            self._pass(operator, constant=True)  # no values, as an empty cache
        elif operator.kind == "concat" and len(data := [v for v in operator.inputs if not _is_empty(v)]) == 1:
            self._pass(replace(operator, inputs=tuple(data)))
        elif operator.kind == "pad" and self._is_padding(operator):
            self._pass(operator)
        elif (node := self._foldable(operator)) is not None:
            self._fuse(operator, node)
        else:
            self._build(operator)

    def _known(self, value: Value) -> Value:
        if value.constant:
            self._constants.add(value.key)
        bits = self._bits.get(value.key, value.bits)
        constant = value.key in self._constants or _is_empty(value)
        return replace(value, constant=constant, bits=bits)

    def _pass(self, operator: Operator, *, constant: bool = False) -> None:
        """What reads the outputs reads what this operator read."""
        data = operator.inputs if operator.facts.get("joins") else operator.inputs[:1]
        constant = constant or operator.kind == "constant" or all(v.constant for v in data)
        for value in operator.outputs:
            if constant:
                self._constants.add(value.key)
            self._origins[value.key] = () if constant else self._origin(data)
            bits = operator.facts.get("bits") or (data[0].bits if data else None)
            if bits is not None:
                self._bits[value.key] = bits
        self._free.append(operator.shown)

    def _origin(self, values: tuple[Value, ...]) -> tuple[str, ...]:
        found = (name for v in values if not v.constant for name in self._origins.get(v.key, ()))
        return tuple(dict.fromkeys(found))

    def _is_padding(self, operator: Operator) -> bool:
        """Whether only layers read what is padded: their input plane holds the padding already."""
        readers = self._readers.get(operator.outputs[0].key, [])
        return bool(readers) and all(reader.kind in {"conv", "pool"} for reader in readers)

    def _foldable(self, operator: Operator) -> str | None:
        """The node that this operator becomes a part of, None if it stands for itself."""
        data = [v for v in operator.inputs if not v.constant]
        if len({v.key for v in data}) != 1 or len(data) != 1:
            return None
        name = self._direct.get(data[0].key)
        if name is None or self._uses[data[0].key] != 1:
            return None
        if operator.kind == "activation":
            return name
        if self._nodes[name].kind not in _LINEAR or name in self._activated:
            return None
        if operator.kind == "normalization" and operator.facts["scheme"] == "batch":
            return name
        if (
            operator.kind == "elementwise"
            and operator.facts.get("linear")
            and self._per_channel(operator, data[0])
        ):
            return name
        return None

    def _per_channel(self, operator: Operator, data: Value) -> bool:
        """Whether the parameters that are added or multiplied are one number, or one per output channel."""
        if data.shape is None or operator.outputs[0].shape != data.shape:
            return False
        conv = self._nodes[self._direct[data.key]].kind == "conv"
        from_end = len(data.shape) - 1 - (1 if len(data.shape) > 1 else 0) if conv else 0
        for value in operator.inputs:
            if value.constant and prod(value.shape or ()) > 1:
                shape = value.shape or ()
                if len(shape) <= from_end or shape[-1 - from_end] != prod(shape):
                    return False
        return True

    def _fuse(self, operator: Operator, node: str) -> None:
        self._fused.setdefault(node, []).extend((*operator.facts.get("parts", ()), operator.shown))
        if operator.kind == "activation":
            self._activated.add(node)
        for value in operator.outputs[:1]:
            self._direct[value.key] = node
        for value in operator.outputs:
            self._origins[value.key] = (node,)

    def _build(self, operator: Operator) -> None:
        if operator.kind == "pad":
            operator = replace(operator, kind="shuffle")
        if operator.kind == "unknown" and not self._allow_unknown:
            raise InputError(
                f"layer {operator.name!r}: operator {operator.source} is not known; --allow-unknown "
                "(allow_unknown=True in Python) counts it as the data that it moves"
            )
        pieces = build(self._unused(operator), operator)
        read_inside = {source for piece in pieces for source in piece.reads if isinstance(source, str)}
        for piece in pieces:
            name = piece.node.name
            self._nodes[name] = self._with_bits(piece.node, operator)
            self._names[name] += 1
            sources = [
                self._origin((operator.inputs[s],)) if isinstance(s, int) else (s,) for s in piece.reads
            ]
            self._inputs[name] = tuple(dict.fromkeys(n for names in sources for n in names))
        if "parts" in operator.facts:
            self._fused[pieces[0].node.name] = list(operator.facts["parts"])
        last = tuple(p.node.name for p in pieces if p.node.name not in read_inside)
        for value in operator.outputs:
            self._origins[value.key] = last
        if len(pieces) == 1:
            self._direct[operator.outputs[0].key] = last[0]

    def _unused(self, operator: Operator) -> str:
        """The operator's name, or the first of name.2, name.3, ... that is free for each of its nodes."""
        name, at = operator.name, 1
        while any(used == name or used.startswith(f"{name}.") for used in self._clashing(operator, name)):
            at += 1
            name = f"{operator.name}.{at}"
        self._names[name] += 1
        return name

    def _clashing(self, operator: Operator, name: str) -> tuple[str, ...]:
        if name in self._names:
            return (name,)
        if operator.kind in {"attention", "recurrent"}:
            parts = ("scores", "softmax", "context", "input", "recurrent", "gates")
            return tuple(f"{name}.{part}" for part in parts if f"{name}.{part}" in self._names)
        return ()

    def _with_bits(self, node: Node, operator: Operator) -> Node:
        """The layer with the widths that the source quantises its tensors to."""
        if not isinstance(node, Layer) or len(operator.inputs) < 2:
            return node
        x, w = operator.inputs[:2]
        if x.constant and not w.constant and node.kind == "fc":
            x, w = w, x
        widths = {"input": x.bits, "weight": w.bits, "output": self._output_bits(operator.outputs[0])}
        if not any(widths.values()):
            return node
        return replace(node, tensors=tuple(replace(t, bits=widths[t.name]) for t in node.tensors))

    def _output_bits(self, value: Value) -> int | None:
        """The width to which a single reader quantises a value, at once or after its activation."""
        while value.bits is None:
            readers = self._readers.get(value.key, [])
            if len(readers) != 1 or readers[0].kind not in {"quantize", "activation"}:
                return None
            value = readers[0].outputs[0]
        return value.bits
