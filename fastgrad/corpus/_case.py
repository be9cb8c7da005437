"""A case of the corpus: one row of a table, with seeded points.

The points are equal on every platform: no power or logarithm of the C library takes part.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._signals import reraise_if_signal
from .translation import for_mpmath

Kind = Literal["smooth", "noisy", "kink"]
Floats = NDArray[np.float64]

# TypeError: a negative number to a fractional power is complex in plain Python, and `math` refuses complex numbers
DOMAIN_ERRORS = (ValueError, ZeroDivisionError, OverflowError, TypeError)


@dataclass(frozen=True)
class Case:
    """One function of one real variable, its points, and the same function for mpmath."""

    #: A unique name, and one of `FAMILIES`.
    name: str
    family: str
    #: The function as a user would write it; it may take arrays or only one number at a time.
    f: Callable[[Any], Any]
    #: Where it is differentiated.
    points: tuple[float, ...]
    #: ``exact(m, x)``: the function in mpmath, `m` the module and `x` an mpf; without the noise of a noisy function.
    exact: Callable[[Any, Any], Any]
    #: The error, relative to the local slope scale, beyond which a derivative counts as missed.
    tolerance: float = 1e-6
    #: A kink means that the function has kinks or steps somewhere, not that a point lies on one.
    kind: Kind = "smooth"
    #: Where the function comes from.
    source: str = ""
    #: ``slope(m, x)``: the derivative in closed form, to check `exact` against.
    slope: Callable[[Any, Any], Any] | None = None
    #: How well `f` and `exact` agree in float64, relative to ``max(|f|, |x f'|)``.
    agree: float = 1e-13

    @property
    def x(self) -> Floats:
        """The points as an array."""
        return np.array(self.points, dtype=np.float64)


def family(name: str, kind: Kind = "smooth") -> Callable[..., Case]:
    """Return the constructor of the cases of one family: ``(name, f, points, exact, **other fields)``.

    Without `exact` it is a copy of `f` for mpmath's numbers.
    """

    def case(label: str, f: Callable[[Any], Any], points: tuple[float, ...],
             exact: Callable[[Any, Any], Any] | None = None, **fields: Any) -> Case:  # fmt: skip
        copy = functools.cache(lambda: for_mpmath(f))
        return Case(label, name, f, points, exact or (lambda m, x: copy()(x)), **{"kind": kind, **fields})

    return case


def pointwise(f: Callable[[Any], Any]) -> Callable[[Any], Floats]:
    """Wrap `f` so that it takes arrays; where it raises a domain error, the value is NaN."""

    def one(x: float) -> float:
        try:
            value = f(x)
        except DOMAIN_ERRORS:
            return float("nan")
        return float("nan") if isinstance(value, complex) else float(value)

    def many(x: Any) -> Floats:
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(all="ignore"):
            return np.array([one(v) for v in x.ravel().tolist()], dtype=np.float64).reshape(x.shape)

    return many


def batched(f: Callable[[Any], Any]) -> Callable[[Any], Floats]:
    """Return `f` on float64 arrays: called once where it works elementwise, else at one point after the other.

    One call with three points is compared with three calls with one.
    """
    single = pointwise(f)

    def whole(x: Any) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(f(np.asarray(x, dtype=np.float64)), dtype=np.float64)

    probe = np.array([0.37, 0.61, 1.43])
    try:
        together = whole(probe)
    except Exception as raised:  # whatever a function written for one number does with an array
        reraise_if_signal(raised)
        return single
    same = together.shape == probe.shape and np.allclose(together, single(probe), rtol=1e-9, atol=0, equal_nan=True)
    return whole if same else single


def uniform(lo: float, hi: float, n: int, seed: int) -> tuple[float, ...]:
    """Draw `n` points evenly from an interval."""
    u = np.random.default_rng(seed).random(n)
    return tuple((lo + (hi - lo) * u).tolist())


def decades(lo: float, hi: float, n: int, seed: int, sign: str = "+") -> tuple[float, ...]:
    """Draw `n` points of every magnitude from `lo` to `hi`; `sign` is "+", "-" or "+-"."""
    rng = np.random.default_rng(seed)
    first, last = math.frexp(lo)[1] - 1, math.frexp(hi)[1] - 1
    exponents = rng.integers(first, last, size=n)
    values = [math.ldexp(1 + u, int(e)) for u, e in zip(rng.random(n).tolist(), exponents, strict=True)]
    signs = {"+": [1.0], "-": [-1.0], "+-": [1.0, -1.0]}[sign]
    return tuple(signs[i % len(signs)] * v for i, v in enumerate(values))


def near(a: float, lo: float, hi: float, n: int, seed: int, sign: str = "+") -> tuple[float, ...]:
    """Draw `n` points at every distance from `lo` to `hi` from `a`."""
    return tuple(a + d for d in decades(lo, hi, n, seed, sign))
