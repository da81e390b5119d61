"""Layers written as einsum strings: `O[n,m,p,q] = I[n,c,2p+r,2q+s] * W[m,c,r,s]`.

Grammar, blanks being free:

    einsum = tensor "=" tensor "*" tensor
    tensor = name "[" rank { "," rank } "]"
    rank   = term { "+" term }
    term   = dim | number dim | number "*" dim | dim "*" number

As a network of its own it carries its extents: `O[m,p] = I[c,p+r] * W[m,c,r]; m=16, c=8, p=32, r=3`.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.layer import Layer, Rank, Tensor
from chipwise.workload.network import Network

MAX_LENGTH = 1000
"""Longest einsum string, in characters: a typo in a file can't cost time or fill a screen."""

MAX_COEFFICIENT = 4096
"""Largest stride or dilation, as for `kinds.conv`."""

MAX_DIMENSIONS = 26
"""One per letter: a mapping has several loops per dimension, so more could never be searched."""

_EXAMPLE = "O[n,m,p] = I[n,c,p+r] * W[m,c,r]"
_SHOWN = 120
"""Characters of the string around a mistake that a message repeats."""

_WHOLE = f"write it as '{_EXAMPLE}; n=1, m=16, c=8, p=32, r=3'"
_HEAD = re.compile(r"\s*[A-Za-z_]\w*\s*\[[^=]*=", re.ASCII)
_EXTENT = re.compile(r"\s*([A-Za-z_]\w{0,40})\s*=\s*([0-9]{1,12})\s*", re.ASCII)

_ROLES = ("output", "input", "weight")
# Sets of ASCII characters: str.isdigit and str.isalpha also accept characters that int() refuses.
_LETTERS: Final = frozenset(string.ascii_letters + "_")
_DIGITS: Final = frozenset(string.digits)
_NAME: Final = _LETTERS | _DIGITS
_SIGNS: Final = frozenset("[],+*=")


def parse_einsum(name: str, einsum: str, extents: Mapping[str, int]) -> Layer:
    """The layer `name` that computes `einsum` over `extents`.

    Dimensions are upper-cased. The tensors are called `output`, `input` and `weight` in the order in which
    they stand, whatever the user's names, so that every chip can hold them. Dimension N, or else B, is the
    batch if the input and the output have it and the weight has not.

    Args:
        name: the layer's name.
        einsum: at most 1000 characters of the grammar above.
        extents: extent of each dimension, keys in either case.

    Raises:
        InputError: for anything that is not of this form, with the column.

    >>> layer = parse_einsum("own", "O[m,p] = I[c,2p+r] * W[m,c,r]", {"m": 16, "c": 8, "p": 32, "r": 3})
    >>> layer.macs, layer.volume("input"), layer.tensor("input").ranks[1].name
    (12288, 520, '2P+R')
    """
    if not isinstance(einsum, str):
        raise InputError(f"layer {name!r}: einsum = {einsum!r} must be text such as {_EXAMPLE!r}")
    if len(einsum) > MAX_LENGTH:
        raise InputError(
            f"layer {name!r}: the einsum has {len(einsum)} characters, the limit is {MAX_LENGTH}; "
            f"write it as {_EXAMPLE!r}"
        )
    written = _Parser(name, einsum).einsum()
    tensors = tuple(
        Tensor(role, ranks, is_output=role == "output") for role, ranks in zip(_ROLES, written, strict=True)
    )
    used = dict.fromkeys(d for t in tensors for r in t.ranks for d in r.dims)
    if len(used) > MAX_DIMENSIONS:
        raise InputError(f"layer {name!r}: {len(used)} dimensions are more than {MAX_DIMENSIONS}; merge some")
    dims = _extents(name, extents, tuple(used))
    output, left, right = tensors
    batch = (d for d in ("N", "B") if d in left.dims & output.dims - right.dims)
    return Layer(name, "einsum", dims, (left, right, output), next(batch, None))


def is_einsum(text: str) -> bool:
    """Whether `text` is meant as an einsum, right or wrong, rather than as a name or a path.

    >>> is_einsum("O[m] = I[c] * W[m,c]; m=1, c=2"), is_einsum("my[1].yaml"), is_einsum("alexnet")
    (True, False, False)
    """
    return _HEAD.match(text) is not None


def network_of(text: str) -> Network:
    """The network of the one layer that an einsum with its extents describes.

    Args:
        text: an einsum as in `parse_einsum`, `;`, and `dimension=extent` for each dimension, joined by commas.

    Raises:
        InputError: for anything that is not of this form; where extents are missing, with the form.

    >>> network_of("O[n,m,p,q] = I[n,c,2p+r,2q+s] * W[m,c,r,s]; n=1, m=64, c=3, p=112, q=112, r=7, s=7").macs
    118013952
    """
    if len(text) > 2 * MAX_LENGTH:
        raise InputError(f"einsum: {len(text)} characters are more than {2 * MAX_LENGTH}")
    einsum, _, listed = text.partition(";")
    written = _Parser("einsum", einsum).einsum()
    used = dict.fromkeys(d for ranks in written for rank in ranks for d in rank.dims)
    extents: dict[str, int] = {}
    for part in listed.split(",") if listed.strip() else ():
        match = _EXTENT.fullmatch(part)
        if match is None:
            raise InputError(f"einsum: {part.strip()[:60]!r} must be dimension=extent, as m=16; {_WHOLE}")
        name = match[1].upper()
        if name not in used:
            raise InputError(f"einsum: {match[1]!r} is no dimension of it." + did_you_mean(name, used))
        if name in extents:
            raise InputError(f"einsum: {name} is given twice; dimensions ignore case, keep one")
        extents[name] = int(match[2])
    missing = [d.lower() for d in used if d not in extents]
    if missing:
        raise InputError(f"einsum: no extent for {', '.join(missing)}; {_WHOLE}")
    return Network("einsum", (parse_einsum("einsum", einsum, extents),))


def _extents(layer: str, extents: Mapping[str, int], used: tuple[str, ...]) -> dict[str, int]:
    """The extents in the order in which the einsum names its dimensions."""
    if not isinstance(extents, Mapping):
        raise InputError(
            f"layer {layer!r}: dims = {extents!r} must give an extent per dimension, as {{m: 16}}"
        )
    given: dict[str, int] = {}
    for key, extent in extents.items():
        if not isinstance(key, str) or key.upper() not in used:
            raise InputError(
                f"layer {layer!r}: dims gives {key!r}, which is no dimension of the einsum."
                + did_you_mean(str(key).upper(), used)
            )
        if key.upper() in given:
            raise InputError(f"layer {layer!r}: dims gives {key.upper()} twice; dimensions ignore case")
        given[key.upper()] = extent
    missing = [d for d in used if d not in given]
    if missing:
        raise InputError(
            f"layer {layer!r}: dims has no extent for {', '.join(missing)}; add e.g. {missing[0].lower()}: 1"
        )
    return {d: given[d] for d in used}


@final
@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """`name`, `number`, `end`, or the sign itself."""
    text: str
    column: int

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


@final
class _Parser:
    """Reads tokens from left to right; every method consumes one rule of the grammar."""

    def __init__(self, layer: str, text: str) -> None:
        self._layer = layer
        self._text = text
        self._tokens = self._split(text)
        self._next = 0
        self._tensors: list[str] = []

    def einsum(self) -> list[tuple[Rank, ...]]:
        """Ranks of the output and of the two operands."""
        output = self._tensor()
        self._take("=", "'='")
        left = self._tensor()
        self._take("*", "'*' and a second tensor (exactly two on the right)")
        right = self._tensor()
        self._take("end", "the end (exactly two tensors on the right; split longer products into layers)")
        return [output, left, right]

    def _tensor(self) -> tuple[Rank, ...]:
        token = self._take("name", "a tensor such as I[n,c]")
        # Data common to two operands would be counted twice, and a sum over the output never ends.
        if token.text in self._tensors:
            raise self._error(
                token.column, f"two tensors are called {token.text!r}; give each its own data and name"
            )
        self._tensors.append(token.text)
        self._take("[", f"'[' after {token.text!r}")
        ranks = [self._rank()]
        while self._peek().kind == ",":
            self._take(",", "','")
            ranks.append(self._rank())
        self._take("]", "',', '+' or ']'")
        return tuple(ranks)

    def _rank(self) -> Rank:
        column = self._peek().column
        terms = [self._term()]
        while self._peek().kind == "+":
            self._take("+", "'+'")
            terms.append(self._term())
        dims = [d for d, _ in terms]
        twice = next((d for i, d in enumerate(dims) if d in dims[:i]), None)
        if twice is not None:
            raise self._error(column, f"{twice} stands twice in one rank; add its coefficients")
        return Rank("+".join(d if c == 1 else f"{c}{d}" for d, c in terms), tuple(terms))

    def _term(self) -> tuple[str, int]:
        first = self._peek()
        if first.kind == "number":
            self._take("number", "a number")
            if self._peek().kind == "*":
                self._take("*", "'*'")
            dim = self._take("name", "a dimension after the coefficient").text
            return dim.upper(), self._coefficient(first)
        dim = self._take("name", "a dimension such as p or 2p").text
        if self._peek().kind != "*":
            return dim.upper(), 1
        self._take("*", "'*'")
        return dim.upper(), self._coefficient(self._take("number", "a number after '*'"))

    def _coefficient(self, token: _Token) -> int:
        value = int(token.text)
        if not 1 <= value <= MAX_COEFFICIENT:
            raise self._error(
                token.column, f"coefficient {token.text} must be between 1 and {MAX_COEFFICIENT}"
            )
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, kind: str, expected: str) -> _Token:
        token = self._tokens[self._next]
        if token.kind != kind:
            raise self._error(token.column, f"expected {expected}, found {token.shown}")
        self._next += 1
        return token

    def _split(self, text: str) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while at < len(text):
            char, start = text[at], at
            at += 1
            if char in _SIGNS:
                tokens.append(_Token(char, char, start + 1))
            elif char in _DIGITS:
                while at < len(text) and text[at] in _DIGITS:
                    at += 1
                tokens.append(_Token("number", text[start:at], start + 1))
            elif char in _LETTERS:
                while at < len(text) and text[at] in _NAME:
                    at += 1
                tokens.append(_Token("name", text[start:at], start + 1))
            elif char not in " \t\r\n":
                raise self._error(start + 1, f"{char!r} has no meaning here; ranks are sums as 2p+r")
        tokens.append(_Token("end", "", len(text) + 1))
        return tokens

    def _error(self, column: int, problem: str) -> InputError:
        start = max(0, column - _SHOWN // 2)
        shown = self._text[start : start + _SHOWN]
        before, after = "..." if start else "", "..." if start + _SHOWN < len(self._text) else ""
        return InputError(
            f"layer {self._layer!r}: einsum {before + shown + after!r}, column {column}: {problem}; "
            f"write it as {_EXAMPLE!r}"
        )
