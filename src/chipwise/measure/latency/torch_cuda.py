"""PyTorch on an NVIDIA GPU: events on the device, and a graph, so that launching is not timed as work."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, final

from chipwise.adapt.extra import torch
from chipwise.adapt.shapes import LayerShape
from chipwise.errors import InputError
from chipwise.measure.latency.device import cpu_provenance
from chipwise.measure.latency.timing import Backend, Sampler
from chipwise.measure.latency.torch_cpu import module_and_input

REPLAYS = 10
"""Of the graph between two events, whose own resolution is half a microsecond."""


@final
class TorchCuda(Backend):
    """PyTorch on the current CUDA device; a layer and a network run as captured graphs."""

    name = "cuda"
    threads = 1

    def __init__(self) -> None:
        if not torch.cuda.is_available():
            raise InputError(
                "backend cuda: PyTorch finds no GPU here; use --backend torch, or install PyTorch for CUDA"
            )

    def provenance(self) -> Mapping[str, Any]:
        """GPU, driver's CUDA and versions; matrix products of float32 as PyTorch's defaults have them."""
        return {
            **cpu_provenance(("torch",)),
            "device": torch.cuda.get_device_name(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "tf32": torch.backends.cudnn.allow_tf32,
        }

    def layer(self, shape: LayerShape) -> Sampler:
        """As `Backend.layer`."""
        return self.network(*module_and_input(shape))

    def network(self, model: Any, example: Any) -> Sampler:
        """As `Backend.network`; a copy of `model` is moved to the GPU, and the caller's stays where it is."""
        arguments = example if isinstance(example, tuple) else (example,)
        model = copy.deepcopy(model).cuda()
        given = tuple(value.cuda() for value in arguments)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        # Capture needs the libraries' choices and buffers made before, on another stream.
        with torch.no_grad(), torch.cuda.stream(side):
            for _ in range(3):
                model(*given)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.graph(graph):
            model(*given)
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))

        def sample() -> float:
            first.record()
            for _ in range(REPLAYS):
                graph.replay()
            last.record()
            last.synchronize()
            taken: float = first.elapsed_time(last) / REPLAYS * 1e-3
            return taken

        return sample

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """The fastest algorithms are looked for, without gradients."""
        before = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = True
        try:
            with torch.no_grad():
                yield
        finally:
            torch.backends.cudnn.benchmark = before
