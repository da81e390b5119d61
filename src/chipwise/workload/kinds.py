"""Constructors of the usual layers: each writes its einsum once.

The input plane is the part that the filter touches, padding included, as Timeloop and AccelForge count
it: H = U·(P − 1) + δ·(R − 1) + 1. Padding values are therefore charged as data.
"""

from chipwise.errors import InputError
from chipwise.workload.layer import Layer, Rank, Tensor


def _rank(name: str, *terms: tuple[str, int]) -> Rank:
    return Rank(name, terms)


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
    """A 2-D convolution: O[n,g,m,p,q] = Σ_crs I[n,g,c,U·p+δ·r,U·q+δ·s] · W[g,m,c,r,s].

    M and C are those of the whole layer; with `groups` > 1 the einsum has G = groups and M/G, C/G inside.

    >>> conv("conv1", M=96, C=3, P=55, Q=55, R=11, S=11, stride=4).macs
    105415200
    """
    if groups < 1 or M % groups or C % groups:
        raise InputError(f"layer {name!r}: groups = {groups} must divide M = {M} and C = {C}")
    u_h, u_w = (stride, stride) if isinstance(stride, int) else stride
    d_h, d_w = (dilation, dilation) if isinstance(dilation, int) else dilation
    for what, value in (("stride", u_h), ("stride", u_w), ("dilation", d_h), ("dilation", d_w)):
        if not 1 <= value <= 4096:
            raise InputError(f"layer {name!r}: {what} = {value} must be between 1 and 4096")
    g = (_rank("G", ("G", 1)),) if groups > 1 else ()
    dims = {"N": N, **({"G": groups} if groups > 1 else {}), "M": M // groups, "C": C // groups}
    dims |= {"P": P, "Q": Q, "R": R, "S": S}
    m, c = _rank("M", ("M", 1)), _rank("C", ("C", 1))
    height, width = _rank("H", ("P", u_h), ("R", d_h)), _rank("W", ("Q", u_w), ("S", d_w))
    r, s, p, q, n = (_rank(d, (d, 1)) for d in "RSPQN")
    tensors = (
        Tensor("input", (n, *g, c, height, width)),
        Tensor("weight", (*g, m, c, r, s)),
        Tensor("output", (n, *g, m, p, q), is_output=True),
    )
    notes = {"stride": u_h, "dilation": d_h, "groups": groups}
    return Layer(name, kind, dims, tensors, "N", {k: v for k, v in notes.items() if v != 1})


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
    """A fully-connected layer: O[n,m] = Σ_c I[n,c] · W[m,c].

    >>> fully_connected("fc6", M=4096, C=9216).macs
    37748736
    """
    n, m, c = (_rank(d, (d, 1)) for d in "NMC")
    tensors = (
        Tensor("input", (n, c)),
        Tensor("weight", (m, c)),
        Tensor("output", (n, m), is_output=True),
    )
    return Layer(name, "fc", {"N": N, "M": M, "C": C}, tensors, "N")


def matmul(name: str, *, M: int, K: int, N: int, batch: int = 1) -> Layer:
    """A matrix product O[b,m,n] = Σ_k I[b,m,k] · W[b,k,n], `batch` independent ones (B).

    The left operand is called `input` and the right one `weight`, so that every chip can hold them. The
    dimensions are the matmul's own (M rows, N columns, K inner), not those of a convolution.

    >>> matmul("scores", M=128, K=64, N=128, batch=12).macs
    12582912
    """
    b = (_rank("B", ("B", 1)),) if batch > 1 else ()
    m, n, k = (_rank(d, (d, 1)) for d in "MNK")
    tensors = (
        Tensor("input", (*b, m, k)),
        Tensor("weight", (*b, k, n)),
        Tensor("output", (*b, m, n), is_output=True),
    )
    return Layer(name, "matmul", {**({"B": batch} if batch > 1 else {}), "M": M, "N": N, "K": K}, tensors)
