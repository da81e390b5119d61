"""The forms in which a network file gives a layer or an operation, each a model with its `build`."""

from functools import partial
from math import prod
from typing import Annotated, Any, Literal, TypeVar, final

from pydantic import AfterValidator, BeforeValidator, Field

from chipwise.errors import InputError
from chipwise.workload import blocks, operations
from chipwise.workload.kinds import conv_output_extent, convolution, fully_connected, matmul
from chipwise.workload.layer import MAX_EXTENT, Layer
from chipwise.workload.network import Node
from chipwise.yamlfile import FileModel

T = TypeVar("T")

MAX_RANK = 6
"""Most extents of a shape: channels and a plane need four, windowed attention six."""


def _each_way(value: Any, *, least: int) -> Any:
    """A number for all directions, or [height, width], or [depth, height, width]."""
    values = value if isinstance(value, list) and 2 <= len(value) <= 3 else [value]
    if any(type(v) is not int or not least <= v <= MAX_EXTENT for v in values):
        raise ValueError(
            f"must be a whole number of at least {least}, or two of them as [height, width] "
            "(three as [depth, height, width])"
        )
    return tuple(values)


def counted(values: list[T], *, most: int) -> list[T]:
    """`values` if there are 1 to `most`."""
    if not 1 <= len(values) <= most:
        raise ValueError(f"must have 1 to {most} entries, has {len(values)}")
    return values


Extent = Annotated[int, Field(ge=1, le=MAX_EXTENT)]
Step = Annotated[tuple[int, ...], BeforeValidator(partial(_each_way, least=1))]
Padding = Annotated[tuple[int, ...], BeforeValidator(partial(_each_way, least=0))]
Shape = Annotated[list[Extent], AfterValidator(partial(counted, most=MAX_RANK))]
Shapes = Annotated[list[Shape], AfterValidator(partial(counted, most=1000))]


def _spread(name: str, what: str, values: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """One value per direction."""
    if len(values) == 1:
        return values * rank
    if len(values) != rank:
        raise InputError(f"layer {name!r}: {what} = {list(values)} must have one value or {rank}")
    return values


@final
class ConvEntry(FileModel):
    """A convolution with its output plane (P, Q), or its input plane (H, W) and padding; with Z, D and T in 3-D."""

    M: Extent
    C: Extent
    R: Extent
    S: Extent | None = None
    T: Extent | None = None
    P: Extent | None = None
    Q: Extent | None = None
    Z: Extent | None = None
    H: Extent | None = None
    W: Extent | None = None
    D: Extent | None = None
    N: Extent = 1
    padding: Padding = (0,)
    stride: Step = (1,)
    dilation: Step = (1,)
    groups: Extent = 1
    transposed: bool = False

    def build(self, name: str) -> tuple[Layer]:
        """The layer of that name."""
        window = tuple(x for x in (self.T, self.R, self.S) if x is not None)
        if self.T is not None and self.S is None:
            raise InputError(f"layer {name!r}: conv has T but no S; a 3-D filter is T x R x S")
        rank = len(window)
        return (
            convolution(
                name,
                M=self.M,
                C=self.C,
                plane=self._plane(name, window),
                window=window,
                N=self.N,
                stride=_spread(name, "stride", self.stride, rank),
                dilation=_spread(name, "dilation", self.dilation, rank),
                groups=self.groups,
                transposed=self.transposed,
            ),
        )

    def _plane(self, name: str, window: tuple[int, ...]) -> tuple[int, ...]:
        """The output plane; of a transposed convolution the input plane."""
        rank = len(window)
        outputs, inputs = {1: ("P", "H"), 2: ("PQ", "HW"), 3: ("ZPQ", "DHW")}[rank]
        given = {d: v for d in "ZPQDHW" if (v := getattr(self, d)) is not None}
        padded = "padding" in self.model_fields_set
        if set(given) == set(inputs):
            plane = tuple(given[d] for d in inputs)
            if not self.transposed:
                return self._output_plane(name, plane, window, inputs)
            if padded:
                raise InputError(
                    f"layer {name!r}: padding only crops the output of a transposed convolution, which is counted "
                    "whole; delete padding"
                )
            return plane
        if set(given) == set(outputs) and not self.transposed:
            if padded:
                raise InputError(
                    f"layer {name!r}: padding goes with {_and(inputs)}; {_and(outputs)} are already the output "
                    "plane, so delete padding"
                )
            return tuple(given[d] for d in outputs)
        have = ", ".join(given) or "no plane"
        if self.transposed:
            raise InputError(
                f"layer {name!r}: conv has {have}; a transposed one takes {_and(inputs)} (the input plane)"
            )
        raise InputError(
            f"layer {name!r}: conv has {have}; give {_and(outputs)} (the output plane), or {_and(inputs)} (the "
            f"input plane, with padding), as the filter has {rank} dimension{'s' if rank > 1 else ''}"
        )

    def _output_plane(
        self, name: str, plane: tuple[int, ...], window: tuple[int, ...], letters: str
    ) -> tuple[int, ...]:
        steps = (
            _spread(name, what, getattr(self, what), len(plane)) for what in ("stride", "padding", "dilation")
        )
        return tuple(
            conv_output_extent(
                name, letter, size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
            )
            for letter, size, kernel, stride, padding, dilation in zip(
                letters, plane, window, *steps, strict=True
            )
        )


def _and(letters: str) -> str:
    return f"{', '.join(letters[:-1])} and {letters[-1]}" if len(letters) > 1 else letters


@final
class DepthwiseEntry(FileModel):
    """A convolution of each channel by itself, with `multiplier` filters each; otherwise as `conv`."""

    C: Extent
    R: Extent
    S: Extent | None = None
    T: Extent | None = None
    P: Extent | None = None
    Q: Extent | None = None
    Z: Extent | None = None
    H: Extent | None = None
    W: Extent | None = None
    D: Extent | None = None
    N: Extent = 1
    multiplier: Extent = 1
    padding: Padding = (0,)
    stride: Step = (1,)
    dilation: Step = (1,)

    def build(self, name: str) -> tuple[Layer]:
        """The layer of that name."""
        given = {field: getattr(self, field) for field in self.model_fields_set - {"multiplier"}}
        whole = ConvEntry.model_construct(
            {*given, "M", "groups"}, **given, M=self.C * self.multiplier, groups=self.C
        )
        return whole.build(name)


@final
class FullyConnectedEntry(FileModel):
    """A fully-connected (linear) layer on N rows: inputs at once, or tokens."""

    M: Extent
    C: Extent
    N: Extent = 1

    def build(self, name: str) -> tuple[Layer]:
        """The layer of that name."""
        return (fully_connected(name, M=self.M, C=self.C, N=self.N),)


@final
class MatmulEntry(FileModel):
    """A matrix product; with `batch`, so many independent ones."""

    M: Extent
    K: Extent
    N: Extent
    batch: Extent | None = None

    def build(self, name: str) -> tuple[Layer]:
        """The layer of that name."""
        return (matmul(name, M=self.M, K=self.K, N=self.N, batch=self.batch),)


@final
class AttentionEntry(FileModel):
    """Scores, softmax and context of attention, without the projections."""

    heads: Extent
    head_dim: Extent
    query_length: Extent
    key_length: Extent | None = None
    kv_heads: Extent | None = None
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The nodes `name.scores`, `name.softmax` and `name.context`."""
        return blocks.attention(name, **self.model_dump())


@final
class RecurrentEntry(FileModel):
    """An LSTM or GRU layer over a sequence."""

    input_size: Extent
    hidden_size: Extent
    steps: Extent
    bidirectional: bool = False
    N: Extent = 1

    def build(self, name: str, cell: str) -> tuple[Node, ...]:
        """The nodes `name.input`, `name.recurrent`, `name.gates`, and those of the reverse direction."""
        return (blocks.lstm if cell == "lstm" else blocks.gru)(name, **self.model_dump())


@final
class PoolEntry(FileModel):
    """Pooling of an input [C, H, W] (or 1-D, 3-D) by a window; of the whole plane without one."""

    input: Shape
    window: Step | None = None
    stride: Step | None = None
    padding: Padding = (0,)
    average: bool = False
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The operation of that name; `stride` is the window by default."""
        plane = self.input[1:]
        if self.window is None:
            if self.stride is not None or "padding" in self.model_fields_set:
                raise InputError(
                    f"layer {name!r}: pool has a stride or padding but no window; add window, or delete both"
                )
            return (operations.global_pool(name, input_shape=self.input, average=self.average, N=self.N),)
        window = _spread(name, "window", self.window, len(plane))
        steps = _spread(name, "stride", self.stride or window, len(plane))
        padding = _spread(name, "padding", self.padding, len(plane))
        outputs = [
            conv_output_extent(name, f"input[{i}]", size, kernel=k, stride=u, padding=pad)
            for i, (size, k, u, pad) in enumerate(zip(plane, window, steps, padding, strict=True), 1)
        ]
        return (
            operations.pool(
                name,
                shape=(self.input[0], *outputs),
                input_shape=self.input,
                window=window,
                average=self.average,
                N=self.N,
            ),
        )


@final
class ShapeEntry(FileModel):
    """An operation that its shape describes: activation, softmax, concat, shuffle, shift."""

    shape: Shape
    N: Extent = 1

    def build(self, name: str, form: str) -> tuple[Node, ...]:
        """The operation of that name."""
        if form == "activation":
            return (operations.activation(name, shape=self.shape, N=self.N),)
        if form == "softmax":
            return (operations.softmax(name, shape=self.shape, N=self.N),)
        return (operations.movement(name, kind=form, shape=self.shape, N=self.N),)


@final
class NormalizationEntry(FileModel):
    """Batch, layer, group, instance or RMS normalisation, or `local` response normalisation over a window."""

    shape: Shape
    scheme: Literal["batch", "layer", "group", "instance", "rms", "local"] = "batch"
    scales: Annotated[int, Field(ge=0, le=MAX_EXTENT)] | None = None
    window: Extent | None = None
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The operation of that name."""
        if self.scheme == "local":
            if self.scales is not None:
                raise InputError(f"layer {name!r}: local normalisation has no scales; delete them")
            return (
                operations.local_response_normalization(
                    name, shape=self.shape, window=self.window or 5, N=self.N
                ),
            )
        if self.window is not None:
            raise InputError(f"layer {name!r}: window goes with scheme: local; delete one of them")
        return (
            operations.normalization(
                name, shape=self.shape, scheme=self.scheme, scales=self.scales, N=self.N
            ),
        )


@final
class ElementwiseEntry(FileModel):
    """A sum or product of tensors; `input_shapes` where one is broadcast."""

    shape: Shape
    operands: Annotated[int, Field(ge=1, le=1000)] = 2
    input_shapes: Shapes | None = None
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The operation of that name."""
        return (operations.elementwise(name, **self.model_dump()),)


@final
class EmbeddingEntry(FileModel):
    """`tokens` rows looked up in a table of `rows` x `features`."""

    rows: Extent
    features: Extent
    tokens: Extent
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The operation of that name."""
        return (operations.embedding(name, **self.model_dump()),)


@final
class ResizeEntry(FileModel):
    """A plane resampled to `shape`."""

    input: Shape
    shape: Shape
    mode: Literal["nearest", "linear", "cubic"] = "nearest"
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The operation of that name: 1, 2 or 4 taps per direction of the plane."""
        if len(self.input) != len(self.shape) or self.input[0] != self.shape[0]:
            raise InputError(
                f"layer {name!r}: input = {self.input} and shape = {self.shape} must have equally many extents and "
                "the same channels"
            )
        taps = prod({"nearest": 1, "linear": 2, "cubic": 4}[self.mode] for _ in self.shape[1:])
        shapes = {"shape": self.shape, "input_shape": self.input}
        return (operations.resize(name, **shapes, taps=taps, N=self.N),)


@final
class UnknownEntry(FileModel):
    """Anything else, as the data that it moves."""

    shape: Shape
    input_shapes: Shapes | None = None
    N: Extent = 1

    def build(self, name: str) -> tuple[Node, ...]:
        """The operation of that name."""
        return (operations.movement(name, kind="unknown", **self.model_dump()),)
