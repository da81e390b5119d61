"""What a layer refuses, in words."""

import pytest

from chipwise.errors import InputError
from chipwise.workload.kinds import conv, fully_connected, matmul
from chipwise.workload.layer import Layer, Rank, Tensor


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: fully_connected("fc", M=0, C=4), "M = 0 must be between 1"),
        (lambda: fully_connected("fc", M=10**5000, C=4), "M = a number of over 30 digits must be"),
        (lambda: fully_connected("fc", M=2**30, C=2**30), "1.15e\\+18 MACs are more than"),
        (
            lambda: conv("c", M=1, C=4096, P=2**20, Q=2**20, R=1, S=1, stride=4096),
            "tensor 'input' spans more than",
        ),
        (lambda: conv("c", M=6, C=4, P=2, Q=2, R=1, S=1, groups=4), "groups = 4 must divide M = 6"),
        (lambda: conv("c", M=6, C=4, P=2, Q=2, R=1, S=1, stride=0), "stride = 0 must be between"),
        (lambda: Layer("x", "own", {}, ()), "has no dimensions"),
        (
            lambda: Layer("x", "own", {"M": 2}, (Tensor("a", (Rank("M", (("M", 1),)),)),)),
            "exactly one output",
        ),
    ],
)
def test_a_senseless_layer_is_refused(build, says):
    with pytest.raises(InputError, match=says):
        build()


def test_a_huge_product_of_many_extents_is_refused():
    dims = {f"D{i}": 2**31 - 1 for i in range(40)}
    tensor = Tensor("output", tuple(Rank(d, ((d, 1),)) for d in dims), is_output=True)
    with pytest.raises(InputError, match=r"over 1e\+300 MACs"):
        Layer("huge", "own", dims, (tensor,))


def test_batch_multiplies_the_batch_dimension_only():
    assert conv("c", M=2, C=2, P=2, Q=2, R=1, S=1).with_batch(4).dims["N"] == 4
    assert matmul("m", M=2, K=2, N=2).with_batch(1).dims["N"] == 2
    with pytest.raises(InputError, match="has no batch dimension"):
        matmul("m", M=2, K=2, N=2).with_batch(2)
    with pytest.raises(InputError, match="batch = 0 must be at least 1"):
        fully_connected("fc", M=2, C=2).with_batch(0)
