"""A user's network in YAML: layers by shape or by einsum string, joined by name.

name: tiny
source: optional
input: [3, 32, 32]
layers:
  - name: conv1
    conv: {M: 96, C: 3, H: 227, W: 227, R: 11, S: 11, stride: 4}
  - name: own
    einsum: "O[n,m,p] = I[n,c,p+r] * W[m,c,r]"
    dims: {n: 1, m: 16, c: 8, p: 32, r: 3}
    inputs: [conv1]
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar, final

from pydantic import AfterValidator, BeforeValidator, Field

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.einsum import parse_einsum
from chipwise.workload.kinds import conv, conv_output_extent, fully_connected, matmul
from chipwise.workload.layer import MAX_EXTENT, Layer
from chipwise.workload.network import INPUT, Network
from chipwise.yamlfile import Document, FileModel, load_yaml, parse_yaml, validated

T = TypeVar("T")

MAX_LAYERS = 10_000
"""The deepest published networks have about a thousand; beyond this a file is taken for a mistake."""

_FORMS = ("conv", "fc", "matmul", "einsum")


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("must be one line of visible characters, since tables show it")
    return text


def _pair(value: Any, *, least: int) -> Any:
    """A number for both directions, or [height, width]."""
    pair = value if isinstance(value, list) else [value, value]
    if len(pair) != 2 or any(type(v) is not int or not least <= v <= MAX_EXTENT for v in pair):
        raise ValueError(f"must be a whole number of at least {least}, or two of them as [height, width]")
    return tuple(pair)


def _counted(values: list[T], *, most: int) -> list[T]:
    if not 1 <= len(values) <= most:
        raise ValueError(f"must have 1 to {most} entries, has {len(values)}")
    return values


Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
Extent = Annotated[int, Field(ge=1, le=MAX_EXTENT)]
Step = Annotated[tuple[int, int], BeforeValidator(partial(_pair, least=1))]
Padding = Annotated[tuple[int, int], BeforeValidator(partial(_pair, least=0))]


@final
class ConvEntry(FileModel):
    """A convolution with its output plane (P, Q), or its input plane (H, W) and padding."""

    M: Extent
    C: Extent
    R: Extent
    S: Extent
    P: Extent | None = None
    Q: Extent | None = None
    H: Extent | None = None
    W: Extent | None = None
    N: Extent = 1
    padding: Padding = (0, 0)
    stride: Step = (1, 1)
    dilation: Step = (1, 1)
    groups: Extent = 1

    def build(self, name: str) -> Layer:
        """The layer of that name."""
        P, Q = self._output_plane(name)
        return conv(
            name,
            M=self.M,
            C=self.C,
            P=P,
            Q=Q,
            R=self.R,
            S=self.S,
            N=self.N,
            stride=self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )

    def _output_plane(self, name: str) -> tuple[int, int]:
        given = [d for d in "PQHW" if getattr(self, d) is not None]
        if self.P is not None and self.Q is not None and len(given) == 2:
            if "padding" in self.model_fields_set:
                raise InputError(
                    f"layer {name!r}: padding goes with H and W; P and Q are already the output plane, "
                    "so delete padding"
                )
            return self.P, self.Q
        if self.H is not None and self.W is not None and len(given) == 2:
            P, Q = (
                conv_output_extent(
                    name, what, size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
                )
                for what, size, kernel, stride, padding, dilation in (
                    ("H", self.H, self.R, self.stride[0], self.padding[0], self.dilation[0]),
                    ("W", self.W, self.S, self.stride[1], self.padding[1], self.dilation[1]),
                )
            )
            return P, Q
        raise InputError(
            f"layer {name!r}: conv has {', '.join(given) or 'no plane'}; give P and Q (the output plane), "
            "or H and W (the input plane, with padding)"
        )


@final
class FullyConnectedEntry(FileModel):
    """A fully-connected layer."""

    M: Extent
    C: Extent
    N: Extent = 1

    def build(self, name: str) -> Layer:
        """The layer of that name."""
        return fully_connected(name, M=self.M, C=self.C, N=self.N)


@final
class MatmulEntry(FileModel):
    """A matrix product, `batch` independent ones."""

    M: Extent
    K: Extent
    N: Extent
    batch: Extent = 1

    def build(self, name: str) -> Layer:
        """The layer of that name."""
        return matmul(name, M=self.M, K=self.K, N=self.N, batch=self.batch)


@final
class LayerEntry(FileModel):
    """A named layer in exactly one of the forms conv, fc, matmul, and einsum with dims."""

    name: Name
    conv: ConvEntry | None = None
    fc: FullyConnectedEntry | None = None
    matmul: MatmulEntry | None = None
    einsum: str | None = None
    dims: dict[str, Extent] | None = None
    inputs: Annotated[list[Name], AfterValidator(partial(_counted, most=MAX_LAYERS))] | None = None

    def build(self) -> Layer:
        """The layer that the entry describes."""
        given = [form for form in _FORMS if getattr(self, form) is not None]
        if len(given) != 1:
            raise InputError(
                f"layer {self.name!r}: needs exactly one of {', '.join(_FORMS)}; it has "
                f"{' and '.join(given) or 'none'}"
            )
        if (self.einsum is None) != (self.dims is None):
            raise InputError(f"layer {self.name!r}: einsum and dims go together; give both or neither")
        if self.einsum is not None and self.dims is not None:
            return parse_einsum(self.name, self.einsum, self.dims)
        shape = self.conv or self.fc or self.matmul
        assert shape is not None
        return shape.build(self.name)


@final
class NetworkFile(FileModel):
    """A whole file."""

    name: Name
    title: str = ""
    source: str = ""
    input: Annotated[list[Extent], AfterValidator(partial(_counted, most=3))] | None = None
    layers: Annotated[list[LayerEntry], AfterValidator(partial(_counted, most=MAX_LAYERS))]


def read_network(path: Path) -> Network:
    """The network in the YAML file at `path`, of at most 1 MiB and 10,000 layers.

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
    layers: list[Layer] = []
    inputs: dict[str, tuple[str, ...]] = {}
    seen = {INPUT}
    # Network checks the names as well, but it cannot say in which line they stand.
    for index, entry in enumerate(content.layers):
        if entry.name in seen:
            what = "stands for the network's input" if entry.name == INPUT else "is already a layer's"
            where = document.where("layers", index, "name")
            raise InputError(f"{where}: name = {entry.name!r} {what}; choose another")
        for at, source in enumerate(entry.inputs or ()):
            if source not in seen:
                where = document.where("layers", index, "inputs", at)
                raise InputError(
                    f"{where}: layer {entry.name!r} reads {source!r}, "
                    f"which is neither an earlier layer nor {INPUT!r}." + did_you_mean(source, seen)
                )
        form = next((f for f in _FORMS if getattr(entry, f) is not None), "name")
        with _located(document.where("layers", index, form)):
            layers.append(entry.build())
        seen.add(entry.name)
        if entry.inputs:
            inputs[entry.name] = tuple(entry.inputs)
    return Network(
        name=content.name,
        nodes=tuple(layers),
        title=content.title,
        source=content.source,
        input_shape=tuple(content.input or ()),
        inputs=inputs,
    )


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Put file:line before what is wrong with a layer."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
