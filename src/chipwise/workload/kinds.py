"""Constructors of the usual layers: each writes its einsum once.

The input plane is the part that the filter touches, padding included, as Timeloop and AccelForge count
it: H = U·(P − 1) + δ·(R − 1) + 1. Padding values are therefore charged as data. For transposed convolutions
the output plane is the whole of what the filter reaches, so that values cropped by padding are charged.

Planes and filters are given outermost first: (width,), (height, width) or (depth, height, width). Their
dimensions are P and R in 1-D; P, Q and R, S in 2-D; Z, P, Q and T, R, S in 3-D. What does no MACs is in
`operations`; layers made of several nodes (attention, recurrent cells) are in `blocks`.
"""

from collections.abc import Sequence

from chipwise.errors import InputError
from chipwise.workload.layer import Layer, Rank, Tensor

MAX_STEP = 4096
"""Largest stride and dilation."""

_OUTPUT = {1: "P", 2: "PQ", 3: "ZPQ"}
_FILTER = {1: "R", 2: "RS", 3: "TRS"}
_PLANE = {1: "H", 2: "HW", 3: "DHW"}


def _rank(name: str, *terms: tuple[str, int]) -> Rank:
    return Rank(name, terms or ((name, 1),))


def convolution(
    name: str,
    *,
    M: int,
    C: int,
    plane: Sequence[int],
    window: Sequence[int],
    N: int = 1,
    stride: int | Sequence[int] = 1,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    transposed: bool = False,
    kind: str = "conv",
) -> Layer:
    """A convolution in one to three dimensions, O[n,g,m,p,q] = Σ_crs I[n,g,c,U·p+δ·r,U·q+δ·s] · W[g,m,c,r,s].

    Transposed, it scatters: O[n,g,m,U·p+δ·r,U·q+δ·s] = Σ I[n,g,c,p,q] · W[g,c,m,r,s], with MACs = input plane x
    filter, as PyTorch counts them.

    Args:
        name: the layer's name.
        M: filters of the whole layer; with `groups` > 1 the einsum has G = groups and M/G, C/G inside.
        C: input channels of the whole layer.
        plane: extents of the output plane; of the input plane if transposed.
        window: extents of the filter, as many as of the plane.
        N: batch.
        stride: U, one for all directions or one each.
        dilation: δ, likewise.
        groups: groups of channels that see nothing of each other.
        transposed: a transposed convolution ("deconvolution").
        kind: shown in tables; `fc` for a filter as large as its input.

    >>> convolution("audio", M=64, C=1, plane=(100,), window=(16,), stride=8).volume("input")
    808
    >>> up = convolution("up", M=16, C=32, plane=(8, 8), window=(2, 2), stride=2, transposed=True)
    >>> up.macs, up.volume("output")
    (131072, 4096)
    """
    rank = len(plane)
    if rank not in _OUTPUT or len(window) != rank:
        raise InputError(
            f"layer {name!r}: plane = {tuple(plane)} and window = {tuple(window)} must have one to three "
            "extents, and equally many"
        )
    if groups < 1 or M % groups or C % groups:
        raise InputError(f"layer {name!r}: groups = {groups} must divide M = {M} and C = {C}")
    strides, dilations = _steps(name, "stride", stride, rank), _steps(name, "dilation", dilation, rank)
    places, taps = _OUTPUT[rank], _FILTER[rank]
    group = {"G": groups} if groups > 1 else {}
    dims = {"N": N, **group, "M": M // groups, "C": C // groups}
    dims |= dict(zip(places + taps, (*plane, *window), strict=True))
    sliding = [
        _rank(h, (p, u), (r, d))
        for h, p, r, u, d in zip(_PLANE[rank], places, taps, strides, dilations, strict=True)
    ]
    fixed = [_rank(p) for p in places]
    n, m, c, g = _rank("N"), _rank("M"), _rank("C"), [_rank("G") for _ in group]
    read, written = (fixed, sliding) if transposed else (sliding, fixed)
    filters = (c, m) if transposed else (m, c)
    tensors = (
        Tensor("input", (n, *g, c, *read)),
        Tensor("weight", (*g, *filters, *(_rank(r) for r in taps))),
        Tensor("output", (n, *g, m, *written), is_output=True),
    )
    notes = {"stride": strides[0], "dilation": dilations[0], "groups": groups, "transposed": int(transposed)}
    usual = {"stride": 1, "dilation": 1, "groups": 1, "transposed": 0}
    return Layer(name, kind, dims, tensors, "N", {k: v for k, v in notes.items() if v != usual[k]})


def _steps(name: str, what: str, value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    steps = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(steps) != rank:
        raise InputError(f"layer {name!r}: {what} = {steps} must have {rank} values, one per direction")
    for step in steps:
        if not 1 <= step <= MAX_STEP:
            raise InputError(f"layer {name!r}: {what} = {step} must be between 1 and {MAX_STEP}")
    return steps


def conv(
    name: str,
    *,
    M: int,
    C: int,
    P: int,
    Q: int,
    R: int,
    S: int,
    N: int = 1,
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    kind: str = "conv",
) -> Layer:
    """A 2-D convolution with output plane P x Q and filters of R x S.

    >>> conv("conv1", M=96, C=3, P=55, Q=55, R=11, S=11, stride=4).macs
    105415200
    """
    return convolution(
        name,
        M=M,
        C=C,
        plane=(P, Q),
        window=(R, S),
        N=N,
        stride=stride,
        dilation=dilation,
        groups=groups,
        kind=kind,
    )


def conv1d(
    name: str,
    *,
    M: int,
    C: int,
    P: int,
    R: int,
    N: int = 1,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> Layer:
    """A 1-D convolution with P outputs per filter of R taps.

    >>> conv1d("temporal", M=32, C=16, P=100, R=5).macs
    256000
    """
    return convolution(
        name, M=M, C=C, plane=(P,), window=(R,), N=N, stride=stride, dilation=dilation, groups=groups
    )


def conv3d(
    name: str,
    *,
    M: int,
    C: int,
    Z: int,
    P: int,
    Q: int,
    T: int,
    R: int,
    S: int,
    N: int = 1,
    stride: int | tuple[int, int, int] = 1,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
) -> Layer:
    """A 3-D convolution with output Z x P x Q and filters of T x R x S.

    >>> conv3d("c3d", M=64, C=3, Z=16, P=112, Q=112, T=3, R=3, S=3).macs
    1040449536
    """
    return convolution(
        name,
        M=M,
        C=C,
        plane=(Z, P, Q),
        window=(T, R, S),
        N=N,
        stride=stride,
        dilation=dilation,
        groups=groups,
    )


def depthwise(
    name: str,
    *,
    C: int,
    P: int,
    Q: int,
    R: int,
    S: int,
    multiplier: int = 1,
    N: int = 1,
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
) -> Layer:
    """A 2-D depthwise convolution: C groups of one channel, `multiplier` filters each.

    >>> depthwise("dw", C=32, P=112, Q=112, R=3, S=3).macs
    3612672
    """
    return convolution(
        name,
        M=C * multiplier,
        C=C,
        plane=(P, Q),
        window=(R, S),
        N=N,
        stride=stride,
        dilation=dilation,
        groups=C,
    )


def transposed_conv(
    name: str,
    *,
    M: int,
    C: int,
    H: int,
    W: int,
    R: int,
    S: int,
    N: int = 1,
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Layer:
    """A 2-D transposed convolution of an *input* plane H x W; in the einsum that plane is P x Q.

    >>> transposed_conv("up1", M=512, C=1024, H=28, W=28, R=2, S=2, stride=2).macs
    1644167168
    """
    return convolution(
        name,
        M=M,
        C=C,
        plane=(H, W),
        window=(R, S),
        N=N,
        stride=stride,
        dilation=dilation,
        groups=groups,
        transposed=True,
    )


def conv_output_extent(
    name: str, what: str, size: int, *, kernel: int, stride: int, padding: int, dilation: int = 1
) -> int:
    """Output extent of a convolution or pooling, floor((size + 2·padding − δ·(kernel − 1) − 1)/stride) + 1."""
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise InputError(
            f"layer {name!r}: the filter reaches over {reach} values of {what} but the input has {size} "
            f"+ 2 x {padding} of padding; use a smaller filter or more padding"
        )
    return (size + 2 * padding - reach) // stride + 1


def fully_connected(name: str, *, M: int, C: int, N: int = 1) -> Layer:
    """A fully-connected (linear) layer: O[n,m] = Σ_c I[n,c] · W[m,c].

    N counts all rows that see the same weights: the batch, or batch x tokens of a sequence.

    >>> fully_connected("fc6", M=4096, C=9216).macs
    37748736
    """
    n, m, c = (_rank(d) for d in "NMC")
    tensors = (
        Tensor("input", (n, c)),
        Tensor("weight", (m, c)),
        Tensor("output", (n, m), is_output=True),
    )
    return Layer(name, "fc", {"N": N, "M": M, "C": C}, tensors, "N")


def matmul(name: str, *, M: int, K: int, N: int, batch: int | None = None) -> Layer:
    """A matrix product O[b,m,n] = Σ_k I[b,m,k] · W[b,k,n], `batch` independent ones (B).

    The left operand is called `input` and the right one `weight`, so that every chip can hold them. The
    dimensions are the matmul's own (M rows, N columns, K inner), not those of a convolution. With `batch`, each
    product has a right operand of its own, which is an activation, and more inputs at once multiply B; without,
    there is no dimension by which the inputs at once could be told, so `with_batch` refuses.

    >>> matmul("scores", M=128, K=64, N=128, batch=12).with_batch(2).macs
    25165824
    """
    b = () if batch is None else (_rank("B"),)
    m, n, k = (_rank(d) for d in "MNK")
    tensors = (
        Tensor("input", (*b, m, k)),
        Tensor("weight", (*b, k, n)),
        Tensor("output", (*b, m, n), is_output=True),
    )
    dims = {**({} if batch is None else {"B": batch}), "M": M, "N": N, "K": K}
    return Layer(name, "matmul", dims, tensors, None if batch is None else "B")
