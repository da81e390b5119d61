"""PyTorch on the processor, and the layers that are timed there."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from typing import Any, final

from chipwise.adapt.extra import nn, torch
from chipwise.adapt.networks.plain import plain
from chipwise.adapt.shapes import POOL, LayerShape
from chipwise.errors import InputError, did_you_mean
from chipwise.measure.latency.device import cpu_provenance, keep_memory
from chipwise.measure.latency.timing import Backend, Sampler

FUSED: Mapping[str, Callable[[int], Any]] = {
    "batch_norm": nn.BatchNorm2d,
    "global_avg_pool": lambda _: nn.AdaptiveAvgPool2d(1),
    "relu": lambda _: nn.ReLU(),
    "relu6": lambda _: nn.ReLU6(),
    "hardswish": lambda _: nn.Hardswish(),
    "silu": lambda _: nn.SiLU(),
    "gelu": lambda _: nn.GELU(),
    "sigmoid": lambda _: nn.Sigmoid(),
    "tanh": lambda _: nn.Tanh(),
    "leaky_relu": lambda _: nn.LeakyReLU(),
}
"""What may run on a layer's output at once, by the number of its channels."""


INPUTS = 16
"""Different inputs that take turns."""


def module_and_input(shape: LayerShape) -> tuple[Any, Any]:
    """The layer as a module in evaluation mode, and an input for it, of random values.

    Raises:
        InputError: a data type that PyTorch has not.
    """
    dtype = getattr(torch, shape.dtype, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InputError(f"layer {shape.name!r}: data type {shape.dtype!r} cannot be timed; use float32")
    if shape.op == "linear":
        layer: Any = nn.Linear(shape.C, shape.M, bias=shape.bias)
        extents: tuple[int, ...] = (shape.N, shape.C)
    else:
        made = nn.ConvTranspose2d if shape.op == "conv_transpose2d" else nn.Conv2d
        layer = made(
            shape.C,
            shape.M,
            (shape.R, shape.S),
            shape.stride,
            shape.padding,
            dilation=shape.dilation,
            groups=shape.G,
            bias=shape.bias,
            padding_mode=shape.padding_mode,
        )
        extents = (shape.N, shape.C, shape.H, shape.W)
    after = [_after(word, shape) for word in shape.fused]
    generator = torch.Generator().manual_seed(0)
    given = torch.randn(extents, generator=generator, dtype=dtype)
    return nn.Sequential(layer, *after).to(dtype).eval(), given


def _after(word: str, shape: LayerShape) -> Any:
    pool = POOL.fullmatch(word)
    if pool is not None:
        made = nn.MaxPool2d if pool[1] == "max" else nn.AvgPool2d
        return made(int(pool[2]), int(pool[3]), int(pool[4]), ceil_mode=bool(pool[5]))
    if word == "batch_norm" and shape.op == "linear":
        return nn.BatchNorm1d(shape.M)
    if word not in FUSED:
        raise InputError(
            f"layer {shape.name!r}: {word!r} behind it is not known." + did_you_mean(word, FUSED)
        )
    return FUSED[word](shape.M)


def _others(example: Any) -> list[tuple[Any, ...]]:
    """Random inputs of the example's form.

    A processor learns the branches of data that it sees again and again: pooling the same image each time takes
    half as long as pooling another one, which is what a network is for.
    """
    arguments = example if isinstance(example, tuple) else (example,)
    if not all(isinstance(value, torch.Tensor) and value.is_floating_point() for value in arguments):
        return [arguments]
    generator = torch.Generator().manual_seed(0)
    return [
        tuple(torch.randn(value.shape, generator=generator, dtype=value.dtype) for value in arguments)
        for _ in range(INPUTS)
    ]


@final
class TorchCpu(Backend):
    """PyTorch, eager mode, on the processor.

    One thread is the default for a reason: on a machine that does anything else, two threads wait for each other,
    and a layer of 0.14 ms takes up to 60 ms.
    """

    name = "torch"
    threads = 1

    def __init__(self, threads: int = 1, clock: Callable[[], float] = time.perf_counter) -> None:
        if threads < 1:
            raise InputError(f"threads = {threads} must be at least 1")
        self.threads = threads
        self._clock = clock
        # Alone in a loop a layer finds its code and data in the nearest cache, within a network it does not:
        # depthwise networks took 13 % longer than their layers, plain ones 3 %. With another small network run
        # before each run, untimed, the two kinds differ by about one per cent.
        self._between = plain((16, 16, 32), hidden=32).eval()
        self._image = torch.zeros(1, 1, 32, 32)

    def provenance(self) -> Mapping[str, Any]:
        """Processor and PyTorch's version and vector instructions."""
        return {
            **cpu_provenance(("torch",)),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "onednn": torch.backends.mkldnn.is_available(),
            "keeps_memory": keep_memory(),
        }

    def layer(self, shape: LayerShape) -> Sampler:
        """As `Backend.layer`."""
        timed = self.network(*module_and_input(shape))

        def sample() -> float:
            self._between(self._image)
            return timed()

        return sample

    def network(self, model: Any, example: Any) -> Sampler:
        """As `Backend.network`."""
        clock = self._clock
        turns = cycle(_others(example))

        def sample() -> float:
            arguments = next(turns)
            start = clock()
            model(*arguments)
            return clock() - start

        return sample

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """The wanted threads, no gradients, no garbage collection."""
        threads, collecting = torch.get_num_threads(), gc.isenabled()
        torch.set_num_threads(self.threads)
        gc.disable()
        keep_memory()
        try:
            with torch.inference_mode():
                yield
        finally:
            torch.set_num_threads(threads)
            if collecting:
                gc.enable()
