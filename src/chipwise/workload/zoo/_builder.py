"""How a network of the zoo is written: each step takes the value it reads and returns the one it makes.

    net = Builder("tiny", input_shape=(3, 32, 32), title="Tiny", source="...")
    x = net.conv("conv1", net.input, 16, 3)
    x = net.fc("fc", net.global_pool("pool", x), 10)
    net.network()

Normalisation and activations right behind a layer are fused into it and are no nodes. Layers keep biases out,
as the field counts weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.errors import InputError
from chipwise.workload import blocks, operations
from chipwise.workload.kinds import conv_output_extent, convolution, fully_connected
from chipwise.workload.network import INPUT, Network, Node

Pair = int | tuple[int, int]


@final
@dataclass(frozen=True, slots=True)
class Value:
    """What a node makes: the node's name, and the shape (channels, height, width) or (tokens, features)."""

    node: str
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        """The first extent."""
        return self.shape[0]

    def part(self, channels: int) -> "Value":
        """Some of the channels, as a split hands them out: no data moves."""
        return Value(self.node, (channels, *self.shape[1:]))

    def cropped(self, *plane: int) -> "Value":
        """The middle of the plane: no data moves."""
        return Value(self.node, (self.channels, *plane))

    def reshaped(self, *shape: int) -> "Value":
        """The same values in another shape: no data moves."""
        return Value(self.node, shape)


def pair(value: Pair) -> tuple[int, int]:
    """One number for both directions, or two.

    >>> pair(3)
    (3, 3)
    """
    return (value, value) if isinstance(value, int) else value


def rounded(channels: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `channels`, at least one and at most a tenth below it.

    Source: how the MobileNet papers scale widths (`make_divisible` in their released code).

    >>> rounded(32 * 0.35), rounded(24 * 1.4), rounded(16 * 0.35)
    (16, 32, 8)
    """
    near = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * channels else near


@final
class Builder:
    """Collects the nodes of a network and what each reads; not data, so neither frozen nor kept."""

    def __init__(
        self,
        name: str,
        *,
        input_shape: tuple[int, ...],
        title: str,
        source: str,
        published: Mapping[str, float] | None = None,
    ) -> None:
        self._name, self._title, self._source = name, title, source
        self._published = published or {}
        self._nodes: list[Node] = []
        self._inputs: dict[str, tuple[str, ...]] = {}
        self.input = Value(INPUT, input_shape)

    def network(self) -> Network:
        """What was built."""
        return Network(
            self._name,
            tuple(self._nodes),
            title=self._title,
            source=self._source,
            input_shape=self.input.shape,
            inputs=dict(self._inputs),
            published=self._published,
        )

    def emit(self, node: Node, shape: tuple[int, ...], *sources: Value) -> Value:
        """Any node, with the shape that it makes."""
        self._nodes.append(node)
        self._inputs[node.name] = tuple(dict.fromkeys(source.node for source in sources))
        return Value(node.name, shape)

    def conv(
        self,
        name: str,
        x: Value,
        filters: int,
        kernel: Pair = 1,
        *,
        stride: Pair = 1,
        padding: Pair | None = None,
        groups: int = 1,
        kind: str = "conv",
    ) -> Value:
        """A convolution; without `padding`, what keeps the plane as it is at stride 1."""
        window, strides = pair(kernel), pair(stride)
        pads = tuple((k - 1) // 2 for k in window) if padding is None else pair(padding)
        plane = self._plane(name, x, window, strides, pads)
        layer = convolution(
            name,
            M=filters,
            C=x.channels,
            plane=plane,
            window=window,
            stride=strides,
            groups=groups,
            kind=kind,
        )
        return self.emit(layer, (filters, *plane), x)

    def depthwise(self, name: str, x: Value, kernel: int, *, stride: int = 1) -> Value:
        """A convolution of each channel by itself."""
        return self.conv(name, x, x.channels, kernel, stride=stride, groups=x.channels)

    def transposed(self, name: str, x: Value, filters: int, kernel: int) -> Value:
        """A transposed convolution with a stride as large as its filter: every input makes a square."""
        layer = convolution(
            name,
            M=filters,
            C=x.channels,
            plane=x.shape[1:],
            window=pair(kernel),
            stride=kernel,
            transposed=True,
        )
        return self.emit(layer, (filters, *(kernel * extent for extent in x.shape[1:])), x)

    def fc(self, name: str, x: Value, features: int) -> Value:
        """A fully-connected layer: of each token of (tokens, features), else of all values at once."""
        tokens, channels = x.shape if len(x.shape) == 2 else (1, prod(x.shape))
        shape = (tokens, features) if len(x.shape) == 2 else (features,)
        return self.emit(fully_connected(name, M=features, C=channels, N=tokens), shape, x)

    def max_pool(
        self, name: str, x: Value, kernel: int, *, stride: int, padding: int = 0, ceil: bool = False
    ) -> Value:
        """Maxima of windows; with `ceil`, the last window may reach beyond the plane."""
        return self._pool(name, x, kernel, stride, padding, ceil=ceil, average=False)

    def average_pool(self, name: str, x: Value, kernel: int, *, stride: int, padding: int = 0) -> Value:
        """Means of windows."""
        return self._pool(name, x, kernel, stride, padding, ceil=False, average=True)

    def global_pool(self, name: str, x: Value) -> Value:
        """The mean of each channel's plane."""
        shape = (x.channels, *(1 for _ in x.shape[1:]))
        return self.emit(operations.global_pool(name, input_shape=x.shape), shape, x)

    def add(self, name: str, *values: Value) -> Value:
        """The sum of values of one shape."""
        return self.emit(self._elementwise(name, values), values[0].shape, *values)

    def scale(self, name: str, x: Value, by: Value) -> Value:
        """The product with a value that is broadcast or of the same shape."""
        node = operations.elementwise(name, shape=x.shape, input_shapes=(x.shape, by.shape))
        return self.emit(node, x.shape, x, by)

    def concat(self, name: str, *values: Value) -> Value:
        """Values side by side along the channels."""
        self._agree(name, [value.shape[1:] for value in values])
        shape = (sum(value.channels for value in values), *values[0].shape[1:])
        return self.emit(operations.concat(name, shape=shape), shape, *values)

    def shuffle(self, name: str, x: Value) -> Value:
        """Channels in another order."""
        return self.emit(operations.shuffle(name, shape=x.shape), x.shape, x)

    def shift(self, name: str, x: Value) -> Value:
        """Channels moved by a pixel."""
        return self.emit(operations.shift(name, shape=x.shape), x.shape, x)

    def upsample(self, name: str, x: Value, factor: int) -> Value:
        """Every pixel repeated `factor` times in both directions."""
        shape = (x.channels, *(factor * extent for extent in x.shape[1:]))
        return self.emit(operations.resize(name, shape=shape, input_shape=x.shape), shape, x)

    def excite(self, name: str, x: Value, squeezed: int) -> Value:
        """Each channel times a factor that two layers make of all channels' means (Hu et al., CVPR 2018)."""
        y = self.global_pool(f"{name}.avgpool", x)
        y = self.conv(f"{name}.fc2", self.conv(f"{name}.fc1", y, squeezed), x.channels)
        return self.scale(f"{name}.scale", x, y)

    def normalization(self, name: str, x: Value, scheme: str = "batch") -> Value:
        """A normalisation that no layer stands before, so that it is not folded into any."""
        scales = x.shape[-1] if len(x.shape) == 2 else None
        node = operations.normalization(name, shape=x.shape, scheme=scheme, scales=scales)
        return self.emit(node, x.shape, x)

    def embedding(self, name: str, rows: int, features: int, tokens: int) -> Value:
        """Rows of a table, one per token of the input."""
        node = operations.embedding(name, rows=rows, features=features, tokens=tokens)
        return self.emit(node, (tokens, features), self.input)

    def attention(
        self,
        name: str,
        query: Value,
        *others: Value,
        heads: int,
        head_dim: int,
        kv_heads: int | None = None,
        cached: int = 0,
    ) -> Value:
        """Scores, softmax and context of queries over as many keys and values, and `cached` older ones.

        `others` are keys and values; without them one projection made all three.
        """
        tokens = query.shape[0]
        scores, softmax, context = blocks.attention(
            name,
            heads=heads,
            head_dim=head_dim,
            query_length=tokens,
            key_length=tokens + cached,
            kv_heads=kv_heads,
        )
        key, value = others or (query, query)
        table = (heads, tokens, tokens + cached)
        x = self.emit(scores, table, query, key)
        x = self.emit(softmax, table, x)
        return self.emit(context, (tokens, heads * head_dim), x, value)

    def lstm(self, name: str, x: Value, hidden: int, *, bidirectional: bool = False) -> tuple[Value, ...]:
        """A recurrent layer over (steps, features): what each direction makes."""
        steps, features = x.shape
        nodes = blocks.lstm(
            name, input_size=features, hidden_size=hidden, steps=steps, bidirectional=bidirectional
        )
        outputs = []
        for product, recurrent, gates in zip(nodes[::3], nodes[1::3], nodes[2::3], strict=True):
            new = self.emit(product, (steps, 4 * hidden), x)
            # The edge from the gates of the step before closes a loop, which a graph of nodes cannot show.
            old = self.emit(recurrent, (steps, 4 * hidden), new)
            outputs.append(self.emit(gates, (steps, hidden), new, old))
        return tuple(outputs)

    def _pool(
        self, name: str, x: Value, kernel: int, stride: int, padding: int, *, ceil: bool, average: bool
    ) -> Value:
        plane = []
        for size in x.shape[1:]:
            extent = conv_output_extent(
                name, "the plane", size, kernel=kernel, stride=stride, padding=padding
            )
            # A window that starts in the padding behind the plane does not count, as in PyTorch and Caffe.
            reaches = extent * stride < size + padding
            rest = (size + 2 * padding - kernel) % stride
            plane.append(extent + (1 if ceil and rest and reaches else 0))
        shape = (x.channels, *plane)
        node = operations.pool(name, shape=shape, input_shape=x.shape, window=pair(kernel), average=average)
        return self.emit(node, shape, x)

    def _elementwise(self, name: str, values: Sequence[Value]) -> Node:
        self._agree(name, [value.shape for value in values])
        return operations.elementwise(name, shape=values[0].shape, operands=len(values))

    def _plane(
        self, name: str, x: Value, window: tuple[int, int], strides: tuple[int, int], pads: tuple[int, ...]
    ) -> tuple[int, ...]:
        return tuple(
            conv_output_extent(name, what, size, kernel=k, stride=u, padding=p)
            for what, size, k, u, p in zip(
                ("height", "width"), x.shape[1:], window, strides, pads, strict=True
            )
        )

    def _agree(self, name: str, shapes: Sequence[tuple[int, ...]]) -> None:
        if len(set(shapes)) != 1:
            raise InputError(
                f"network {self._name!r}: {name!r} joins values of shapes {list(shapes)}, which differ"
            )
