"""Circuits: the chain rule by its laws, beside mpmath and jax; what can be traced, and what is said of what cannot."""

from __future__ import annotations

import dataclasses
import decimal
import functools
import inspect
import math
import operator
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import gates
from fastgrad.circuits import Circuit
from fastgrad.circuits.chain_rule import jacobian, local_partials
from fastgrad.circuits.derivatives import derivative_of
from fastgrad.gates import Gate
from fastgrad.tracing import PRIMITIVES, Graph, Node, Program, Traced, as_nodes, in_order

pytestmark = pytest.mark.machine_code

EDGES = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300, 710.0, -745.0, 2.5, -3.0, 0.3])
SMOOTH = [g for g in gates.GATES if not hasattr(g, "__not_differentiable__")]
RNG = np.random.default_rng(7)


def ulps(found: Any, wanted: Any) -> Any:
    """Distance in ulps; 0 where both are the same, NaN and infinity included."""
    with np.errstate(all="ignore"):
        gap = abs(found - wanted) / np.spacing(np.maximum(abs(found), abs(wanted)))
    return np.where((found == wanted) | (np.isnan(found) & np.isnan(wanted)), 0.0, gap)


def partials_of(c: Circuit) -> Any:
    """Partial derivatives of a circuit as nodes, with captured numbers as constants."""
    return jacobian(c._outputs, sum(c._template.widths))


def uncompiled(nodes: list[Any], x: Any) -> np.ndarray:
    """Values of nodes at one point, without compiling them."""
    return np.array([float(v) for v in Program(nodes, len(x)).at(x)])


@fg.gate(partials=lambda x: (1 - math.log(x)) / x**2, domain=(0, math.inf))
def log_over_x(x: float) -> float:
    return math.log(x) / x


@fg.gate(partials=lambda x: 2.0 * x if x > 0.5 else 1.0)
def branching(x: float) -> float:
    if x < -100.0:
        raise ValueError("too far left")
    return x * x if x > 0.5 else x - 0.25


@fg.gate(partials=lambda x: 1.0)
def opaque(x: float) -> float:
    return float(decimal.Decimal(x))


@fg.circuit
def at_module_level(x: float, y: float) -> Any:
    return np.exp(x * y) + x


def rosenbrock(v: Any) -> Any:
    return np.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)


# Gates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nin", [1, 2])
def test_circuit_of_gates_is_the_gates(nin: int) -> None:
    """Ties, kinks, edges and all, to the rounding of the last steps; all gates in one circuit."""
    points = [p.ravel() for p in np.meshgrid(*[EDGES] * nin)]
    some = [g for g in SMOOTH if g.nin == nin]
    values, partials = fg.circuit(lambda *x: [g(*x) for g in some], n=(None,) * nin).value_and_partials(*points)
    for gate, value, slopes in zip(some, values, partials, strict=True):
        assert ulps(value, gate(*points)).max() <= 1, gate
        for found, wanted in zip(slopes, gate.partials(*points), strict=True):
            assert ulps(found, wanted).max() <= 4, gate


@pytest.mark.parametrize("gate", [g for g in gates.GATES if g not in SMOOTH], ids=lambda g: g.__name__)
def test_logic_gates_make_conditions(gate: Gate) -> None:
    f = lambda *x: fg.where(gate(*x), 2.0 * x[0], 3.0 * x[0])  # noqa: E731
    c = fg.circuit(f, n=(None,) * gate.nin)
    for x in np.ndindex(*(2,) * gate.nin):
        slope = uncompiled([partials_of(c)[0][0]], x)[0]
        assert slope == (2.0 if gate(*map(float, x)) else 3.0)


def test_users_gates_take_part() -> None:
    x = np.linspace(0.2, 0.9, 15)
    c = fg.circuit(lambda x: log_over_x(x) * branching(x))
    wanted = log_over_x.partials(x)[0] * branching(x) + log_over_x(x) * branching.partials(x)[0]
    assert abs(c.partials(x)[0] - wanted).max() < 1e-14
    with pytest.raises(ValueError, match="too far left"):
        fg.circuit(lambda x: 2 * branching(x))(np.array([1.0, -200.0]))


def test_gate_with_a_branch_is_not_differentiated_twice() -> None:
    c = fg.circuit(lambda v: branching(v[0]) * v[1], n=2)
    assert c.gradient([1.0, 2.0]).tolist() == [4.0, 1.0]
    with pytest.raises(TypeError, match="partial 0 of branching cannot be differentiated again"):
        c.hessian([1.0, 2.0])
    twice = fg.circuit(lambda v: log_over_x(v[0]), n=1)
    assert twice.hessian([1.0]) == pytest.approx(-3.0, rel=1e-15)


def test_branch_not_taken_has_no_part() -> None:
    """Its slope may be infinite or NaN, at the first derivative and at the second."""
    x = np.array([-1.0, 0.0, 2.0])
    c = fg.circuit(lambda x: fg.where(x > 0, np.log(x) + np.sqrt(x) * np.log(x), 3 * x))
    assert c.partials(x)[0][:2].tolist() == [3.0, 3.0]
    h = fg.circuit(lambda v: np.where(v[0] > 0, np.log(v[0]) ** 2, v[0] ** 2), n=1)
    assert h.hessian(x[:, None])[:2].ravel().tolist() == [2.0, 2.0]
    assert fg.circuit(lambda x, y: np.maximum(x, np.where(y > 0, 1 / y, x))).partials(2.0, 0.0) == (1.0, 0.0)


def test_ties_take_the_first() -> None:
    x = 1.5
    assert fg.circuit(lambda x, y: np.maximum(x, y) + np.minimum(x, y)).partials(x, x) == (2.0, 0.0)
    assert fg.circuit(lambda x: abs(x) + gates.relu(x)).partials(0.0) == (0.0,)
    assert fg.circuit(np.hypot).partials(0.0, 0.0) == (0.0, 0.0)


# The chain rule ------------------------------------------------------------------------------------------------------

ONE = (
    "sin",
    "cos",
    "tanh",
    "exp(sin)",
    "sqrt",
    "log",
    "square",
    "negative",
    "arctan",
    "expm1",
    "sigmoid",
    "abs",
    "cbrt",
)
TWO = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "hypot", "arctan2", "where", "power")


def vocabulary(m: Any, where: Any) -> dict[str, Callable[..., Any]]:
    """Functions for random circuits, in NumPy, jax or mpmath, all of them tame."""
    return {
        "sin": m.sin, "cos": m.cos, "tanh": m.tanh, "exp(sin)": lambda x: m.exp(m.sin(x)),
        "sqrt": lambda x: m.sqrt(1.5 + m.cos(x)), "log": lambda x: m.log(x * x + 0.5), "square": lambda x: x**2,
        "negative": lambda x: -x, "arctan": m.arctan, "expm1": lambda x: m.expm1(m.tanh(x)),
        "sigmoid": lambda x: 1 / (1 + m.exp(-x)), "abs": abs, "cbrt": lambda x: m.cbrt(x * x + 1),
        "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
        "divide": lambda x, y: x / (1 + y * y), "maximum": m.maximum, "minimum": m.minimum, "hypot": m.hypot,
        "arctan2": m.arctan2, "where": lambda x, y: where(x > y, x * y, x - y),
        "power": lambda x, y: (x * x + 0.5) ** m.tanh(y),
    }  # fmt: skip


def random_circuit(seed: int, words: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
    random = np.random.default_rng(seed)
    steps = [
        (str(random.choice(ONE if random.random() < 0.45 else TWO)), *random.integers(5, size=2).tolist())
        for _ in range(random.integers(3, 9))
    ]

    def f(x: Any, y: Any, z: Any) -> Any:
        made = [x, y, z]
        for word, a, b in steps:
            u, w = made[-1 - a % len(made)], made[-1 - b % len(made)]
            made.append(words[word](u) if word in ONE else words[word](u, w))
        return made[-1] + 0.5 * made[-2]

    return f


def terms(c: Circuit, point: Any) -> np.ndarray:
    """For each partial the largest and the sum of ``abs(dG/dn * n)`` over the nodes `n` of its program `G`.

    Rounding every node by half an ulp moves the partial by as many halves of an ulp of the sum: these are the terms
    that were added up, also those inside the nodes.
    """
    row = partials_of(c)[0]
    order = in_order(row)
    graph = Graph(node=type(order[0]))
    copies, partials = local_partials(order, graph)
    edges = [
        (node, operand, partial)
        for node in order
        for operand, partial in zip(node.operands, partials.get(node, ()), strict=False)
        if partial is not None and operand.name != "constant"
    ]
    found = uncompiled([copies[n] for n in order] + [graph.node(p) for *_, p in edges], point)
    values, slopes = dict(zip(order, found, strict=False)), found[len(order) :]
    inside: dict[Node, list[Any]] = {}
    for (node, operand, _), slope in zip(edges, slopes, strict=True):
        inside.setdefault(node, []).append((operand, slope))
    both = []
    for root in row:
        arrived, each = {root: 1.0}, [0.0]
        for node in reversed(order):
            if arrived.get(node):
                each.append(abs(arrived[node] * values[node]) if np.isfinite(values[node]) else 0.0)
                for operand, slope in inside.get(node, ()):
                    arrived[operand] = arrived.get(operand, 0.0) + arrived[node] * slope
        both.append((max(each), sum(each)))
    return np.array(both).T


@pytest.mark.parametrize("seeds", [range(60), pytest.param(range(60, 200), marks=pytest.mark.slow)])
def test_random_circuits_against_mpmath_and_jax(seeds: range) -> None:
    """Within an ulp of the sum of the terms of each partial, and so is jax, or else it is jax that errs.

    Within 2 ulp of the largest single term are 598 of 600 partials; 586 of jax's, which has ``1 - tanh(x)**2``.
    """
    mpmath, jax = pytest.importorskip("mpmath"), pytest.importorskip("jax")
    mp = mpmath.mp.clone()
    mp.dps = 50
    mp.arctan, mp.arctan2, mp.maximum, mp.minimum = mp.atan, mp.atan2, max, min
    exact_words = vocabulary(mp, lambda c, x, y: x if c else y)
    h = mp.mpf(10) ** -16
    close, like_jax, count = 0, 0, 0
    for seed in seeds:
        c = fg.circuit(random_circuit(seed, vocabulary(np, fg.where)))
        exact = random_circuit(seed, exact_words)
        point = np.random.default_rng(seed).uniform(-1.5, 1.5, 3)
        found, (largest, total) = uncompiled(partials_of(c)[0], point), np.spacing(terms(c, point))
        with jax.enable_x64(True):
            theirs = jax.grad(random_circuit(seed, vocabulary(jax.numpy, jax.numpy.where)), argnums=(0, 1, 2))
            beside = np.array(theirs(*point.tolist()))
        for i in range(3):
            at = [mp.mpf(v) for v in point.tolist()]
            ahead, behind = (exact(*[v + s * h * (k == i) for k, v in enumerate(at)]) for s in (1, -1))
            slope = (ahead - behind) / (2 * h)
            error, of_jax = (float(abs(mp.mpf(float(v)) - slope)) for v in (found[i], beside[i]))
            assert error <= total[i] + 1e-30, (seed, i)
            assert abs(found[i] - beside[i]) <= 2 * total[i] or of_jax > total[i], (seed, i)
            close += error <= 2 * largest[i] + 1e-30
            like_jax += abs(found[i] - beside[i]) <= 2 * total[i]
            count += 1
    assert count == 3 * len(seeds) and close >= 0.995 * count and like_jax >= 0.995 * count


#: What grows beyond all numbers below, in NumPy or mpmath; all have slopes of 0, or of 1, far out.
OUTGROWING: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda m, x: 1 / (1 + m.exp(-x)), "power": lambda m, x: (1 + m.exp(-x)) ** -1,
    "softplus": lambda m, x: m.log(1 + m.exp(x)), "log1p": lambda m, x: m.log1p(m.exp(x)),
    "swish": lambda m, x: x / (1 + m.exp(-x)), "fermi": lambda m, x: 3 / (m.exp(x / 2) + 2),
    "bose": lambda m, x: 1 / (m.exp(x) - 1), "negative bose": lambda m, x: 1 / (1 - m.exp(x)),
    "sech": lambda m, x: 1 / m.cosh(x), "csch": lambda m, x: 1 / m.sinh(x),
    "squared": lambda m, x: 1 / (1 + m.exp(-x)) ** 2, "tanh": lambda m, x: 2 / (1 + m.exp(-2 * x)) - 1,
    "reciprocal": lambda m, x: 1 / m.exp(-x),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTGROWING)
def test_slopes_through_what_outgrows_the_numbers(name: str) -> None:
    """An infinite slope meets one of 0: first and second derivatives are right all the same."""
    mpmath = pytest.importorskip("mpmath")
    mp = mpmath.mp.clone()
    mp.dps = 700  # what is added to 1 may be 1e-434
    f = OUTGROWING[name]
    c = fg.circuit(lambda v: f(np, v[0]), n=1)
    second = jacobian(partials_of(c)[0], 1)[0]
    for x in (-1000.0, -720.0, -709.9, -300.0, -40.0, -1.5, 0.7, 30.0, 650.0):
        h = mp.mpf(10) ** -15
        ahead, here, behind = (f(mp, mp.mpf(x) + s * h) for s in (1, 0, -1))
        wanted = float((ahead - behind) / (2 * h)), float((ahead - 2 * here + behind) / h**2)
        for found, slope in zip(uncompiled([*partials_of(c)[0], *second], [x]), wanted, strict=True):
            if np.isfinite(uncompiled(c._outputs, [x])):
                assert abs(found - slope) <= 1e-14 * abs(slope) * max(1.0, abs(x) / 10) + 1e-300, x


#: What levels off before what is inside it outgrows the numbers: slopes of 0 at 800, first and second.
SETTLING: dict[str, Callable[..., Any]] = {
    "gompertz": lambda x: np.exp(-np.exp(x)), "cloglog": lambda x: 1 - np.exp(-3 * np.exp(x)),
    "expm1": lambda x: np.expm1(-np.exp(x) / 2), "tanh": lambda x: np.tanh(np.sinh(x)),
    "steep power": lambda x: np.exp(-(x**120)), "gumbel": lambda x: np.exp(x - np.exp(x)),
    "scaled": lambda x: np.exp(-np.exp(x / (1 + x / 1e9))), "sigmoid": lambda x: gates.sigmoid(np.exp(x) * np.exp2(x)),
    "logaddexp": lambda x: np.logaddexp(0.0, -np.exp(x)), "to the": lambda x: np.tanh(4.0**x / 1e9),
    "twice": lambda x: np.exp(-np.exp(np.exp(x))),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTLING)
def test_what_settles_is_flat_where_what_is_inside_outgrows_the_numbers(name: str) -> None:
    """0 times infinity, which was NaN: in the rows of one result, and in the columns of many."""
    f = SETTLING[name]
    c, several = fg.circuit(lambda v: f(v[0]), n=1), fg.circuit(lambda v: [f(v[0]), v[0], v[0]], n=1)
    second = jacobian(partials_of(c)[0], 1)[0]
    assert uncompiled([*partials_of(c)[0], *second, *partials_of(several)[0]], [800.0]).tolist() == [0.0, 0.0, 0.0]
    x = np.array([[0.25], [0.75]])
    for analytic in (c.gradient, several.jacobian(x)[:, 0]):
        assert fg.check(c, analytic, x, of="gradient").counts["DISAGREES"] == 0  # exp(-x^120) is flat: undecided


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.tanh(1 / x), 0.0),  # a jump
        (lambda x: np.exp(-np.exp(1 / x)), 0.0),
        (lambda x: np.exp(-np.exp(800 + x) / x), 0.0),
        (lambda x: np.exp(2 * np.log(x) - np.exp(x)), 0.0),
        (lambda x: np.sqrt(np.exp(-np.exp(x)) - 0.1), 800.0),  # outside the domain
        (lambda x: np.log(np.exp(-np.exp(x))), 800.0),
        (lambda x: np.exp(-np.exp(x) * np.sqrt(x - 801)), 800.0),
        (lambda x: np.exp(-np.exp(x)), math.nan),
    ],
)
def test_what_settles_hides_nothing(f: Callable[..., Any], x: float) -> None:
    """Poles, edges of domains and NaN are not taken for flat."""
    c = fg.circuit(f)
    several = fg.circuit(lambda x: (f(x), x))
    assert np.isnan(c.partials(x)[0]) and np.isnan(several.partials(x)[0][0])


def test_compiled_is_uncompiled() -> None:
    """The same text in machine code and in NumPy: to the ulps of their elementary functions."""
    c = fg.circuit(lambda x, y: np.tanh(x * y) * np.exp(-x) + np.hypot(x, y) * np.log(y))
    points = RNG.uniform(0.5, 2, (2, 20))
    found = np.array(c.partials(*points))
    wanted = np.array([uncompiled(partials_of(c)[0], p) for p in points.T]).T
    assert abs(found - wanted).max() < 1e-14


@pytest.mark.parametrize("seed", range(3))
def test_forwards_is_backwards(seed: int) -> None:
    f = random_circuit(seed + 50, vocabulary(np, fg.where))
    c = fg.circuit(lambda v: [f(*v)], n=3)
    both = [jacobian(c._outputs, 3)[0], jacobian(c._outputs * 4, 3)[0]]  # more results than inputs: forwards
    point = RNG.uniform(-1, 1, 3)
    back, forth = (uncompiled(row, point) for row in both)
    assert abs(back - forth).max() <= 1e-14 * (1 + abs(back).max())


@given(st.lists(st.floats(-4, 4), min_size=4, max_size=4), st.floats(-3, 3))
def test_exact_on_polynomials(coefficients: list[float], x: float) -> None:
    """Whole coefficients at whole points are exact, to the last bit."""
    a, b, c, d = map(round, coefficients)
    at = float(round(x))
    f = fg.circuit(lambda x: a * x**3 + b * x**2 + c * x + d)
    assert uncompiled(partials_of(f)[0], [at])[0] == 3 * a * at**2 + 2 * b * at + c


@given(st.integers(-60, 60), st.integers(-60, 60))
def test_scaling_by_powers_of_two_changes_nothing_else(k: int, m: int) -> None:
    f = lambda x, y: x / (x * x + y * y) + np.sqrt(x * y)  # noqa: E731
    s, t = 2.0**k, 2.0**m
    plain = uncompiled(partials_of(fg.circuit(f))[0], (1.3, 0.7))
    scaled = uncompiled(partials_of(fg.circuit(lambda x, y: t * f(s * x, s * y)))[0], (1.3 / s, 0.7 / s))
    assert (scaled == plain * s * t).all()


# Vectors, batches and types ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rosen() -> Circuit:
    return fg.circuit(rosenbrock, n=5)


def test_batch_equals_loop(rosen: Circuit) -> None:
    x = RNG.uniform(-2, 2, (61, 5))
    for compute in (rosen.gradient, rosen.hessian, rosen):
        assert (compute(x) == np.array([compute(row) for row in x])).all()
        assert (compute(x[::-1]) == compute(x)[::-1]).all()
        assert (compute(np.asfortranarray(x)) == compute(x)).all()
        assert (compute(np.repeat(x, 2, axis=1)[:, ::2]) == compute(x)).all()
        assert (compute(x.reshape(61, 1, 5)) == np.expand_dims(compute(x), 1)).all()
        assert compute(x[:0]).shape == compute(x).shape[:0] + (0,) + compute(x).shape[1:]


def test_gradient_and_hessian_of_rosenbrock(rosen: Circuit) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x = RNG.uniform(-2, 2, (20, 5))
    hessian = rosen.hessian(x)
    for row, g, h in zip(x, rosen.gradient(x), hessian, strict=True):
        assert abs(g - optimize.rosen_der(row)).max() < 1e-12 * abs(g).max()
        assert abs(h - optimize.rosen_hess(row)).max() < 1e-12 * abs(h).max()
    assert (hessian == hessian.swapaxes(-1, -2)).all()


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6, 7, 8, 11])
def test_tiles_of_every_width(d: int) -> None:
    """Results beside, before and behind: nothing else is touched."""
    c = fg.circuit(lambda v: v[::-1] * 2.0, n=d)
    for points in (1, 7, 8, 9, 40, 300):
        x = RNG.uniform(-1, 1, (points, d))
        before = x.copy()
        padded = np.full((points + 2, d), 7.0)
        c(x, out=padded[1:-1])
        assert (padded[1:-1] == 2.0 * x[:, ::-1]).all()
        assert (padded[[0, -1]] == 7.0).all()
        assert (x == before).all()
        wide = np.full((points, d + 3), 7.0)
        c(x, out=wide[:, 2 : d + 2])
        assert (wide[:, 2 : d + 2] == 2.0 * x[:, ::-1]).all() and (wide[:, [0, 1, -1]] == 7.0).all()


def test_nothing_to_compute() -> None:
    """Results that are arguments or constants: slopes of linear functions are."""
    x = RNG.uniform(-2, 2, (9, 3))
    total = fg.circuit(lambda v: np.sum(v[1:]) + np.sum(v[3:]), n=3)
    assert (total.gradient(x) == [0.0, 1.0, 1.0]).all() and (total.hessian(x) == 0).all()
    turned = fg.circuit(lambda v: v[::-1], n=3)
    assert (turned(x) == x[:, ::-1]).all() and (turned.jacobian(x) == np.eye(3)[::-1]).all()
    assert fg.circuit(lambda x: x).partials(2.0) == (1.0,) and fg.circuit(lambda x: 3.0).partials(2.0) == (0.0,)
    assert (fg.circuit(lambda v: np.array([1.0, 2.0]), n=3)(x) == [1.0, 2.0]).all()


def test_threads_change_nothing(rosen: Circuit) -> None:
    x = RNG.uniform(-2, 2, (450_000, 5))
    assert (rosen.gradient(x) == rosen.gradient(x, workers=1)).all()
    x, y = RNG.uniform(0, 1, (2, 2_100_000))
    both = at_module_level.partials(x, y), at_module_level.partials(x, y, workers=1)
    assert all((a == b).all() for a, b in zip(*both, strict=True))


def test_types() -> None:
    c = at_module_level
    single = np.float32([0.5, 1.0])
    assert [p.dtype for p in c.partials(single, single)] == [np.float32] * 2
    assert c.partials(np.arange(3), 2)[0].dtype == np.float64
    assert isinstance(c(1.0, 2.0), float)
    assert c(np.float32(3e3), np.float32(1.0)) == np.inf
    with pytest.raises(TypeError, match=r"`args\[0\]` must be an array of real numbers"):
        c(1j, 1.0)


def test_out(rosen: Circuit) -> None:
    x = RNG.uniform(-2, 2, (30, 5))
    wanted = rosen.gradient(x), rosen.hessian(x)
    assert rosen.gradient(x, out=(inside := np.empty((5, 30)).T)) is inside
    assert (inside == wanted[0]).all()
    gaps = np.empty((30, 5, 9))[..., ::2]
    assert (rosen.hessian(x, out=gaps) == wanted[1]).all()
    rosen.gradient(x, out=x)
    assert (x == wanted[0]).all()
    a = np.linspace(0, 1, 50)
    wanted = at_module_level.partials(a.copy(), a.copy())
    b = np.empty(50)
    at_module_level.partials(a, a, out=(a, b))
    assert (a == wanted[0]).all() and (b == wanted[1]).all()


def test_several_arguments_and_results() -> None:
    m = fg.circuit(lambda w, s, v: s * (w @ v), n=(2, None, 2))
    v = RNG.uniform(-1, 1, (4, 2))
    by_w, by_s, by_v = m.partials([1.0, 2.0], 3.0, v)
    assert (by_w == 3 * v).all() and np.allclose(by_s, v @ [1, 2]) and (by_v == [[3.0, 6.0]] * 4).all()
    assert (m.gradient([1.0, 2.0], 3.0, v, wrt=2) == by_v).all()
    t = fg.circuit(lambda x, y: (x * y, x + y))
    assert t.value_and_partials(2.0, 3.0) == ((6.0, 5.0), ((3.0, 2.0), (1.0, 1.0)))


def test_more_arguments_than_a_ufunc_takes() -> None:
    c = fg.circuit(lambda *a: sum(x * x for x in a), n=(None,) * 50)
    points = np.arange(50.0)
    assert [float(p) for p in c.partials(*points)] == (2 * points).tolist()
    assert c(*[np.arange(3.0)] * 50).tolist() == [0.0, 50.0, 200.0]
    out = tuple(np.empty(3, np.float32) for _ in points)
    c.partials(*[np.float32([1, 2, 3])] * 50, out=out)
    assert all(o.tolist() == [2.0, 4.0, 6.0] for o in out)


def test_pickles() -> None:
    again = pickle.loads(pickle.dumps(at_module_level))
    assert again is at_module_level
    loose = pickle.loads(pickle.dumps(fg.circuit(rosenbrock, n=3)))
    assert loose.n == 3 and loose.gradient(np.ones(3)).tolist() == [0.0, 0.0, 0.0]


def test_circuits_are_functions() -> None:
    inner = at_module_level
    c = fg.circuit(lambda x: inner(x, x) ** 2)
    assert c.partials(0.5)[0] == pytest.approx(2 * (math.exp(0.25) + 0.5) * (math.exp(0.25) + 1), rel=1e-15)


# Tracing -------------------------------------------------------------------------------------------------------------

MATRIX = np.arange(12.0).reshape(3, 4) / 5


def filled(v: Any) -> Any:
    made = np.zeros(3)
    made[0] = v[0]
    made[1:] = v[1:3] ** 2
    return made


def unpacked(v: Any) -> Any:
    a, b, *rest = v
    return a * b + rest[0]


def same_module(xp: Any, v: Any) -> Any:
    return xp.exp(v) if xp is np else v


class Layer:
    """A layer as people write it: state, helpers that use `math`, functions handed in."""

    def __init__(self, weights: Any, activation: Any) -> None:
        self.weights, self.activation, self.inner = weights, activation, [lambda x: math.cos(x)]
        self.calls = 0

    @property
    def scale(self) -> float:
        return math.sqrt(2.0)

    @scale.setter
    def scale(self, value: float) -> None:
        self.calls = int(value)

    @staticmethod
    def shift(x: Any) -> Any:
        return math.exp(-x)

    @classmethod
    def both(cls, x: Any) -> Any:
        return cls.shift(x) + math.sin(x)

    def helper(self, z: Any) -> Any:
        self.scale = self.calls + 1.0
        found = np.zeros(3)
        for i in range(3):
            found[i] = self.activation(z[i]) * self.scale + self.both(z[i]) + self.inner[0](z[i])
        return found

    def __call__(self, v: Any) -> Any:
        return self.helper(self.weights @ v)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A frozen one, which cannot be hashed when it holds a list."""

    a: Any

    def of(self, v: Any) -> Any:
        return self.a[0] * math.sin(v[0]) + self.a[1] * v[1]


LAYER, PAIR, TABLE = Layer(np.arange(12.0).reshape(3, 4) / 20, math.tanh), Pair([2.0, 3.0]), {"sin": math.sin}


def with_defaults(v: Any, xp: Any = np, g: Any = math.sin, *, h: Any = math.cos) -> Any:
    return xp.sum(xp.exp(v)) + g(v[0]) * h(v[1])


def written_over(v: Any) -> Any:
    a = np.eye(4)
    a[0, 1], a[2] = v[0], v
    return np.linalg.inv(np.eye(4) * 2) @ a @ v


def changed(v: Any) -> Any:
    w = v.copy()
    w += 1
    w[0] *= v[1]
    return w


@numba.njit
def helper(x: float) -> float:
    return math.sin(x) * 2


VECTORS: dict[str, Callable[[Any], Any]] = {
    "dot": lambda v: np.dot(v, v), "matmul": lambda v: (MATRIX @ v) @ np.ones(3), "outer": lambda v: np.outer(v, v[:2]),
    "slices": lambda v: np.sum(v[1:] * v[:-1]), "last axis": lambda v: v[..., 0] * v[..., 1] + np.sin(v[..., 2]),
    "reshape": lambda v: (v.reshape(2, 2).T @ v.reshape(2, 2)).ravel(), "mean": lambda v: np.mean(v**2) + v.mean(),
    "stack": lambda v: np.stack([v[0] * v[1], v[2] / v[3]], axis=-1), "std": lambda v: np.std(v) * v.var(),
    "concatenate": lambda v: np.concatenate([v[:2] ** 2, np.exp(v[2:])]), "norm": lambda v: np.linalg.norm(v),
    "extremes": lambda v: np.max(v) + v.min(), "prod": lambda v: np.prod(v), "cumsum": lambda v: np.cumsum(v),
    "where": lambda v: np.where(v > 0.5, v * v, v), "clip": lambda v: np.clip(v, 0.2, 0.7),
    "list": lambda v: [v[0], v[1] * v[2]], "divmod": lambda v: np.divmod(v[2], 0.25)[1],
    "einsum": lambda v: np.einsum("i,ij,j->", v[:3], MATRIX, v), "array": lambda v: np.array([v[0], v[1] * v[2], 1.0]),
    "softmax": lambda v: np.exp(v - v.max()) / np.exp(v - v.max()).sum(), "diff": lambda v: np.diff(v),
    "loop": lambda v: sum(x * x for x in v), "gate": lambda v: gates.sigmoid(v), "roll": lambda v: np.roll(v, 1) * v,
    "logsumexp": lambda v: np.logaddexp.reduce(v), "fancy": lambda v: v[np.array([0, 2])] * v[-1],
    "keepdims": lambda v: v / np.sum(v, axis=-1, keepdims=True), "astype": lambda v: v.astype(float) * 2,
    "like": lambda v: v * np.ones_like(v) + np.zeros_like(v), "comparison": lambda v: v * (v > 0.5),
    "math": lambda v: math.exp(v[0]) + math.sqrt(v[1]) + math.log(v[2], 2) + math.hypot(v[0], v[1], v[2]),
    "reduce": lambda v: functools.reduce(np.maximum, v), "filled": filled, "unpacked": unpacked, "changed": changed,
    "helper": lambda v: helper(v[0]) + v[1] % 0.4, "python's divmod": lambda v: sum(divmod(v[2] * v[1], 0.25)),
    "nested lists": lambda v: np.concatenate([v[:1], [v[0] * v[1], 1.0], np.ones(1)]),
    "select": lambda v: np.select([v > 0.5, v > 0.4], [v * v, 3 * v], 7.0), "empty": lambda v: np.sum(v[4:]) + v[0],
    "largest": lambda v: v / np.max(v, axis=0, keepdims=True) + np.sum(v, dtype=float),
    "degrees of freedom": lambda v: v.var(ddof=1) * np.std(v.reshape(2, 2), axis=1, ddof=1, keepdims=True),
    "some": lambda v: np.sum(v, where=[True, False, True, True]) * np.prod(v, initial=3.0) * np.max(v, initial=0.5),
    "into": lambda v: np.sum(v.reshape(2, 2), axis=0, out=np.zeros(2)), "range": lambda v: np.ptp(v) * np.cumprod(v),
    "of lists": lambda v: np.max([v[0], v[1]]) * np.mean([v[2], v[3]]) * np.exp([v[0], np.linalg.norm([v[0], v[1]])]),
    "norms": lambda v: [np.linalg.norm(v, p) for p in (1, np.inf, -np.inf)] + [np.linalg.norm(v.reshape(2, 2))],
    "numpy's float": lambda v: v.astype(np.float64) * np.ones(4, np.float64) * np.float64(v[0]) * np.float64(2),
    "clipped below": lambda v: np.clip(v, 0.5, None) * v.clip(None, 0.7) + np.clip(v, a_min=0.2, a_max=0.8),
    "table": lambda v: np.interp(v, [0.4, 0.5, 0.7], [1.0, 4.0, 2.0]) + np.interp(0.6, [0.1, 0.5, 0.7], v[:3]),
    "beyond the table": lambda v: np.interp(v, np.array([0.4, 0.7]), np.array([1.0, 4.0]), left=-1.0, right=9.0),
    "linspace": lambda v: np.linspace(v[0], v[1:3], 4) @ v[:2] + np.linspace(0, v[1], 4, endpoint=False),
    "average": lambda v: np.average(np.outer(v, v), axis=0, weights=[1, 2, 3, 4]) * np.average(v, weights=v * v),
    "any and all": lambda v: np.where((v > 0.5).any(), v**2, v) + np.where(np.all(v > 0.5), 0.0, v[::-1]),
    "counted": lambda v: v * np.count_nonzero(v > 0.5) + np.count_nonzero(np.outer(v, v) > 0.2, axis=0),
    "without nan": lambda v: np.nansum(v) * np.nanmean(v**2) + np.nanmax(v) - np.nanmin(v),
    "vectorised": lambda v: np.vectorize(lambda x, y: x * y)(v, v[0]) + np.frompyfunc(lambda x: x * x, 1, 1)(v),
    "object": LAYER, "method": LAYER.helper, "frozen": PAIR.of,
    "class method": lambda v: LAYER.both(v[1]) + PAIR.of(v),
    "table of functions": lambda v: TABLE["sin"](v[0]) * v[1], "defaults": with_defaults, "eye": written_over,
    "python's extremes": lambda v: max(v[0], v[1]) * min(v) + max(v[2], 0.5, v[3]) + v[0].item(),
    "modf": lambda v: np.modf(3 * v)[0] + np.divmod(v, 0.4)[0] * v,
    "module": lambda v: same_module(np, v),
    "piecewise": lambda v: np.piecewise(v, [v < 0.4, v > 0.8], [lambda a: -a, lambda a: a * a, 7.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_numpy_on_vectors(name: str) -> None:
    f, x = VECTORS[name], np.array([0.3, 0.9, 0.6, 0.45])
    c = fg.circuit(f, n=4)
    wanted = np.array(f(x), float)
    assert uncompiled(c._outputs, x) == pytest.approx(wanted.ravel(), rel=1e-14)
    columns = [(np.array(f(x + e), float) - np.array(f(x - e), float)) / 2e-6 for e in 1e-6 * np.eye(4)]
    found = uncompiled([p for row in partials_of(c) for p in row], x)
    assert abs(found - np.stack(columns, -1).ravel()).max() < 1e-7


def test_objects_stay_as_they_were() -> None:
    """Tracing works on a likeness: no nodes in the caller's object, nothing registered, nothing closed."""
    layer = Layer(np.ones((3, 4)), math.tanh)
    before = dict(vars(layer))
    fg.circuit(layer, n=4)
    assert vars(layer) == before and type(layer) is Layer and not Layer.__subclasses__().count(Layer)

    class Registry:
        known: list[type] = []

        def __init_subclass__(cls) -> None:
            Registry.known.append(cls)

    class Closing(Registry):
        def __call__(self, v: Any) -> Any:
            assert isinstance(self, Closing)
            return v @ v

    assert fg.circuit(Closing(), n=2)([3.0, 4.0]) == 25.0 and Registry.known == [Closing]


UNARY = """exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh
arctanh square reciprocal absolute fabs sign floor ceil rint trunc deg2rad rad2deg radians degrees negative
positive""".split()
BINARY = """add subtract multiply divide true_divide power float_power arctan2 hypot logaddexp logaddexp2 maximum
minimum fmax fmin copysign heaviside remainder fmod mod floor_divide""".split()


@pytest.mark.parametrize("name", UNARY + BINARY)
def test_ufuncs(name: str) -> None:
    ufunc = getattr(np, name)
    point = (0.37,) if name in UNARY else (0.83, 0.37)
    c = fg.circuit(lambda *x: ufunc(*x) + 1.0, n=(None,) * ufunc.nin)
    assert uncompiled(c._outputs, point)[0] == pytest.approx(ufunc(*point) + 1.0, rel=1e-15)
    for i in range(ufunc.nin):
        moved = [np.array(point) + s * 1e-6 * (np.arange(ufunc.nin) == i) for s in (1, -1)]
        slope = (ufunc(*moved[0]) - ufunc(*moved[1])) / 2e-6
        assert uncompiled([partials_of(c)[0][i]], point)[0] == pytest.approx(slope, rel=1e-8, abs=1e-9)


def test_scipy_special() -> None:
    special = pytest.importorskip("scipy.special")
    c = fg.circuit(
        lambda x: special.expit(x) + special.erf(x) * special.ndtr(x) + special.xlogy(x, x) + special.erfc(x)
    )
    v = np.array([0.3, -0.2, 0.9])
    several = (
        special.softmax, special.log_softmax, lambda v: special.logsumexp(v, axis=0),
        lambda v: special.logsumexp(v, b=[1.0, 2.0, 3.0]), special.log_expit,
        lambda v: special.entr(v * v) + special.rel_entr(v * v, v + 3) + special.kl_div(v * v, v + 3),
        lambda v: special.xlog1py(v, v * v),
    )  # fmt: skip
    for f in several:
        assert uncompiled(fg.circuit(f, n=3)._outputs, v) == pytest.approx(np.ravel(f(v)), rel=1e-14)
    h, x = 1e-6, 0.7
    assert uncompiled(partials_of(c)[0], [x])[0] == pytest.approx(
        (c.formula(x + h) - c.formula(x - h)) / (2 * h), rel=1e-9
    )


@pytest.mark.parametrize("x", [0.0, 1e-300, -1e-9, 1e-5, 0.02, -0.3, 0.5, 0.7, -3.25])
def test_derivatives_of_sinc_near_zero(x: float) -> None:
    """They were those of the constant 1 at 0: the second was 0 there and -9.9 at 1e-9; the first was 0 at 1e-9."""
    from mpmath import mp

    with mp.workdps(700):
        first, second = (float(mp.diff(mp.sincpi, x, n, h=mp.mpf(10) ** -320)) for n in (1, 2))
    assert float(fg.circuit(np.sinc).partials(x)[0]) == pytest.approx(first, rel=2e-15, abs=0)
    assert float(fg.circuit(lambda v: np.sinc(v[0]), n=1).hessian([x])[0, 0]) == pytest.approx(second, rel=1e-14)


def test_slopes_of_entropies_at_zero() -> None:
    """They were those of the constant that the value at 0 is: the slope of ``x log(2)`` was 0 there."""
    special = pytest.importorskip("scipy.special")
    for f, y, slopes in (
        (special.xlogy, 2.0, (math.log(2.0), 0.0)), (special.xlogy, 0.0, (-math.inf, 0.0)),
        (special.xlog1py, 2.0, (math.log(3.0), 0.0)), (special.rel_entr, 2.0, (-math.inf, 0.0)),
        (special.kl_div, 2.0, (-math.inf, 1.0)),
    ):  # fmt: skip
        assert tuple(map(float, fg.circuit(f).partials(0.0, y))) == slopes
    assert fg.circuit(special.entr).partials(0.0) == (math.inf,)
    hessian = fg.circuit(lambda v: special.xlogy(v[0], v[1]), n=2).hessian([0.0, 2.0])
    assert np.array_equal(hessian, [[0, 0.5], [0.5, 0]])
    for f in (special.xlogy, special.xlog1py, special.entr, special.rel_entr, special.kl_div):
        assert fg.check(fg.circuit(f))
    assert fg.circuit(special.xlogy)(0.0, math.inf) == 0.0


def test_second_derivative_of_absolute_at_zero_is_not_one() -> None:
    """The slope there was `x` itself, to pass NaN on, and that has the slope 1."""
    c = fg.circuit(lambda v: np.sum(np.abs(v) * v[::-1] ** 2), n=2)
    assert np.array_equal(c.hessian([0.0, 3.0]), [[6, 0], [0, 0]]) and np.isnan(c.gradient([math.nan, 3.0])).all()


@pytest.mark.parametrize(
    ("f", "second"),
    [
        (lambda x: x * np.tanh(np.exp(x)), 2.0 / math.cosh(1.0) ** 2),
        (lambda x: x * np.exp(-np.exp(x)), -2.0 / math.e),
        (lambda x: np.tanh(np.sinh(x)) ** 2, 2.0),
    ],
)
def test_hessian_beside_a_factor_of_zero(f: Callable[[Any], Any], second: float) -> None:
    """A slope of 0 because of the factor was taken for one that has underflowed: half of the hessian was missing."""
    for c in (fg.circuit(lambda v: f(v[0]), n=1), fg.circuit(lambda v: f(v[0]) + v[1], n=2)):
        assert c.hessian(np.zeros(c.n))[0, 0] == pytest.approx(second, rel=1e-14)
    assert fg.circuit(f).partials(800.0)[0] in (0.0, 1.0)


@pytest.mark.parametrize(
    ("f", "first", "second"),
    [
        (lambda x: 1 / (2 + np.sinh(x)), -0.25, 0.25),
        (lambda x: np.log(2 + np.sinh(x) ** 2), 0.0, 1.0),
        (lambda x: np.log1p(2 * np.sinh(3 * x)), 6.0, -36.0),
        (lambda x: (4 - np.sinh(x)) ** -0.5, 0.0625, 3 / 128),
        (lambda x: np.sinh(x) / (np.sinh(x) + 2), 0.5, -0.5),
    ],
)
def test_sinh_of_zero_below_a_fraction_line(f: Callable[[Any], Any], first: float, second: float) -> None:
    """The logarithmic derivative of sinh, which never overflows, is infinite at 0: the slopes were NaN."""
    c = fg.circuit(lambda v: f(v[0]), n=1)
    assert float(fg.circuit(f).partials(0.0)[0]) == pytest.approx(first, abs=1e-15)
    assert c.hessian([0.0])[0, 0] == pytest.approx(second, rel=1e-14)
    assert abs(fg.circuit(lambda x: 1 / (2 + np.sinh(x))).partials(800.0)[0]) == 0.0


def test_captured_number_in_a_function_that_grows() -> None:
    rate = 0.5
    c = fg.circuit(lambda x: x / np.sinh(rate) + np.exp(x) / np.cosh(rate) + x / (x + np.sinh(rate)))
    s, x = math.sinh(rate), 0.3
    exact = 1 / s + math.exp(x) / math.cosh(rate) + s / (x + s) ** 2
    assert float(c.partials(x)[0]) == pytest.approx(exact, rel=1e-14)


def branches(x: Any) -> Any:
    if x > 0:
        return x
    return -x


CANNOT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "branch": (branches, r"test_circuits\.py:\d+, `if x > 0:`: a branch on a value. Use `fg.where"),
    "loop": (lambda x: sum(range(x)), "a loop or an index that depends on a value"),
    "float": (lambda x: float(x), "a call into code that wants a number"),
    "max": (lambda x: max(x, 1.0, key=abs), "`max` with key"),
    "sorted": (lambda x: sorted([x, 1.0]), "a branch on a value"),
    "filled": (lambda x: np.array([1.0, 2.0]).__setitem__(0, x), "fill what np.zeros makes"),
    "index": (lambda x: x[0], "a number indexed like an array. Pass `n=`"),
    "ufunc": (lambda x: np.spacing(x), "no gate stands for `spacing`"),
    "math": (lambda x: math.gamma(x), "no gate stands for `math.gamma`"),
    "linalg": (lambda x: np.linalg.det(np.array([[x, x], [x, 2 * x]])), "no gate stands for `np.linalg.det`"),
    "sort": (lambda x: np.sort(np.array([x, 2 * x])), "a branch on a value"),
    "mask": (lambda x: np.array([x, 2 * x])[np.array([x, x]) > 0], "an index that depends on a value"),
    "masked": (lambda x: np.array([x, x]).__setitem__(np.array([x, x]) > 0, 0.0), "an index that depends on a value"),
    "fft": (lambda x: np.fft.fft(np.array([x, x])), "`np.fft` wants numbers"),
    "option": (lambda x: np.mean(np.array([x, x]), where=[True, False]), "`np.mean` with where"),
    "cov": (lambda x: np.cov(np.array([x, x])), "`np.cov` wants numbers"),
    "method": (lambda x: x.sum(), "`.sum` of a number. Pass `n=`"),
    "text": (lambda x: float(f"{x:.2f}"), "a value written as text"),
    "complex": (lambda x: abs(x * 1j), "a complex number"),
    "gate": (lambda x: 2 * opaque(x), "the gate `opaque` cannot be compiled, for it refers to the class Decimal"),
    "interp": (lambda x: np.interp(0.5, np.array([0, x]), [0, 1]), "a table whose places depend on a value. Let `xp`"),
    "median": (lambda x: np.median(np.array([x, 2.0])), "`np.median` asks for a branch on a value"),
    "complex array": (lambda x: np.exp(1j * np.array([x, x])), "a complex number"),
    "solve": (lambda x: np.linalg.solve(np.eye(2), np.array([x, x])), "a constant matrix may be inverted outside"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_says_which_line_cannot_be_traced(name: str) -> None:
    f, message = CANNOT[name]
    with pytest.raises(TypeError, match=message) as caught:
        fg.circuit(f)
    assert f"test_circuits.py:{f.__code__.co_firstlineno + (name == 'branch')}" in str(caught.value)


def test_limit_of_nodes() -> None:
    def endless(x: Any) -> Any:
        while True:
            x = np.sin(x)

    with pytest.raises(TypeError, match=r"`x = np.sin\(x\)`: more than 10000 nodes"):
        fg.circuit(endless)


def test_exceptions_of_f_are_its_own() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fg.circuit(f)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c, v: fg.circuit(3), TypeError, "`f` must be callable"),
        (lambda c, v: fg.circuit(lambda x: "no"), TypeError, "`f` must return numbers; got str"),
        (lambda c, v: fg.circuit(lambda *x: x[0]), TypeError, "`n` must tell how many"),
        (lambda c, v: fg.circuit(rosenbrock, n=0), ValueError, "`n` must be at least 1"),
        (lambda c, v: fg.circuit(rosenbrock, n="3"), TypeError, "`n` must be a length"),
        (lambda c, v: c(1.0), TypeError, "`args` must be 2 arguments; got 1"),
        (lambda c, v: c(np.zeros(3), np.zeros(4)), ValueError, "`args` must broadcast together"),
        (lambda c, v: c.gradient(1.0, 2.0), TypeError, "`gradient` is of a vector"),
        (lambda c, v: c.partials(1.0, 2.0, out=(np.empty(3),) * 2), ValueError, "`out` must have the shape"),
        (lambda c, v: v.gradient(np.zeros((3, 2))), ValueError, "must have 5 components on its last axis"),
        (lambda c, v: v.gradient(np.zeros(5), wrt=1), ValueError, "`wrt` must be from -1 to 0"),
        (lambda c, v: v.gradient(np.zeros(5), workers=0), ValueError, "`workers` must be at least 1"),
        (lambda c, v: v.to_svg(np.zeros(4)), ValueError, "`at` must be one point"),
    ],
)
def test_bad_input(call: Any, error: Any, message: str, rosen: Circuit) -> None:
    with pytest.raises(error, match=message):
        call(at_module_level, rosen)


# Fresh data ----------------------------------------------------------------------------------------------------------


def least_squares(a: Any, b: Any, rate: float) -> Callable[[Any], Any]:
    return lambda v: np.sum((a @ v - b) ** 2) + rate * np.tanh(rate * v[0])


def test_closures_over_fresh_data_share_machine_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, gradient and hessian by the formula; zeros among the data, and changes of the data afterwards.

    Machine code is kept on disk, so that the directory counts compilations.
    """
    monkeypatch.setenv("FASTGRAD_CACHE_DIR", str(tmp_path))
    circuits, compiled = [], 0
    for k in range(12):
        a, b, rate, x = RNG.normal(size=(4, 3)), RNG.normal(size=4), float(RNG.normal()), RNG.normal(size=3)
        if k % 4 == 3:
            a[k // 4, 1] = b[0] = 0.0
        c = fg.circuit(least_squares(a, b, rate), n=3)
        t = math.tanh(rate * x[0])
        value, slope = np.sum((a @ x - b) ** 2) + rate * t, 2 * a.T @ (a @ x - b)
        curvature = 2 * a.T @ a
        slope[0] += rate**2 * (1 - t * t)
        curvature[0, 0] -= 2 * rate**3 * t * (1 - t * t)
        a[:], b[:] = np.nan, np.nan  # a circuit has the data of the time when it was traced
        assert c(x) == pytest.approx(value, rel=1e-13)
        assert c.gradient(x) == pytest.approx(slope, rel=1e-12, abs=1e-13)
        assert c.hessian(x) == pytest.approx(curvature, rel=1e-12, abs=1e-13)
        circuits.append((c, x, value))
        before, compiled = compiled, len(list(tmp_path.iterdir()))
        assert compiled > 0 if k == 0 else k % 4 == 3 or compiled == before
    for c, x, value in circuits:
        assert c(x) == pytest.approx(value, rel=1e-13)
        assert uncompiled(c._outputs, x)[0] == pytest.approx(value, rel=1e-13)


class Scaled:
    def __init__(self, k: float) -> None:
        self.k = k

    def value(self, x: Any) -> Any:
        return self.k * np.tanh(x)


CAPTURING: dict[str, Callable[[float], Callable[[Any], Any]]] = {
    "exponent": lambda k: lambda x: x**k,
    "branch": lambda k: lambda x: x * k if k > 2.5 else x + k,
    "logistic": lambda k: lambda x: 1 / (1 + k * np.exp(-x)),
    "gaussian": lambda k: lambda x: np.exp(-k * x * x) * k,
    "settling": lambda k: lambda x: np.tanh(k + np.exp(k * x)),
    "logarithm": lambda k: lambda x: np.log(k + np.exp(x)),
    "gate": lambda k: fg.gate(lambda x: k * x, partials=lambda x: k),
    "gate of data": lambda k: (lambda g: lambda x: g(x) * k)(fg.gate(lambda x: k * x, partials=lambda x: k)),
    "object": lambda k: Scaled(k).value,
    "types": lambda k: (lambda a, b: lambda x: np.sum(a) * x + k * b)(np.array([1.0, k], np.float32), np.float32(k)),
    "whole numbers": lambda k: (lambda a: lambda x: np.exp(-a[0] * k) * x**a[1])(np.array([round(k), 2])),
    "table": lambda k: lambda x: np.interp(x, [0.0, 1.0, k], [0.0, k, 2.0]),
}


@pytest.mark.parametrize("name", CAPTURING)
def test_captured_numbers_are_those_of_the_closure(name: str) -> None:
    """Each closure beside the same formula over a parameter, also where slopes outgrow the numbers."""
    for k in (2.0, 3.0, 2.0, 0.5, 4.0):
        c = fg.circuit(CAPTURING[name](k))
        constant = fg.circuit(CAPTURING[name](k))._outputs
        for x in (0.75, -0.5, -800.0, 800.0):
            value, slope = (np.ravel(a)[0] for a in c.value_and_partials(x))
            wanted = uncompiled([constant[0], jacobian(constant, 1)[0][0]], [x])
            assert value == pytest.approx(wanted[0], rel=1e-14, nan_ok=True), (k, x)
            assert slope == pytest.approx(wanted[1], rel=1e-13, nan_ok=True), (k, x)


# Graph ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PRIMITIVES.keys() - {"input", "constant"}))
def test_every_primitive_has_partials(name: str) -> None:
    """One for each operand, or no rule at all where the slope is 0 everywhere."""
    gate, graph = PRIMITIVES[name], Graph(node=Traced)
    ufunc = getattr(np, name.removeprefix("general_"), np.sin)
    count = len(inspect.signature(gate.expand).parameters) if gate.expand else 3 if ufunc is np.where else ufunc.nin
    operands = [graph.input(k) for k in range(count)]
    value, rule = graph.apply(gate, *operands), derivative_of(gate).partials
    assert rule is None or len(rule(value, *operands)) == count
    assert len(jacobian([value], count)[0]) == count


@pytest.mark.parametrize("name", sorted(name for name, gate in PRIMITIVES.items() if gate.expand))
def test_expansion_of_a_primitive_has_its_values(name: str) -> None:
    """Constants are folded by one formula, machine code computes the other."""
    gate, graph = PRIMITIVES[name], Graph(simplify=False)
    count = len(inspect.signature(gate.expand).parameters)
    operands = [graph.input(k) for k in range(count)]
    value = graph.node(gate.expand(*operands))
    for point in np.ndindex((len(EDGES),) * count):
        x = EDGES[list(point)]
        if name == "power" and x[1] != 2.5:  # `expand` multiplies whole powers out
            continue
        with np.errstate(all="ignore"):
            wanted = float(np.asarray(gate.evaluate(*x)))
        limit = 1000 if name == "logaddexp2" else 4  # which takes a logarithm to base 2 from one to base e
        assert ulps(uncompiled([value], x)[0], wanted) <= limit, x


def test_common_subexpressions_are_one_node() -> None:
    c = fg.circuit(lambda x: np.sin(x) * np.sin(x) + np.sin(x))
    assert [n.name for n in in_order(c._outputs)] == ["input", "sin", "multiply", "add"]


@given(st.sampled_from(EDGES.tolist()), st.sampled_from(["x*0", "x+0", "x-0", "x*1", "0-x", "-(-x)", "x/4", "3*(2*x)"]))
def test_simplifying_changes_no_bit(x: float, what: str) -> None:
    f = eval(f"lambda x: {what}")  # noqa: S307
    graph = Graph()
    found = uncompiled([graph.node(f(graph.input(0)))], [x])
    with np.errstate(all="ignore"):
        wanted = np.array([f(np.float64(x))], float)
    assert np.array_equal(found, wanted, equal_nan=True) and np.signbit(found) == np.signbit(wanted)


def test_a_thousand_nodes() -> None:
    """Unrolled without recursion anywhere."""

    def f(v: Any) -> Any:
        x = v[0]
        for k in range(500):
            x = x * v[1] + k
        return x

    c = fg.circuit(f, n=2)
    slopes = uncompiled(partials_of(c)[0], (1.0, 1.0))
    assert slopes[0] == 1.0 and slopes[1] == 500 + sum(k * (499 - k) for k in range(500))


def test_arrays_of_nodes_keep_their_class() -> None:
    graph = Graph()
    array = as_nodes([graph.input(0), graph.input(1)])
    assert type(array[:1]) is type(array) and type(array.reshape(2, 1)) is type(array)
