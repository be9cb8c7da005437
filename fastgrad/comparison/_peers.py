"""Other libraries as methods, with their own defaults; each is imported when it is run."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from ._method import Answer, Args, Counted, Elementwise, Method

#: The step of the textbook: near the best one for a central difference of points and values of size 1.
NAIVE_STEP = 1e-5

#: Points where one call takes one point: enough for a time, and no more than a second.
SLOW_POINTS = 100


def _of_one(f: Elementwise, args: Args, wrt: int) -> Elementwise:
    """Fix all arguments but one."""
    return lambda x: f(*args[:wrt], x, *args[wrt + 1 :])


def _naive(f: Elementwise, args: Args, wrt: int) -> Any:
    g, h, x = _of_one(f, args, wrt), NAIVE_STEP, np.asarray(args[wrt])
    return (g(x + h) - g(x - h)) / (2 * h)


def _naive_answer(f: Elementwise, args: Args, wrt: int) -> Answer:
    df = _naive(f, args, wrt)
    return Answer(df, np.full_like(df, np.nan), np.ones(df.shape, bool), np.full_like(df, 2.0))


def _scipy_answer(f: Elementwise, args: Args, wrt: int) -> Answer:
    from scipy import differentiate

    def reordered(x: Any, *others: Any) -> Any:
        return f(*others[:wrt], x, *others[wrt:])

    result = differentiate.derivative(reordered, args[wrt], args=args[:wrt] + args[wrt + 1 :])
    return Answer(result.df, result.error, result.success, result.nfev)


def _numdifftools(f: Elementwise, args: Args, wrt: int) -> Any:
    import numdifftools as nd

    return nd.Derivative(_of_one(f, args, wrt))(args[wrt])


def _numdifftools_answer(f: Elementwise, args: Args, wrt: int) -> Answer:
    import numdifftools as nd

    def one(g: Counted, x: float) -> tuple[Any, Any]:
        result = nd.Derivative(g, full_output=True)(x)
        # up to 0.9 a pair (value, info), since then one record that holds both
        value, info = (result.estimate, result) if hasattr(result, "estimate") else result
        return value, info.error_estimate

    return _one_by_one(one, f, args, wrt)


def _jacobi_answer(f: Elementwise, args: Args, wrt: int) -> Answer:
    from jacobi import jacobi

    def one(g: Counted, x: float) -> tuple[Any, Any]:
        # from 2^-81 down the powers of its steps underflow, and its least-squares fit never returns
        return (np.nan, np.nan) if 0 < abs(x) < 2.0**-80 else jacobi(g, x)

    return _one_by_one(one, f, args, wrt)


def _statsmodels_answer(f: Elementwise, args: Args, wrt: int) -> Answer:
    from statsmodels.tools.numdiff import approx_fprime  # of a vector it would form a matrix

    return _one_by_one(lambda g, x: (approx_fprime(np.array([x]), g, centered=True), np.nan), f, args, wrt)


def _jax(f: Elementwise, args: Args, wrt: int) -> Any:
    from ._jax import gradient

    return gradient(f, args, wrt)


def _one_by_one(
    differentiate: Callable[[Counted, float], tuple[Any, Any]], f: Elementwise, args: Args, wrt: int
) -> Answer:
    """Call a library at one point after the other, so that it chooses its steps for each point."""
    rows = np.broadcast_arrays(*[np.asarray(a, dtype=np.float64) for a in args])
    results = np.full((3, rows[wrt].size), np.nan)
    for i, row in enumerate(zip(*(r.ravel().tolist() for r in rows), strict=True)):
        counted = Counted(_of_one(f, row, wrt))
        try:
            value, error = differentiate(counted, row[wrt])
            results[:2, i] = float(np.squeeze(value)), float(np.squeeze(error))
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # a NaN value makes some of them fail
            pass
        results[2, i] = counted.count
    df, error, nfev = results.reshape(3, *rows[wrt].shape)
    return Answer(df, error, np.isfinite(df), nfev)


def _peer(name: str, estimate: Callable[[Elementwise, Args, int], Answer], run: Any = None, **fields: Any) -> Method:
    """Make a method of another library, named and labelled alike."""
    return Method(name, name, run or (lambda f, args, wrt: estimate(f, args, wrt).df), estimate, ours=False, **fields)


NUMPY = Method("NumPy, step 1e-5", "NumPy", _naive, _naive_answer, ours=False)
SCIPY = Method("scipy.differentiate", "SciPy", lambda f, args, wrt: _scipy_answer(f, args, wrt).df, _scipy_answer,
               ours=False)  # fmt: skip

#: Other libraries by the words that `accuracy` takes.
PEERS: dict[str, Method] = {
    "numpy": NUMPY,
    "scipy": SCIPY,
    "numdifftools": _peer("numdifftools", _numdifftools_answer, _numdifftools, limit=10_000, barred=SLOW_POINTS),
    "jacobi": _peer("jacobi", _jacobi_answer, limit=SLOW_POINTS, barred=SLOW_POINTS),
    "statsmodels": _peer("statsmodels", _statsmodels_answer, limit=10 * SLOW_POINTS, barred=SLOW_POINTS),
    "jax": Method("jax, exact", "jax", _jax, ours=False, traced=True),
}

#: Those of them that are installed.
INSTALLED: tuple[str, ...] = tuple(word for word in PEERS if find_spec(word) is not None)
