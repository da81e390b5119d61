import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.workload.einsum import MAX_LENGTH, is_einsum, network_of, parse_einsum
from chipwise.workload.kinds import conv, matmul

CONV = "O[n,m,p,q] = I[n,c,2p+r,2q+s] * W[m,c,r,s]"
CONV_DIMS = {"n": 1, "m": 4, "c": 3, "p": 5, "q": 6, "r": 3, "s": 2}


def message(einsum: object, dims: object) -> str:
    with pytest.raises(InputError) as caught:
        parse_einsum("own", einsum, dims)  # type: ignore[arg-type]
    found = str(caught.value)
    assert found.startswith("layer 'own': ")
    assert "\n" not in found
    assert len(found) < 500
    return found


def test_the_operands_become_input_and_weight_in_the_order_of_every_chip():
    layer = parse_einsum("own", CONV, CONV_DIMS)
    assert [t.name for t in layer.tensors] == ["input", "weight", "output"]
    assert [t.is_output for t in layer.tensors] == [False, False, True]
    assert layer.kind == "einsum"
    assert dict(layer.dims) == {"N": 1, "M": 4, "P": 5, "Q": 6, "C": 3, "R": 3, "S": 2}


def test_a_rank_is_named_after_its_sum():
    assert [r.name for r in parse_einsum("own", CONV, CONV_DIMS).tensor("input").ranks] == [
        "N", "C", "2P+R", "2Q+S",
    ]  # fmt: skip


@settings(deadline=None)
@given(
    extents=st.tuples(*[st.integers(1, 9)] * 7), stride=st.integers(1, 5), dilation=st.integers(1, 5)
)  # fmt: skip
def test_a_convolution_as_einsum_counts_what_the_convolution_counts(extents, stride, dilation):
    dims = dict(zip("NMCPQRS", extents, strict=True))
    text = f"O[n,m,p,q] = I[n,c,{stride}p+{dilation}r,{stride}q+{dilation}s] * W[m,c,r,s]"
    written, built = parse_einsum("x", text, dims), conv("x", **dims, stride=stride, dilation=dilation)
    assert written.macs == built.macs
    assert [t.volume(written.dims) for t in written.tensors] == [t.volume(built.dims) for t in built.tensors]
    assert [t.dims for t in written.tensors] == [t.dims for t in built.tensors]


def test_a_batched_matmul_as_einsum_is_the_matmul():
    written = parse_einsum("x", "C[b,m,n] = A[b,m,k] * B[b,k,n]", {"b": 2, "m": 3, "n": 4, "k": 5})
    assert written.tensors == matmul("x", M=3, K=5, N=4, batch=2).tensors


@pytest.mark.parametrize("term", ["2p", "2 p", "2*p", "p*2", "02P", "p * 2", "\n2\tp"])
def test_every_spelling_of_a_coefficient(term):
    layer = parse_einsum("x", f"O[m,p] = I[c,{term}+r] * W[m,c,r]", {"m": 2, "p": 4, "c": 3, "r": 3})
    assert layer.volume("input") == 3 * 9


def test_blanks_and_case_do_not_matter():
    tight = parse_einsum("x", CONV.replace(" ", ""), CONV_DIMS)
    loose = parse_einsum(
        "x", CONV.upper().replace(",", " ,\n "), {k.upper(): v for k, v in CONV_DIMS.items()}
    )
    assert tight == loose


@pytest.mark.parametrize(
    ("einsum", "batch_dim"),
    [
        ("O[n,m] = I[n,c] * W[m,c]", "N"),
        ("O[b,m] = I[b,c] * W[m,c]", "B"),
        ("O[m,n] = I[m,c] * W[c,n]", None),
        ("O[b,m] = I[b,c] * W[b,m,c]", None),
    ],
)
def test_the_batch_is_the_dimension_that_the_weights_lack(einsum, batch_dim):
    dims = {d: 2 for d in "nbmc" if d in einsum}
    assert parse_einsum("x", einsum, dims).batch_dim == batch_dim


@pytest.mark.parametrize(
    ("einsum", "says"),
    [
        ("", "column 1: expected a tensor such as I[n,c], found the end"),
        ("O", "expected '[' after 'O'"),
        ("O[]=I[a]*W[a]", "expected a dimension such as p or 2p, found ']'"),
        ("O[a]", "expected '=', found the end"),
        ("O[a]=I[a]", "exactly two on the right"),
        ("O[a]=I[a]*W[a]*Z[a]", "exactly two tensors on the right"),
        ("O[a]=I[a]+W[a]", "expected '*' and a second tensor"),
        ("O[a]+=I[a]*W[a]", "expected '=', found '+'"),
        ("O[a]=I[a]*I[a]", "column 11: two tensors are called 'I'"),
        ("O[a]=O[a]*I[a]", "two tensors are called 'O'"),
        ("O[a]=I[a-1]*W[a]", "'-' has no meaning here"),
        ("O[a]=I[a+1]*W[a]", "expected a dimension after the coefficient"),
        ("O[a]=I[0a]*W[a]", "coefficient 0 must be between 1 and 4096"),
        ("O[a]=I[4097a]*W[a]", "coefficient 4097"),
        ("O[a]=I[2*3*a]*W[a]", "expected a dimension after the coefficient, found '3'"),
        ("O[a]=I[a*b]*W[a]", "expected a number after '*', found 'b'"),
        ("O[a]=I[2a+a]*W[a]", "A stands twice in one rank"),
        ("O[a]=I[a,a]*W[a]", "uses one dimension in two ranks"),
        ("O[a]=I[a*W[a]", "expected a number after '*'"),
        ("O[a]=I[a]*W[²a]", "'²' has no meaning here"),
        ("O[a]=I[a]*W[å]", "'å' has no meaning here"),
        ("O[a]=I[a]*W[٣a]", "'٣' has no meaning here"),
        ("O[a]=I[a]*W[a" + " " * 980 + "]}", "column 995: '}' has no meaning"),
        ("O" * (MAX_LENGTH + 1), "has 1001 characters, the limit is 1000"),
        ("O[" + ",".join(f"d{i}" for i in range(27)) + "]=I[d0]*W[d0]", "27 dimensions are more than 26"),
        (7, "einsum = 7 must be text"),
    ],
)
def test_a_malformed_einsum_is_refused_with_the_place_and_the_fix(einsum, says):
    assert says in message(einsum, {"a": 4})


@pytest.mark.parametrize(
    ("dims", "says"),
    [
        ({}, "no extent for A, BAND; add e.g. a: 1"),
        ({"a": 4}, "no extent for BAND; add e.g. band: 1"),
        ({"a": 4, "bandd": 4}, "gives 'bandd', which is no dimension of the einsum. Did you mean 'BAND'?"),
        ({"a": 4, "A": 4, "band": 1}, "gives A twice"),
        ({"a": 0, "band": 1}, "A = 0 must be between 1"),
        ({"a": 2**31, "band": 1}, "must be between 1"),
        ({"a": 1.0, "band": 1}, "A = 1.0 must be a whole number"),
        ({"a": True, "band": 1}, "must be a whole number"),
        ({"a": None, "band": 1}, "must be a whole number"),
        ({3: 4, "a": 4, "band": 1}, "gives 3, which is no dimension"),
        ([4, 4], "dims = [4, 4] must give an extent per dimension"),
        ({"a": 2**30, "band": 2**30}, "more than 2^53"),
    ],
)
def test_bad_extents_are_refused(dims, says):
    assert says in message("O[a] = I[a,band] * W[band]", dims)


def test_the_message_shows_the_place_of_a_mistake_in_a_long_einsum():
    text = "O[a] = I[" + "+".join(f"x{i}" for i in range(100)) + "] * W[a!]"
    found = message(text, {})
    assert "W[a!]" in found
    assert "'...+x" in found


# Property: whatever the text and the extents are, a layer or an InputError comes out.

_pieces = st.sampled_from([*"OIWnmcpqrs", *"[],+*= 0123456789", "2p", "p*2", " = ", "] * W["])
_extents = st.dictionaries(
    st.sampled_from([*"nmcpqrsNMCPQRS", "x", ""]) | st.text(max_size=3) | st.integers(),
    st.integers(-2, 40) | st.integers() | st.floats() | st.booleans() | st.none() | st.text(max_size=3),
    max_size=9,
)


@settings(deadline=None)
@given(text=st.text(max_size=60) | st.lists(_pieces, max_size=60).map("".join), dims=_extents)
def test_only_input_errors_escape_from_garbage(text, dims):
    with contextlib.suppress(InputError):
        parse_einsum("x", text, dims)


@settings(deadline=None)
@given(data=st.data())
def test_only_input_errors_escape_from_a_mutated_einsum(data):
    text = CONV
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(_pieces | st.just("") | st.characters()) + text[at + 1 :]
    with contextlib.suppress(InputError):
        layer = parse_einsum("x", text, CONV_DIMS)
        assert set(layer.dims) == {
            d.upper() for d in re.findall(r"[a-zA-Z_]\w*(?!\w|\[)", "".join(text.split()))
        }


# An einsum with its extents is a network.


@pytest.mark.parametrize("text", ["O[m]=I[c]*W[m,c];m=2,c=3", " O[M] = I[C] * W[M,C] ; c = 3 , m = 2 "])
def test_an_einsum_with_its_extents_is_a_network_of_one_layer(text):
    network = network_of(text)
    assert (network.name, network.macs, [layer.kind for layer in network.layers]) == ("einsum", 6, ["einsum"])


@pytest.mark.parametrize("text", ["O[m = I[c]", "O[] = 3", "my_out [a,b]=", "O[n] += I[n] * W[n]"])
def test_what_is_meant_as_an_einsum_is_taken_for_one(text):
    assert is_einsum(text)
    with pytest.raises(InputError):
        network_of(text)


@pytest.mark.parametrize("text", ["alexnet", "net[1].yaml", "./a=b.yaml", "conv:M=96,C=3", "", "[]"])
def test_names_paths_and_shapes_are_no_einsums(text):
    assert not is_einsum(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("O[m] = I[c] * W[m,c]", "no extent for m, c; write it as 'O[n,m,p] ="),
        ("O[m] = I[c] * W[m,c];", "no extent for m, c; write it"),
        ("O[m] = I[c] * W[m,c]; m=2", "no extent for c; write it"),
        ("O[m] = I[c] * W[m,c]; m=2, c", "'c' must be dimension=extent, as m=16"),
        ("O[m] = I[c] * W[m,c]; m=2, c=-1", "'c=-1' must be dimension=extent"),
        ("O[m] = I[c] * W[m,c]; m=2, c=3, k=1", "'k' is no dimension of it. Known: C, M."),
        ("O[m] = I[c] * W[m,c]; m=2, c=3, M=1", "M is given twice"),
        ("O[m] = I[c] * W[m,c]; m=0, c=3", "M = 0 must be between 1"),
        ("O[m] = I[c] * ; m=1, c=3", "column 15: expected a tensor"),
        ("O[m] = I[c] * W[m,c]" + " " * 3000, "characters are more than 2000"),
    ],
)
def test_an_incomplete_einsum_shows_how_to_write_it(text, says):
    with pytest.raises(InputError) as caught:
        network_of(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 500
