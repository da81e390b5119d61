"""Layer shapes: the one currency between a PyTorch network, its resources and the chip model."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

from chipwise.workload.kinds import convolution, fully_connected
from chipwise.workload.layer import Layer, Tensor
from chipwise.workload.network import Network

Operator = Literal["conv2d", "conv_transpose2d", "linear"]

POOL = re.compile(r"(max|avg)_pool(\d+)s(\d+)p(\d+)(c?)")
"""Of `LayerShape.fused`: kind, kernel, stride, padding, and whether the number of places is rounded up."""

DTYPE_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "int8": 8}


@final
@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer with weights, in the field's letters; equal and hashed alike if only the names differ.

    M and C are those of the whole layer, not of one group. A linear layer has H = W = P = Q = R = S = 1, and
    its N counts all rows that see the same weights.
    """

    name: str = field(compare=False)
    """The module's path; a module that runs twice is `path` and `path.2`."""
    op: Operator
    N: int
    M: int
    C: int
    G: int = 1
    H: int = 1
    W: int = 1
    P: int = 1
    Q: int = 1
    R: int = 1
    S: int = 1
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    bias: bool = False
    fused: tuple[str, ...] = ()
    """What runs on the output one after the other: `batch_norm`, `relu`, `max_pool2s2p0`, ...; for lookup tables."""
    dtype: str = "float32"
    input_density: float = 1.0
    weight_density: float = 1.0
    output_density: float = 1.0
    input_bits: int | None = None
    """Bits of a value; None for the chip's word, or the data type's where there is no chip."""
    weight_bits: int | None = None
    output_bits: int | None = None
    padding_mode: str = "zeros"
    """What a convolution pads with, in PyTorch's words; for lookup tables."""

    @property
    def macs(self) -> int:
        """N·(M/G)·C·R·S per place: output places, or input places of a transposed convolution.

        >>> LayerShape("conv", "conv2d", N=1, M=8, C=4, H=6, W=6, P=4, Q=4, R=3, S=3).macs
        4608
        """
        places = self.H * self.W if self.op == "conv_transpose2d" else self.P * self.Q
        return self.N * (self.M // self.G) * self.C * self.R * self.S * places

    @property
    def filter_weights(self) -> int:
        """M·C·R·S/G, without biases."""
        return self.M * (self.C // self.G) * self.R * self.S

    def with_densities(self, of: Callable[[float], float]) -> "LayerShape":
        """The same shape with `of` each density."""
        return replace(
            self,
            input_density=of(self.input_density),
            weight_density=of(self.weight_density),
            output_density=of(self.output_density),
        )

    def bits(self, tensor: str) -> int:
        """Bits of a value of `input`, `weight` or `output`: its own, or those of the data type."""
        own: int | None = getattr(self, f"{tensor}_bits")
        return DTYPE_BITS.get(self.dtype, 32) if own is None else own

    def to_layer(self) -> Layer:
        """The layer as chips see it: its einsum, with bits and densities."""
        if self.op == "linear":
            layer = fully_connected(self.name, M=self.M, C=self.C, N=self.N)
        else:
            transposed = self.op == "conv_transpose2d"
            layer = convolution(
                self.name,
                M=self.M,
                C=self.C,
                plane=(self.H, self.W) if transposed else (self.P, self.Q),
                window=(self.R, self.S),
                N=self.N,
                stride=self.stride,
                dilation=self.dilation,
                groups=self.G,
                transposed=transposed,
            )
        return replace(layer, tensors=tuple(self._tensor(t) for t in layer.tensors))

    def _tensor(self, tensor: Tensor) -> Tensor:
        density: float = getattr(self, f"{tensor.name}_density")
        bits: int | None = getattr(self, f"{tensor.name}_bits")
        return replace(tensor, bits=bits, density=density, density_known=density < 1)


def to_network(shapes: Sequence[LayerShape], name: str = "adapted") -> Network:
    """A network of these layers in a row; what runs between them does no MACs and is left out."""
    return Network(name, tuple(shape.to_layer() for shape in shapes))


def layer_shapes(model: Any, example: Any) -> tuple[LayerShape, ...]:
    """The layers with weights that one forward pass runs, in order.

    Args:
        model: a torch.nn.Module; runs in evaluation mode without gradients and is left as it was.
        example: one input or a tuple of them, batch first.

    Raises:
        InputError: a module with weights that is no Conv2d, ConvTranspose2d or Linear, by name; a forward
            that fails. MissingExtra: no PyTorch.
    """
    from chipwise.adapt.trace import traced  # noqa: PLC0415 - shapes are data; only this needs PyTorch

    return traced(model, example)


def measured_shapes(model: Any, inputs: Any) -> tuple[LayerShape, ...]:
    """`layer_shapes` for one input, with the densities that a batch of real ones has: of inputs, weights, outputs.

    Outputs are taken behind normalisation and activation, and before pooling. Padding is not counted.

    Args:
        model: a torch.nn.Module.
        inputs: real inputs, batch first; a few hundred are enough.

    Raises:
        InputError: as `layer_shapes`.
    """
    from chipwise.adapt.trace import traced  # noqa: PLC0415 - as above

    return traced(model, inputs, measured=True)
