"""Stencils: exact weights, exact order, values that print, compare and travel."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.rules.finite_difference_weights import HIGHEST
from fastgrad.rules.stencils import Stencil

pytestmark = pytest.mark.machine_code

ORDERS = range(1, HIGHEST + 1)
MAKERS = (fg.forward, fg.backward, fg.central)
EVERY = [make(order, n) for make in MAKERS for order in ORDERS for n in ORDERS]


def fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, text.split()))


def power(n: int, k: int) -> int:
    """The `n`-th derivative of ``x**k`` at 0."""
    return factorial(n) if k == n else 0


# Known cases: Fornberg 1988 -------------------------------------------------------------------------------------------

#: Table 1, centred: (n, order), the left half and the middle.
CENTRED = {
    (1, 2): "-1/2 0",
    (1, 4): "1/12 -2/3 0",
    (1, 6): "-1/60 3/20 -3/4 0",
    (1, 8): "1/280 -4/105 1/5 -4/5 0",
    (2, 2): "1 -2",
    (2, 4): "-1/12 4/3 -5/2",
    (2, 6): "1/90 -3/20 3/2 -49/18",
    (2, 8): "-1/560 8/315 -1/5 8/5 -205/72",
    (3, 2): "-1/2 1 0",
    (3, 4): "1/8 -1 13/8 0",
    (3, 6): "-7/240 3/10 -169/120 61/30 0",
    (4, 2): "1 -4 6",
    (4, 4): "-1/6 2 -13/2 28/3",
    (4, 6): "7/240 -2/5 169/60 -122/15 91/8",
}

#: Table 2, at a point half way between grid points: (n, order), the left half.
HALFWAY = {
    (0, 2): "1/2",
    (0, 4): "-1/16 9/16",
    (0, 6): "3/256 -25/256 75/128",
    (0, 8): "-5/2048 49/2048 -245/2048 1225/2048",
    (1, 2): "-1",
    (1, 4): "1/24 -9/8",
    (1, 6): "-3/640 25/384 -75/64",
    (1, 8): "5/7168 -49/5120 245/3072 -1225/1024",
    (2, 2): "1/2 -1/2",
    (2, 4): "-5/48 13/16 -17/24",
    (2, 6): "259/11520 -499/2304 1299/1280 -1891/2304",
    (3, 2): "-1 3",
    (3, 4): "1/8 -13/8 17/4",
    (4, 2): "1/2 -3/2 1",
    (4, 4): "-7/48 59/48 -45/16 83/48",
}

#: Table 3, one-sided: (n, order).
ONE_SIDED = {
    (1, 1): "-1 1",
    (1, 2): "-3/2 2 -1/2",
    (1, 3): "-11/6 3 -3/2 1/3",
    (1, 4): "-25/12 4 -3 4/3 -1/4",
    (1, 5): "-137/60 5 -5 10/3 -5/4 1/5",
    (1, 6): "-49/20 6 -15/2 20/3 -15/4 6/5 -1/6",
    (1, 7): "-363/140 7 -21/2 35/3 -35/4 21/5 -7/6 1/7",
    (1, 8): "-761/280 8 -14 56/3 -35/2 56/5 -14/3 8/7 -1/8",
    (2, 1): "1 -2 1",
    (2, 2): "2 -5 4 -1",
    (2, 3): "35/12 -26/3 19/2 -14/3 11/12",
    (2, 4): "15/4 -77/6 107/6 -13 61/12 -5/6",
    (2, 5): "203/45 -87/5 117/4 -254/9 33/2 -27/5 137/180",
    (2, 6): "469/90 -223/10 879/20 -949/18 41 -201/10 1019/180 -7/10",
    (3, 1): "-1 3 -3 1",
    (3, 2): "-5/2 9 -12 7 -3/2",
    (3, 3): "-17/4 71/4 -59/2 49/2 -41/4 7/4",
    (3, 4): "-49/8 29 -461/8 62 -307/8 13 -15/8",
    (4, 1): "1 -4 6 -4 1",
    (4, 2): "3 -14 26 -24 11 -2",
    (4, 3): "35/6 -31 137/2 -242/3 107/2 -19 17/6",
    (4, 4): "28/3 -111/2 142 -1219/6 176 -185/2 82/3 -7/2",
}


@pytest.mark.parametrize(("n", "order"), CENTRED)
def test_fornberg_table_1(n: int, order: int) -> None:
    half = fractions(CENTRED[n, order])
    sign = -1 if n % 2 else 1
    stencil = fg.central(order, n)
    assert stencil.exact_weights == half + tuple(sign * w for w in half[-2::-1])
    assert stencil.weights == tuple(map(float, stencil.exact_weights))
    assert np.array_equal(fg.weights(np.arange(len(stencil.offsets)), x0=len(half) - 1, n=n), stencil.weights)


@pytest.mark.parametrize(("n", "order"), HALFWAY)
def test_fornberg_table_2(n: int, order: int) -> None:
    half = fractions(HALFWAY[n, order])
    sign = -1 if n % 2 else 1
    wanted = half + tuple(sign * w for w in half[::-1])
    nodes = np.arange(len(wanted)) - (len(wanted) - 1) / 2
    assert fg.weights(nodes, n=n).tolist() == [float(w) for w in wanted]
    if n:
        assert Stencil(nodes, n).exact_weights == wanted
        assert Stencil(nodes, n).order == order


@pytest.mark.parametrize(("n", "order"), ONE_SIDED)
def test_fornberg_table_3(n: int, order: int) -> None:
    wanted = fractions(ONE_SIDED[n, order])
    assert fg.forward(order, n).exact_weights == wanted
    sign = -1 if n % 2 else 1
    assert fg.backward(order, n).exact_weights == tuple(sign * w for w in wanted[::-1])


# Laws -----------------------------------------------------------------------------------------------------------------


def test_exact_on_polynomials_up_to_the_order_and_no_further() -> None:
    for stencil in EVERY:
        moments = [
            sum(w * o**k for w, o in zip(stencil.exact_weights, stencil.offsets, strict=True))
            for k in range(stencil.order + stencil.n + 1)
        ]
        assert moments[:-1] == [power(stencil.n, k) for k in range(stencil.order + stencil.n)], stencil
        assert moments[-1] != 0, stencil


def test_orders_asked_for() -> None:
    for order, n in product(ORDERS, ORDERS):
        forward, backward, central = (make(order, n) for make in MAKERS)
        assert (forward.order, forward.n) == (backward.order, backward.n) == (order, n)
        assert (central.order, central.n) == (order + order % 2, n)
        assert len(forward.offsets) == len(backward.offsets) == order + n
        assert min(forward.offsets) == max(backward.offsets) == 0


def test_backward_mirrors_forward() -> None:
    for order, n in product(ORDERS, ORDERS):
        forward, backward, central = (make(order, n) for make in MAKERS)
        sign = (-1) ** n
        assert backward.offsets == tuple(-o for o in reversed(forward.offsets))
        assert backward.exact_weights == tuple(sign * w for w in reversed(forward.exact_weights))
        assert central.exact_weights == tuple(sign * w for w in reversed(central.exact_weights))


def test_differences_are_the_same_sum() -> None:
    for stencil in EVERY:
        total = dict.fromkeys(stencil.offsets, Fraction(0))
        for weight, here, base in stencil.differences:
            total[here] += weight
            total[base] -= weight
        assert tuple(total.values()) == stencil.exact_weights, stencil
        assert set(stencil.needed) <= set(stencil.offsets), stencil
        assert {o for o, w in total.items() if w} <= set(stencil.needed), stencil


def test_prints_as_the_call_that_makes_it() -> None:
    for stencil in EVERY:
        assert eval(repr(stencil), {m.__name__: m for m in MAKERS}) == stencil


@given(st.sets(st.fractions(-20, 20, max_denominator=12), min_size=2, max_size=7), st.integers(1, 6))
def test_any_stencil_prints_hashes_and_travels(offsets: set[Fraction], n: int) -> None:
    n = min(n, len(offsets) - 1)
    stencil = Stencil(offsets, n)
    names = {"Stencil": Stencil, "Fraction": Fraction, **{m.__name__: m for m in MAKERS}}
    assert eval(repr(stencil), names) == stencil
    assert stencil.offsets == tuple(sorted(offsets))
    travelled = pickle.loads(pickle.dumps(stencil))
    assert travelled == stencil == Stencil(reversed(stencil.offsets), n)
    assert hash(travelled) == hash(stencil)
    assert travelled.exact_weights == stencil.exact_weights
    assert stencil.order >= len(offsets) - n


def solved(nodes: list[Fraction], x0: Fraction, n: int) -> list[Fraction]:
    """The weights as the solution of the Vandermonde system, by elimination."""
    size = len(nodes)
    rows = [[(x - x0) ** k for x in nodes] + [Fraction(power(n, k))] for k in range(size)]
    for i in range(size):
        pivot = next(r for r in range(i, size) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for r in range(size):
            if r != i and rows[r][i]:
                rows[r] = [a - rows[r][i] * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[-1] for row in rows]


NODES = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-3),
                 min_size=1, max_size=7, unique=True)  # fmt: skip


@given(NODES, st.floats(-100, 100), st.integers(0, 5))
def test_weights_solve_the_vandermonde_system(nodes: list[float], x0: float, n: int) -> None:
    n = min(n, len(nodes) - 1)
    wanted = solved([Fraction(v) for v in nodes], Fraction(x0), n)
    assert fg.weights(nodes, x0, n).tolist() == [float(w) for w in wanted]


@given(NODES.filter(lambda v: len(v) > 1), st.randoms(use_true_random=False))
def test_weights_follow_the_order_of_the_nodes(nodes: list[float], random: object) -> None:
    order = list(range(len(nodes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert fg.weights([nodes[i] for i in order], 0.5).tolist() == [fg.weights(nodes, 0.5)[i] for i in order]


def test_weights_take_every_real_type() -> None:
    for dtype in (np.int8, np.uint64, np.float16, np.float32, ">f8", np.longdouble):
        assert fg.weights(np.arange(3).astype(dtype)).tolist() == [-1.5, 2.0, -0.5]
    assert fg.weights((0, 1, 2), x0=np.int64(1)).tolist() == [-0.5, 0.0, 0.5]
    assert fg.weights([7.0], x0=3.0, n=0).tolist() == [1.0]


def test_steps_are_powers_of_two_that_grow_with_the_order() -> None:
    eps = float(np.finfo(float).eps)
    for make in MAKERS:
        steps = [make(order).step_for(eps) for order in (2, 4, 6, 8)]
        assert steps == sorted(steps)
        assert all(np.frexp(h)[0] == 0.5 for h in steps)
        assert all(make().step_for(e) > make().step_for(eps) for e in (1e-12, 1e-7))


def test_equal_stencils_are_one_value() -> None:
    assert Stencil([0, 1]) == fg.forward() == Stencil((1.0, 0.0))
    assert fg.forward(3) is fg.forward(order=3)
    assert fg.forward() != fg.backward()
    assert len({fg.central(), Stencil([-1, 0, 1]), fg.central(1)}) == 1
    with pytest.raises(AttributeError):
        fg.central().n = 2  # type: ignore[misc]


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["order", "n"])
@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (-1, ValueError), (11, ValueError), (2.0, TypeError),
                                              (True, TypeError), ("2", TypeError), (None, TypeError)])  # fmt: skip
def test_bad_orders(make: object, name: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"`{name}`"):
        make(**{name: value})  # type: ignore[operator]


@pytest.mark.parametrize(("offsets", "n", "error", "named"), [
    ([0, 0, 1], 1, ValueError, "offsets"), ([0], 1, ValueError, "offsets"), ([], 1, ValueError, "offsets"),
    ([0, 1], 2, ValueError, "n"), ([0, np.nan], 1, TypeError, "offsets"), ([0, np.inf], 1, TypeError, "offsets"),
    (["a", "b"], 1, TypeError, "offsets"), (3, 1, TypeError, "offsets"), ([0, 1], 0, ValueError, "n"),
    ([0, 1], 1.0, TypeError, "n"),
])  # fmt: skip
def test_bad_stencils(offsets: object, n: object, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=f"`{named}`"):
        Stencil(offsets, n)  # type: ignore[arg-type]


@pytest.mark.parametrize(("nodes", "x0", "n", "error", "named"), [
    ([0, 0], 0.0, 1, ValueError, "nodes"), ([0, np.nan], 0.0, 1, ValueError, "nodes"),
    ([0, 1], np.inf, 1, ValueError, "x0"), ([0, 1], None, 1, TypeError, "x0"), ([0, 1], "a", 1, TypeError, "x0"),
    ([0, 1], 0.0, 2, ValueError, "nodes"), ([], 0.0, 0, ValueError, "nodes"), ([[0, 1]], 0.0, 1, ValueError, "nodes"),
    (["a", "b"], 0.0, 1, TypeError, "nodes"), ([0, 1j], 0.0, 1, TypeError, "nodes"), (2.0, 0.0, 0, ValueError, "nodes"),
    ([0, 1], 0.0, -1, ValueError, "n"), ([0, 1], 0.0, 1.0, TypeError, "n"), ([True, False], 0.0, 1, TypeError, "nodes"),
])  # fmt: skip
def test_bad_nodes(nodes: object, x0: object, n: object, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=f"`{named}`"):
        fg.weights(nodes, x0, n)  # type: ignore[arg-type]


# Regressions ----------------------------------------------------------------------------------------------------------


def test_thirds_print_as_thirds() -> None:
    """``1/3`` evaluates to a float, which is another stencil."""
    stencil = Stencil([0, Fraction(1, 3), Fraction(-1, 2)])
    assert repr(stencil) == "Stencil(offsets=(-1/2, 0, Fraction(1, 3)), n=1)"
    assert eval(repr(stencil)) == stencil


def test_long_stencil_does_not_print_as_a_rule_that_cannot_be_made() -> None:
    for stencil in (Stencil(range(13)), Stencil(range(-12, 1)), Stencil(range(-7, 8)), Stencil(range(12), 10)):
        assert eval(repr(stencil), {"Stencil": Stencil, "forward": fg.forward}) == stencil


def test_weights_beyond_double_range_are_an_error_that_names_the_nodes() -> None:
    with pytest.raises(ValueError, match="`nodes`"):
        fg.weights([0, 1e-200, 2e-200], n=2)


def test_long_double_nodes_are_taken_exactly() -> None:
    third = np.longdouble(1) / 3
    got = fg.weights(np.array([0, third], np.longdouble))
    exact = float(1 / Fraction(*third.as_integer_ratio()))
    assert got.tolist() == [-exact, exact]
