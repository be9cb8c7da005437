"""A case of the corpus: a function, the points that are stored for it in ``truth.json``, and its copy for mpmath."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .._signals import reraise_if_signal
from .._typing import Argument, FloatArray
from .translation import for_mpmath

Kind = Literal["smooth", "noisy", "kink"]

Mathematics = Any
"""What computes with such numbers: NumPy's or mpmath's module."""
OfOne = Callable[[Argument], Argument]
"""A function of one variable."""
OfOneBy = Callable[[Mathematics, Argument], Argument]
"""A function of one variable, with the module that computes it."""

TRUTH_FILE = Path(__file__).with_name("truth.json")

# TypeError: a negative number to a fractional power is complex in plain Python, and `math` refuses complex numbers
DOMAIN_ERRORS = (ValueError, ZeroDivisionError, OverflowError, TypeError)


@functools.cache
def stored() -> dict[str, dict[str, list[float]]]:
    """Read the stored columns of all cases: the points as "x", and what is computed at them."""
    columns: dict[str, dict[str, list[float]]] = json.loads(TRUTH_FILE.read_text(encoding="utf-8"))
    return columns


@dataclass(frozen=True)
class Case:
    """One function of one real variable, its points, and the same function for mpmath."""

    #: A unique name, and one of `FAMILIES`.
    name: str
    family: str
    #: The function as a user would write it; it may take arrays or only one number at a time.
    f: OfOne
    #: Where it is differentiated.
    points: tuple[float, ...]
    #: ``exact(m, x)``: the function in mpmath, `m` the module and `x` an mpf; without the noise of a noisy function.
    exact: OfOneBy
    #: The error, relative to the local slope scale, beyond which a derivative counts as missed.
    tolerance: float = 1e-6
    #: A kink means that the function has kinks or steps somewhere, not that a point lies on one.
    kind: Kind = "smooth"
    #: Where the function comes from.
    source: str = ""
    #: ``slope(m, x)``: the derivative in closed form, to check `exact` against.
    slope: OfOneBy | None = None
    #: How well `f` and `exact` agree in float64, relative to ``max(|f|, |x f'|)``.
    agree: float = 1e-13

    @property
    def x(self) -> FloatArray:
        """The points as an array."""
        return np.array(self.points, dtype=np.float64)


def family(name: str, kind: Kind = "smooth") -> Callable[..., Case]:
    """Return the constructor of the cases of one family: ``(name, f, exact, **other fields)``.

    Without `exact` it is a copy of `f` for mpmath's numbers.
    """

    def case(label: str, f: OfOne, exact: OfOneBy | None = None, **fields: Any) -> Case:
        copy = functools.cache(lambda: for_mpmath(f))
        points = tuple(stored()[label]["x"])
        return Case(label, name, f, points, exact or (lambda m, x: copy()(x)), **{"kind": kind, **fields})

    return case


def pointwise(f: OfOne) -> Callable[[ArrayLike], FloatArray]:
    """Wrap `f` so that it takes arrays; where it raises a domain error, the value is NaN."""

    def one(x: float) -> float:
        try:
            value = f(x)
        except DOMAIN_ERRORS:
            return float("nan")
        return float("nan") if isinstance(value, complex) else float(value)

    def many(x: ArrayLike) -> FloatArray:
        x = np.asarray(x, dtype=np.float64)
        with np.errstate(all="ignore"):
            return np.array([one(v) for v in x.ravel().tolist()], dtype=np.float64).reshape(x.shape)

    return many


def batched(f: OfOne) -> Callable[[ArrayLike], FloatArray]:
    """Return `f` on float64 arrays: called once where it works elementwise, else at one point after the other.

    One call with three points is compared with three calls with one.
    """
    single = pointwise(f)

    def whole(x: ArrayLike) -> FloatArray:
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
