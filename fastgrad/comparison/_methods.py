"""The methods that are compared: how each differentiates on arrays, and how far its result is to be trusted.

Rules of fastgrad, and other libraries with their own defaults, which are imported when they are run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Argument, Arguments, Array
from ..corpus.translation import Translator, Untranslatable
from ..differentiation.derivatives import derivative
from ..rules.complexstep import ComplexStep
from ..rules.selection import METHODS, as_rule
from ..rules.stencils import Stencil, central

T = TypeVar("T")

Elementwise = Callable[..., Argument]


class Answer(NamedTuple):
    """Estimates of a method at every point of a batch: arrays of one shape."""

    df: Array
    #: Error bound; NaN where the method gives none.
    error: Array
    #: Whether the method reports success; True where it has no such flag.
    success: Array
    nfev: Array


class Counted:
    """A function that counts its evaluations; it is an object, hence not compiled."""

    def __init__(self, f: Elementwise) -> None:
        self._f = f
        self.count = 0

    def __call__(self, *args: Argument) -> Argument:
        """Evaluate and count."""
        self.count += max(np.size(a) for a in args)
        return self._f(*args)


#: ``run(f, args, wrt)`` returns the derivative at every point as fast as the method can, or an `Answer` if bounds cost
#: nothing more.
Run = Callable[[Elementwise, Arguments, int], Array | Answer]
#: ``estimate(f, args, wrt)``.
Estimator = Callable[[Elementwise, Arguments, int], Answer]


@dataclass(frozen=True)
class Method:
    """A way to differentiate an elementwise function on arrays."""

    name: str
    #: Head of a column; at most nine letters a line.
    label: str
    run: Run
    estimate: Estimator | None = field(default=None, compare=False)
    #: Whether fastgrad runs it; other libraries get a version of `f` that takes arrays.
    ours: bool = True
    #: Most points of a run, for a slow method.
    limit: int | None = None
    #: Points at which `estimate` is called.
    barred: int = 1000
    #: Whether it reads the formula of `f` instead of calling it: it gets `f` as it is, and evaluates nothing.
    traced: bool = False
    #: The rule, where its step is fixed: it gets a curve of error against step.
    stencil: Stencil | None = field(default=None, compare=False)


#: The step of the textbook: near the best one for a central difference of points and values of size 1.
NAIVE_STEP = 1e-5

#: Points where one call takes one point: enough for a time, and no more than a second.
SLOW_POINTS = 100

#: Where jax has another name.
_RENAMED = {
    "fabs": "abs", "lgamma": "gammaln", "loggamma": "gammaln", "psi": "digamma", "pow": "power", "fmax": "maximum",
    "fmin": "minimum", "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh",
}  # fmt: skip


def _of_one(f: Elementwise, args: Arguments, wrt: int) -> Elementwise:
    """Fix all arguments but one."""
    return lambda x: f(*args[:wrt], x, *args[wrt + 1 :])


def _naive(f: Elementwise, args: Arguments, wrt: int) -> Array:
    g, h, x = _of_one(f, args, wrt), NAIVE_STEP, np.asarray(args[wrt])
    df: Array = (g(x + h) - g(x - h)) / (2 * h)
    return df


def _naive_answer(f: Elementwise, args: Arguments, wrt: int) -> Answer:
    df = _naive(f, args, wrt)
    return Answer(df, np.full_like(df, np.nan), np.ones(df.shape, bool), np.full_like(df, 2.0))


def _scipy_answer(f: Elementwise, args: Arguments, wrt: int) -> Answer:
    from scipy import differentiate

    def reordered(x: Argument, *others: Argument) -> Argument:
        return f(*others[:wrt], x, *others[wrt:])

    result = differentiate.derivative(reordered, args[wrt], args=args[:wrt] + args[wrt + 1 :])
    return Answer(result.df, result.error, result.success, result.nfev)


def _numdifftools(f: Elementwise, args: Arguments, wrt: int) -> Array:
    import numdifftools as nd

    df: Array = nd.Derivative(_of_one(f, args, wrt))(args[wrt])
    return df


def _numdifftools_answer(f: Elementwise, args: Arguments, wrt: int) -> Answer:
    import numdifftools as nd

    def one(g: Counted, x: float) -> tuple[ArrayLike, ArrayLike]:
        result = nd.Derivative(g, full_output=True)(x)
        # up to 0.9 a pair (value, info), since then one record that holds both
        value, info = (result.estimate, result) if hasattr(result, "estimate") else result
        return value, info.error_estimate

    return _one_by_one(one, f, args, wrt)


def _jacobi_answer(f: Elementwise, args: Arguments, wrt: int) -> Answer:
    from jacobi import jacobi

    def one(g: Counted, x: float) -> tuple[ArrayLike, ArrayLike]:
        # from 2^-81 down the powers of its steps underflow, and its least-squares fit never returns
        return (np.nan, np.nan) if 0 < abs(x) < 2.0**-80 else jacobi(g, x)

    return _one_by_one(one, f, args, wrt)


def _statsmodels_answer(f: Elementwise, args: Arguments, wrt: int) -> Answer:
    from statsmodels.tools.numdiff import approx_fprime  # of a vector it would form a matrix

    return _one_by_one(lambda g, x: (approx_fprime(np.array([x]), g, centered=True), np.nan), f, args, wrt)


def _jax(f: Elementwise, args: Arguments, wrt: int) -> Array:
    """Differentiate by `jax.grad`, compiled, at every point."""
    import jax

    axes = tuple(0 if np.ndim(a) else None for a in args)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        try:
            return np.asarray(_compiled(f, wrt, axes)(*args))
        except jax.errors.TracerBoolConversionError:
            raise Untranslatable("jax cannot trace it: it branches on values") from None
        except jax.errors.JAXTypeError as problem:
            raise Untranslatable(f"jax cannot trace it: {str(problem).splitlines()[0]}") from None


@lru_cache(maxsize=128)
def _compiled(f: Elementwise, wrt: int, axes: tuple[int | None, ...]) -> Elementwise:
    """Compile once for a function: jax recognises functions by their identity."""
    import jax
    import jax.numpy as jnp

    own: dict[str, Elementwise] = {
        "float64": _same, "asarray": _same, "asanyarray": _same, "errstate": lambda **_: contextlib.nullcontext(),
        "fsum": sum, "cbrt": jnp.cbrt,
    }  # fmt: skip

    def equal(name: str) -> Elementwise | None:
        equal_name = _RENAMED.get(name, name)
        return own.get(name) or getattr(jnp, equal_name, None) or getattr(jax.scipy.special, equal_name, None)

    named = {"float": _same, "max": jnp.maximum, "min": jnp.minimum}
    copy = Translator(equal, named, lambda array: array, "jax").copied(f)
    return jax.jit(jax.vmap(jax.grad(copy, argnums=wrt), in_axes=axes))


def _same(x: T, *_: object, **__: object) -> T:
    """Return `x`, which is a number of jax's already."""
    return x


def _one_by_one(
    differentiate: Callable[[Counted, float], tuple[ArrayLike, ArrayLike]], f: Elementwise, args: Arguments, wrt: int
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


def _peer(name: str, estimate: Estimator, run: Run | None = None, *, limit: int, barred: int) -> Method:
    """Make a method of another library, named and labelled alike."""
    return Method(name, name, run or estimate, estimate, ours=False, limit=limit, barred=barred)


NUMPY = Method("NumPy, step 1e-5", "NumPy", _naive, _naive_answer, ours=False)
SCIPY = Method("scipy.differentiate", "SciPy", _scipy_answer, _scipy_answer, ours=False)

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

#: Short names of rules: eight columns must fit into 80 letters.
SHORT = {"forward": "fwd", "backward": "bwd", "complex_step": "complex"}


def method_of(rule: object) -> Method:
    """Return the method of a word, a stencil or any other rule that `derivative` takes."""
    if isinstance(rule, Method):
        return rule
    if isinstance(rule, str) and rule in PEERS:
        if rule not in INSTALLED:
            raise ValueError(f'`methods` names {rule!r}, which is not installed: pip install "fastgrad[bench]".')
        return PEERS[rule]
    method = as_rule(rule, "methods", PEERS)

    def run(f: Elementwise, args: Arguments, wrt: int) -> Array:
        df: Array = derivative(f, *args, wrt=wrt, method=method)
        return df

    def estimate(f: Elementwise, args: Arguments, wrt: int) -> Answer:
        result = derivative(f, *args, wrt=wrt, method=method, full_output=True)
        return Answer(result.df, result.error, result.success, result.nfev)

    name = repr(method)
    word, _, rest = name.partition("(")
    order = rest.partition("order=")[2].partition(",")[0].strip(")")
    label = f"{SHORT.get(word, word)} {order}".strip()
    stencil = method if isinstance(method, Stencil) else None
    return Method(name, label, run, None if isinstance(method, ComplexStep) else estimate, stencil=stencil)


def standard_methods() -> tuple[Method, ...]:
    """Return every rule of `derivative`, central differences of higher order, and every library installed."""
    rules = [rule for word, rule in METHODS.items() if word not in ("complex", "adaptive")]
    rules += [central(4), central(6), METHODS["complex"], METHODS["adaptive"]]  # the last beside its peers
    return (*map(method_of, rules), *(PEERS[word] for word in INSTALLED))


def judged_methods() -> tuple[Method, ...]:
    """Return the methods for the corpus: the default, a fixed step, and every library that calls functions."""
    return (method_of("adaptive"), method_of("central"), *(PEERS[w] for w in INSTALLED if not PEERS[w].traced))


def chosen_methods(methods: object) -> tuple[Method, ...] | None:
    """Return the methods of what a caller passes as `methods`, without repetition; None for None."""
    if methods is None:
        return None
    if isinstance(methods, (str, Method)) or not np.iterable(methods):
        methods = (methods,)
    chosen = {method.name: method for method in map(method_of, methods)}
    if not chosen:
        raise ValueError("`methods` must name at least one rule; got none. Leave it out to compare them all.")
    return tuple(chosen.values())
