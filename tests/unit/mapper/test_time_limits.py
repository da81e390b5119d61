"""A search that is cut short: what it has found so far, a bound that holds, and no proof that is none.

With a clock that advances by one whenever it is read, searches stop at every place where they look at it.
"""

from itertools import count
from time import monotonic

import pytest

from chipwise.components.load import load_accelerator
from chipwise.errors import InputError, NoMappingError
from chipwise.mapper import question
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import Certificate, Found, front, search
from chipwise.mapping.legality import check
from chipwise.model.cost import cost
from chipwise.workload.kinds import conv, fully_connected
from tests.unit.mapper.cases import CLOSE, OBJECTIVES, drawn, solve, space_of, value
from tests.unit.model.known_case import LAYER, matmul_chip

HARD = conv("hard", M=256, C=256, P=56, Q=56, R=5, S=5)
SPACE = Mapspace("even", "spatial")


@pytest.fixture
def clock(monkeypatch):
    """Sets a clock that counts how often it is read."""

    def start() -> None:
        ticks = count()
        monkeypatch.setattr(question, "monotonic", lambda: float(next(ticks)))

    return start


def assert_holds(certificate: Certificate, optimum: float) -> None:
    """What a certificate promises, cut short or not."""
    assert certificate.bound <= optimum * (1 + CLOSE)
    assert certificate.value >= optimum * (1 - CLOSE)
    assert 0 <= certificate.gap <= 1
    if certificate.value:
        assert certificate.gap == pytest.approx(1 - certificate.bound / certificate.value)
    if certificate.proven:
        assert certificate.value == pytest.approx(optimum, rel=CLOSE)
        assert certificate.gap == 0


def cut_short(search_it) -> Found | list[Found] | None:
    """What is found in time, None where nothing is."""
    try:
        return search_it()
    except NoMappingError as error:
        if error.constraint != "time":
            raise
        return None


def test_a_mapping_with_its_gap():
    chip = load_accelerator("simple")
    found = search(HARD, chip, time_limit_s=1.0, space=SPACE)
    certificate = found.certificate
    check(HARD, chip, found.mapping)

    assert not certificate.proven
    assert 0 < certificate.gap < 1
    assert certificate.bound == pytest.approx((1 - certificate.gap) * certificate.value)
    assert cost(HARD, chip, found.mapping).energy_pj == pytest.approx(certificate.value)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_bounds_hold_whenever_the_time_is_up(objective):
    chip, space = matmul_chip(), Mapspace("uneven", "spatial" if objective == "energy" else "perfect")
    optimum = search(LAYER, chip, objective, space=space).certificate.value
    for hundredths in (5, 10, 20, 40, 80):
        found = cut_short(lambda limit=hundredths / 100: search(LAYER, chip, objective, limit, space))
        if found is not None:
            check(LAYER, chip, found.mapping)
            assert_holds(found.certificate, optimum)


def test_bounds_hold_wherever_the_search_is_cut_short(clock):
    unproven = 0
    for seed in range(30):
        problem, space = drawn(seed), space_of(seed)
        for objective in ("energy", "latency,traffic"):
            whole = solve(problem, objective, space)
            for ticks in range(1, 60, 7) if whole is not None else ():
                clock()
                found = cut_short(lambda o=objective, t=ticks, p=problem, s=space: search(*p, o, t, s))
                if found is not None:
                    assert_holds(found.certificate, value(whole))
                    unproven += not found.certificate.proven
    assert unproven > 10  # or nothing was cut short


def test_a_front_that_is_cut_short_does_not_look_complete(clock):
    layer, chip = fully_connected("fc", M=10, C=12), load_accelerator("eyeriss")
    whole = front(layer, chip)
    lengths = set()
    for ticks in range(1, 200):
        clock()
        points = cut_short(lambda t=ticks: front(layer, chip, t))
        if points is None:
            continue
        lengths.add(len(points))
        known = [p for p in points if p.certificate.proven]
        assert [p.mapping for p in known] == [p.mapping for p in whole[: len(known)]]
        if len(known) == len(points):  # all proven: then that is all
            assert len(points) == len(whole)
    assert len(lengths) > 1  # or nothing was cut short


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_limit_of_nothing_is_refused(seconds):
    with pytest.raises(InputError, match="must be above 0"):
        search(LAYER, matmul_chip(), time_limit_s=seconds)
    with pytest.raises(InputError, match="must be above 0"):
        front(LAYER, matmul_chip(), time_limit_s=seconds)


@pytest.mark.parametrize("of", [search, front])
def test_too_little_time_to_find_anything_says_so(of):
    with pytest.raises(NoMappingError, match="allow more time"):
        of(HARD, load_accelerator("simple"), time_limit_s=1e-6, space=SPACE)


@pytest.mark.parametrize("of", [search, front])
def test_the_limit_is_kept_while_tables_are_built(of):
    # Which takes about ten seconds here; nothing is found before it is done.
    start = monotonic()
    cut_short(
        lambda: of(HARD, load_accelerator("simple"), time_limit_s=0.5, space=Mapspace("uneven", "perfect"))
    )
    assert monotonic() - start < 5
