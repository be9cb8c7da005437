"""Random calls of every public function: a right answer, a NaN that says so, or an exception that names its argument.

A case is made from a seed alone: function, form of the function, points (type, shape, strides, values), rule, step,
bounds, output. A failure prints the seed; ``tell(seed)`` shows the call.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Opaque
from scipy import sparse

import fastgrad as fg

pytestmark = [pytest.mark.machine_code, pytest.mark.filterwarnings("ignore::fastgrad.PerformanceWarning")]


def _bell(x: Any) -> Any:
    return x * np.exp(-x * x)


#: Function, derivative, second derivative, where it is defined (open interval), and how large its arguments may be.
SCALAR: dict[str, tuple[Any, Any, Any, float, float]] = {
    "sin": (np.sin, np.cos, lambda x: -np.sin(x), -1e6, 1e6),
    "exp": (np.exp, np.exp, np.exp, -700, 700),
    "log": (np.log, lambda x: 1 / x, lambda x: -1 / x**2, 0, 1e150),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), lambda x: -0.25 * x**-1.5, 0, 1e100),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2, -300, 300),
    "cube": (lambda x: x * x * x, lambda x: 3 * x * x, lambda x: 6 * x, -1e50, 1e50),
    "inverse": (lambda x: 1 / x, lambda x: -1 / (x * x), lambda x: 2 / x**3, 0, 1e50),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2, -1e50, 1e50),
    "bell": (
        _bell,
        lambda x: (1 - 2 * x * x) * np.exp(-x * x),
        lambda x: (4 * x * x - 6) * x * np.exp(-x * x),
        -20,
        20,
    ),
    "line": (lambda x: 3 * x - 7, lambda x: 3 + 0 * x, lambda x: 0 * x, -1e100, 1e100),
    "constant": (lambda x: 4.0 + 0 * x, lambda x: 0 * x, lambda x: 0 * x, -1e100, 1e100),
}

VECTOR: dict[str, tuple[Any, Any, Any]] = {
    "squares": (
        lambda v: np.sum(v * v, axis=-1),
        lambda v: 2 * v,
        lambda v: 2 * np.broadcast_to(np.eye(v.shape[-1]), (*v.shape, v.shape[-1])),
    ),
    "one vector": (
        lambda v: float(np.dot(v, v)),
        lambda v: 2 * v,
        lambda v: 2 * np.broadcast_to(np.eye(v.shape[-1]), (*v.shape, v.shape[-1])),
    ),
    "sines": (
        lambda v: np.sin(v).sum(axis=-1),
        np.cos,
        lambda v: -np.sin(v)[..., None] * np.eye(v.shape[-1]),
    ),
}

RULES = ["adaptive", "adaptive", "adaptive", "central", "forward", "backward", fg.central(4), fg.forward(2)]


def _one_at_a_time(f: Callable[[Any], Any], x: Any) -> float:
    if np.ndim(x):
        raise TypeError("one number at a time")
    return float(f(np.float64(x)))


def _of_python_lists(f: Callable[[Any], Any], x: Any) -> Any:
    return np.asarray(f(np.asarray(x, dtype=float))).tolist()


def _written_into(f: Callable[[Any], Any], x: Any) -> Any:
    values = f(np.array(x))
    if isinstance(x, np.ndarray) and x.ndim:
        x[...] = np.nan
    return values


FORMS: list[Callable[[Any], Any]] = [
    lambda f: f,
    lambda f: f,
    Opaque,
    lambda f: functools.partial(_one_at_a_time, f),
    lambda f: functools.partial(_of_python_lists, f),
    lambda f: functools.partial(_written_into, f),
]


def _shape(r: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(n) for n in r.choice([0, 1, 1, 2, 3, 5], size=r.choice([0, 1, 1, 2, 3])))


def _laid_out(x: Any, r: np.random.Generator) -> Any:
    """Return the same points in another order of memory, or read-only."""
    way = r.integers(6)
    if way == 0 or x.ndim == 0:
        return x
    if way == 1:
        return np.asfortranarray(x)
    if way == 2:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if way == 3:
        return x[::-1]
    if way == 4:
        x.flags.writeable = False
        return x
    return np.broadcast_to(x, (2, *x.shape))


def _points(r: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> Any:
    """Draw points in and around a domain: of every size, at its ends, beyond, not finite."""
    sizes = 10.0 ** r.uniform(-12, min(12, math.log10(high)), shape)
    x = np.where(r.random(shape) < 0.5, r.uniform(max(low, -5), min(high, 5), shape), sizes)
    x = np.where((r.random(shape) < 0.3) & (low < 0), -x, x)
    odd = r.choice([np.nan, np.inf, -np.inf, low, high, 0.0, 1.0, -1.0], size=shape)
    x = np.where(r.random(shape) < 0.1, odd, x)
    kind = r.choice(["f8", "f8", "f8", "f4", "f2", "i8", "i2", "?", "g", ">f8"])
    with np.errstate(all="ignore"):
        if kind in ("i8", "i2", "?"):
            x = np.clip(np.nan_to_num(np.round(x)), -100, 100)
        return _laid_out(np.array(x.astype(kind)), r)


def _step(r: np.random.Generator, shape: tuple[int, ...]) -> dict[str, Any]:
    choice = r.integers(8)
    if choice == 0:
        return {"step": float(10.0 ** r.uniform(-6, -2))}
    if choice == 1:
        return {"rel_step": 10.0 ** r.uniform(-6, -2, shape[-1:])}
    return {}


#: Points this near to an end of the domain may have it, or a pole, within the reach of a stencil: two steps of at most
#: 0.01 max(|x|, 1).
REACH = 0.05


def _judge(estimate: Any, truth: Any, size: Any, dtype: Any, stencil: bool, beside_end: Any = False) -> None:
    """Accept values within ten bounds, within more where the status is not "converged", and NaN with its status.

    More are 100 bounds, for stencils, whose steps may span many periods, 1000; an infinite bound beside an overflow
    counts as 1 % of `size`, which is that of the terms that add up to the truth. Where `beside_end`, a stencil may span
    a pole: its status has to say so.
    """
    eps = float(np.finfo(dtype).eps) if np.dtype(dtype).itemsize < 8 else 4 * np.finfo(float).eps
    with np.errstate(all="ignore"):
        truth = np.asarray(truth, dtype=float)
        kind = np.dtype(dtype)
        beyond = abs(truth) > float(np.finfo(kind).max)
        error = abs(np.asarray(estimate.df, dtype=float) - truth)
        bound = np.asarray(estimate.error, dtype=float)
        rounding = eps * size + 2 * float(np.finfo(kind).smallest_subnormal)
        unsure = np.asarray(estimate.status) != fg.Status.CONVERGED
        limit = np.where(unsure, 1000 if stencil else 100, 10) * bound
        right = error <= np.where(np.isfinite(bound), limit, np.where(unsure, 0.01 * size, 0.0)) + rounding
        nothing = np.isnan(estimate.df) & (np.asarray(estimate.status) == fg.Status.NONFINITE)
    assert np.all(right | (unsure & beside_end) | nothing | beyond), (estimate, truth)
    assert not np.isnan(estimate.error).any() and np.all(np.asarray(estimate.error) >= 0), estimate
    assert np.array_equal(np.asarray(estimate.success), np.asarray(estimate.status) == fg.Status.CONVERGED)


def _same_bits(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b, equal_nan=True))


def _scalar_case(r: np.random.Generator) -> tuple[dict[str, Any], Callable[[], None]]:
    name = str(r.choice(list(SCALAR)))
    f, slope, bend, low, high = SCALAR[name]
    form = int(r.integers(len(FORMS)))
    g = FORMS[form](f)
    shape = _shape(r)
    x = _points(r, low, high, shape)
    rule = RULES[r.integers(len(RULES))]
    second = r.random() < 0.15
    if second:
        rule = fg.adaptive(n=2) if rule == "adaptive" else fg.central(2, 2)
    elif rule == "adaptive" and r.random() < 0.2:
        rule = fg.adaptive(side=str(r.choice(["left", "right"])))  # type: ignore[arg-type]
    given = _step(r, x.shape)
    if r.random() < 0.2:
        given["bounds"] = (-1.5, 2.0) if low < 0 else (1e-3, 2.0)
    workers = r.choice([None, 1, 2])
    if workers is not None:
        given["workers"] = int(workers)
    call = {"f": name, "form": form, "x": x, "method": rule, **given}

    def run() -> None:
        before = x.copy()
        found = fg.derivative(g, x, method=rule, full_output=True, **given)
        plain = fg.derivative(g, x, method=rule, **given)
        assert np.array_equal(np.asarray(x), before, equal_nan=True)
        dtype = x.dtype if x.dtype in (np.float32, np.float16) else np.dtype(np.float64)
        for field in (*found, plain):
            assert np.shape(field) == x.shape, call
        assert np.asarray(plain).dtype == dtype == np.asarray(found.df).dtype
        p = x.astype(np.float64)
        with np.errstate(all="ignore"):
            truth = np.where(np.isfinite(p) & (p > low) & (p < high), (bend if second else slope)(p), np.nan)
        if low == 0 and name == "inverse":
            with np.errstate(all="ignore"):
                truth = np.where(p < 0, (bend if second else slope)(p), truth)
        known = np.isfinite(truth)
        if "bounds" in given:
            inside = (p >= given["bounds"][0]) & (p <= given["bounds"][1])
            assert np.isnan(np.asarray(plain)[~inside]).all()
            known &= inside
        assert np.isnan(np.asarray(plain)[~np.isfinite(p)]).all()
        assert np.isnan(np.asarray(found.df)[~np.isfinite(p)]).all()
        stencil = not (rule == "adaptive" or isinstance(rule, fg.Adaptive))
        chosen = fg.Estimate(*(np.asarray(field)[known] for field in found))
        beside_end = stencil & (low == 0) & (abs(p[known]) <= REACH)
        _judge(chosen, truth[known], abs(truth[known]), dtype, stencil, beside_end)
        if not stencil:
            assert _same_bits(plain, found.df), (plain, found.df)

    return call, run


def _vector_case(r: np.random.Generator) -> tuple[dict[str, Any], Callable[[], None]]:
    name = str(r.choice(list(VECTOR)))
    f, slope, bend = VECTOR[name]
    d = int(r.integers(1, 5))
    shape = (*_shape(r)[:2], d)
    x = np.asarray(_points(r, -4.0, 4.0, shape))
    x = np.clip(np.nan_to_num(x.astype(float)), -1e4, 1e4).astype(x.dtype)
    what = str(r.choice(["gradient", "jacobian", "hessian", "directional", "hessian_vector", "diagonal"]))
    rule = RULES[r.integers(len(RULES))]
    opaque = bool(r.integers(2))
    g = Opaque(f) if opaque else f
    given = _step(r, x.shape) if what in ("gradient", "jacobian") else {}
    call = {"f": name, "what": what, "opaque": opaque, "x": x, "method": rule, **given}

    def run() -> None:
        before = x.copy()
        p = np.asarray(x, dtype=float)
        v = np.linspace(-1, 1, d)
        options = {"method": rule, "full_output": True, **given}
        if what == "gradient":
            found, truth = fg.gradient(g, x, **options), slope(p)
        elif what == "jacobian":
            found, truth = fg.jacobian(g, x, **options), slope(p)[..., None, :]
        elif what == "directional":
            found, truth = fg.directional(g, x, v, **options), slope(p) @ v
        elif what == "hessian":
            found, truth = fg.hessian(g, x, **options), bend(p)
        elif what == "diagonal":
            found = fg.hessian(g, x, diagonal=True, **options)
            truth = np.diagonal(bend(p), axis1=-2, axis2=-1)
        else:
            found, truth = fg.hessian_vector(g, x, v, **options), bend(p) @ v
        assert np.array_equal(x, before, equal_nan=True)
        dtype = x.dtype if x.dtype in (np.float32, np.float16) else np.dtype(np.float64)
        if what == "directional" and found.df.shape == (*x.shape[:-1], 1):
            truth = truth[..., None]
        assert all(np.shape(field) == np.shape(truth) for field in found), (found.df.shape, np.shape(truth))
        assert found.df.dtype == dtype
        size = abs(truth)
        if what in ("directional", "hessian_vector"):
            size = (abs(slope(p)) if what == "directional" else abs(bend(p))) @ abs(v)
        elif what == "hessian":
            size = np.max(size, axis=(-2, -1), keepdims=True, initial=0.0) + 0 * size
        _judge(found, truth, size.reshape(np.shape(truth)), dtype, rule != "adaptive")

    return call, run


#: What is wrong with a call, and the exception that has to say so.
MISTAKES: list[tuple[dict[str, Any], Any]] = [
    ({"step": 0.0}, "`step`"),
    ({"step": -1.0}, "`step`"),
    ({"step": np.nan}, "`step`"),
    ({"step": np.array([0.1, -0.1])}, "`step`"),
    ({"step": "a"}, "`step`"),
    ({"rel_step": np.inf, "method": "central"}, "`rel_step`"),
    ({"step": 0.1, "rel_step": 0.1}, "`step`"),
    ({"bounds": (1.0, -1.0)}, "`bounds`"),
    ({"bounds": (np.nan, 1.0)}, "`bounds`"),
    ({"bounds": "ab"}, "`bounds`"),
    ({"method": "simplex"}, "`method`"),
    ({"method": None}, "`method`"),
    ({"workers": -1}, "`workers`"),
    ({"workers": 1.5}, "`workers`"),
]


def _mistaken_case(r: np.random.Generator) -> tuple[dict[str, Any], Callable[[], None]]:
    wrong, words = MISTAKES[r.integers(len(MISTAKES))]
    name = str(r.choice(list(SCALAR)))
    g = FORMS[r.integers(3)](SCALAR[name][0])
    what = str(r.choice(["derivative", "gradient", "jacobian", "hessian"]))
    call = {"f": name, "what": what, **wrong}

    def run() -> None:
        with pytest.raises((TypeError, ValueError), match=words):
            if what == "derivative":
                fg.derivative(g, np.array([0.3, 0.7]), **wrong)
            else:
                getattr(fg, what)(lambda v: g(v[0]) + v[1], np.array([0.3, 0.7]), **wrong)

    return call, run


def _other_case(r: np.random.Generator) -> tuple[dict[str, Any], Callable[[], None]]:
    """Weights, checks, circuits, sparse jacobians."""
    what = str(r.choice(["weights", "check", "circuit", "sparsity", "out", "wrt"]))
    name = str(r.choice(["sin", "exp", "tanh", "cube", "arctan", "line"]))
    f, slope = SCALAR[name][:2]
    x = r.uniform(-2, 2, int(r.integers(1, 7)))
    call = {"what": what, "f": name, "x": x}

    def run() -> None:
        if what == "weights":
            nodes = np.sort(r.uniform(-1, 1, 5)) + np.arange(5)
            n = int(r.integers(0, 4)) or 1
            w = fg.weights(nodes, x0=float(nodes[2]), n=n)
            for k in range(5):
                wanted = math.perm(k, n) * nodes[2] ** (k - n) if k >= n else 0.0
                assert abs(w @ nodes**k - wanted) <= 1e-10 * (abs(w) @ abs(nodes) ** k + 1)
        elif what == "check":
            assert fg.check(f, slope, x)
            factor = float(r.choice([0.5, 1.001, -1.0, 3.0]))
            assert not fg.check(f, lambda x: factor * slope(x), x)
        elif what == "circuit":
            c = fg.circuit(lambda x, y: np.exp(-x * x) * np.sin(y) + x * y)
            y = x[::-1].copy()
            dx, dy = c.partials(x, y)
            assert np.allclose(dx, -2 * x * np.exp(-x * x) * np.sin(y) + y, rtol=1e-13, atol=1e-14)
            assert np.allclose(dy, np.exp(-x * x) * np.cos(y) + x, rtol=1e-13, atol=1e-14)
        elif what == "sparsity":
            found = fg.jacobian(f, x, sparsity=sparse.eye_array(x.size, format="csr"))
            assert np.allclose(found.toarray(), np.diag(slope(x)), rtol=1e-9, atol=1e-11)
        elif what == "out":
            out = np.full(2 * x.size, 7.0)
            returned = fg.derivative(f, x, out=out[::2])
            assert np.shares_memory(returned, out) and np.array_equal(out[::2], fg.derivative(f, x))
            assert np.all(out[1::2] == 7.0)
        else:
            y = r.uniform(1, 2, (2, 1))
            dx, dy = fg.derivative(lambda x, y: f(x) * y + np.log(y), x, y, wrt=(0, 1))
            assert np.allclose(dx, slope(x) * y, rtol=1e-9, atol=1e-11)
            assert np.allclose(dy, f(x) + 1 / y, rtol=1e-9, atol=1e-11)

    return call, run


KINDS = [_scalar_case, _scalar_case, _scalar_case, _vector_case, _mistaken_case, _other_case]


def case(seed: int) -> tuple[dict[str, Any], Callable[[], None]]:
    """Make the call of a seed, and what runs and judges it."""
    r = np.random.default_rng([2026, seed])
    return KINDS[r.integers(len(KINDS))](r)


def tell(seed: int) -> None:
    """Print and run the call of a seed."""
    call, run = case(seed)
    print(call)
    run()


def fuzz(seeds: range) -> None:
    """Run the calls of many seeds; warnings, which are errors here, fail too."""
    failed: dict[int, str] = {}
    for seed in seeds:
        call, run = case(seed)
        try:
            run()
        except Exception as problem:
            failed[seed] = f"{call}\n    {type(problem).__name__}: {str(problem)[:300]}"
    assert not failed, f"{len(failed)} of {len(seeds)} seeds:\n" + "\n".join(
        f"{seed}: {text}" for seed, text in list(failed.items())[:20]
    )


@pytest.mark.parametrize(
    ("df", "error", "status"),
    [(3.0, 1e-6, fg.Status.CONVERGED), (3.0, 1e-6, fg.Status.TOLERANCE_NOT_REACHED),
     (3.0, np.inf, fg.Status.TOLERANCE_NOT_REACHED), (np.nan, np.inf, fg.Status.CONVERGED)],
)  # fmt: skip
def test_planted_answers_are_refused(df: float, error: float, status: fg.Status) -> None:
    for stencil in (False, True):
        with pytest.raises(AssertionError):
            _judge(fg.Estimate(df, error, status, status == 0, 3, df, df), 2.0, 2.0, np.float64, stencil)


@pytest.mark.parametrize("part", range(4))
def test_fuzz(part: int) -> None:
    fuzz(range(100 * part, 100 * (part + 1)))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_fuzz_longer(part: int) -> None:
    fuzz(range(1000 * (part + 1), 1000 * (part + 2)))
