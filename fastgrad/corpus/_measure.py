"""All cases in one table with their stored columns; a method run over them, to count where it is wrong.

Errors are relative to the local slope scale ``s``, not to ``|f'(x)|`` alone: at a stationary point no method gets a
derivative of 1e-17 to six digits, and none has to.

    s = max(|f'(x)|, mean of |f'| at x (1 - 2^-10) and x (1 + 2^-10), 1e-9 |f(x)| / max(|x|, 1))

with ``+-2^-10`` for the neighbours of 0. The last term is the slope that the rounding of ``f`` alone feigns over a step
of ``max(|x|, 1)``, so that the derivative of ``tanh`` at 30 may be 0. A point is missed when the error exceeds
``case.tolerance * s`` or the derivative is NaN.

A point is attainable when some central, forward or backward difference of order 2, 4, 6 or 8 with some power of two
from ``2^-60 |x|`` to ``4 max(|x|, 1)`` for a step comes within a third of ``case.tolerance * s``; it is steady when one
formula does so at two neighbouring steps, hence not by luck. Both are stored with the truths.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .._signals import reraise_if_signal
from .._typing import Array, FloatArray, Mask
from . import _analysis, _applied, _difficult, _rough
from ._case import Case, OfOne, stored

#: ``method(f, x)`` returns df, error, success, nfev and perhaps status, arrays like `x`; `f` is `Case.f`.
EstimatingMethod = Callable[[OfOne, FloatArray], tuple[Array, ...]]

#: Points of every kind of failure that are printed.
SHOWN = 12

FAMILIES: tuple[str, ...] = (
    "elementary", "neural", "special", "probability", "finance", "physics", "oscillating", "singular", "boundary",
    "scaled", "flat", "cancelling", "noisy", "kinks", "classics",
)  # fmt: skip
TABLES = (_analysis, _applied, _difficult, _rough)

#: Sorted by family; within a family as the tables list them.
CASES: tuple[Case, ...] = tuple(
    sorted((case for table in TABLES for case in table.CASES), key=lambda case: FAMILIES.index(case.family))
)


def known(case: Case, column: str) -> FloatArray:
    """Return one stored column, with a value for each point of `case`.

    Columns are the derivatives "df" and "d2", the one-sided "left" and "right", the slope "scale", and two flags:
    "attainable" is 1 where a difference formula gets the derivative at one step, "steady" at two in a row.
    """
    row = stored()[case.name]
    # a side is stored only where it differs from the derivative
    values = [df if value is None else value for value, df in zip(row[column], row["df"], strict=True)]
    return np.array(values, dtype=np.float64)


def truth(case: Case, n: int = 1) -> FloatArray:
    """Return the true derivative of order `n`, 1 or 2, at the points of a case; NaN where there is none."""
    if n not in (1, 2):
        raise ValueError(f"`n` must be 1 or 2; got {n}. Differentiate `case.exact` for others.")
    return known(case, "df" if n == 1 else "d2")


def sides(case: Case) -> tuple[FloatArray, FloatArray]:
    """Return the true left and right derivatives; NaN outside the domain, infinite at a step."""
    return known(case, "left"), known(case, "right")


@dataclass(frozen=True)
class PointRecord:
    """One point with its truth and its estimate; `excess` is the error in units of the tolerated one."""

    case: str
    family: str
    x: float
    df: float
    truth: float
    error: float
    success: bool
    nfev: float
    status: float
    left: float
    right: float
    excess: float


@dataclass(frozen=True)
class Figures:
    """The figures of one method over the corpus; shares are from 0 to 1."""

    #: Counts of functions, of points, and of attainable points.
    functions: int
    points: int
    attainable: int
    #: Shares of the attainable and of the steady points that are missed.
    missed: float
    missed_steady: float
    #: Share of errors within the error bound; NaN for a method without bounds.
    covered: float
    #: Share of points beyond tolerance and ten bounds with success set.
    wrong: float
    #: Share of points without a result though the derivative exists.
    nan: float
    #: Medians of the relative error at the smooth functions, of bound over error, of evaluations per point.
    median_error: float
    median_bar: float
    median_nfev: float
    #: Count of kinks, and share of them that is reported as success.
    kinks: int
    silent_kinks: float
    #: Points, missed and covered of every family.
    families: dict[str, tuple[int, float, float]]
    #: Records of every kind of failure, the worst first.
    offenders: dict[str, list[PointRecord]]
    #: Shares of errors within multiples of the bound: `factors` of `measure`.
    calibration: tuple[float, ...] = ()
    #: Seconds of the run.
    seconds: float = float("nan")
    #: What the method raised, by case.
    raised: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """List the figures, the families, and the worst points of every kind of failure."""
        figures = {f.name: getattr(self, f.name) for f in fields(self)}
        lines = [f"{name:15s} {value:.6g}" for name, value in figures.items() if isinstance(value, (int, float))]
        lines += [f"{name:15s} {n:7d} points {missed:9.2%} missed {covered:9.2%} covered"
                  for name, (n, missed, covered) in self.families.items()]  # fmt: skip
        lines += [f"raised: {name}: {message}" for name, message in self.raised.items()]
        for kind, records in self.offenders.items():
            lines += [f"{kind}: {len(records)}", *map(repr, records[:SHOWN])] if records else []
        return "\n".join(lines)


def measure(method: EstimatingMethod, cases: Sequence[Case] = CASES, factors: Sequence[float] = ()) -> Figures:
    """Run `method` over `cases` and judge its estimates; `factors` are multiples of the bound for `calibration`."""
    start = time.perf_counter()
    columns, raised = zip(*(_run(method, case) for case in cases), strict=True)
    seconds = time.perf_counter() - start
    messages = {case.name: message for case, message in zip(cases, raised, strict=True) if message}
    return replace(judge(np.concatenate(columns, axis=1), cases, factors), seconds=seconds, raised=messages)


def _run(method: EstimatingMethod, case: Case) -> tuple[FloatArray, str]:
    """Return rows df, error, success, nfev, status, and the message of the exception that the method raised."""
    rows = np.full((5, len(case.points)), np.nan)
    rows[2] = 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for i, column in enumerate(method(case.f, case.x)):
                rows[i] = column
        except Exception as problem:  # a method that raises loses the points, not the run
            reraise_if_signal(problem)
            return rows, f"{type(problem).__name__}: {problem}"[:110]
    return rows, ""


class _Points:
    """The points of several cases in a row: one array for every stored column and every field that is judged by."""

    def __init__(self, cases: Sequence[Case]) -> None:
        def column(get: Callable[[Case], ArrayLike]) -> Array:
            return np.concatenate([np.broadcast_to(get(case), len(case.points)) for case in cases])

        self.x, self.truth, self.scale = column(lambda c: c.x), column(truth), column(lambda c: known(c, "scale"))
        self.left, self.right = column(lambda c: sides(c)[0]), column(lambda c: sides(c)[1])
        self.attainable, self.steady = (column(partial(known, column=k)) > 0 for k in ("attainable", "steady"))
        self.tolerated = column(lambda c: c.tolerance) * self.scale
        self.smooth = column(lambda c: c.kind == "smooth").astype(bool)
        self.name, self.family = column(lambda c: np.array(c.name)), column(lambda c: np.array(c.family))
        self.exists = np.isfinite(self.truth)
        # no derivative, but at least one side where the function is defined: a kink or a step
        self.kink = ~self.exists & ~(np.isnan(self.left) & np.isnan(self.right))


def judge(estimates: FloatArray, cases: Sequence[Case] = CASES, factors: Sequence[float] = ()) -> Figures:
    """Take the figures of rows df, error, success, nfev, status at the points of all cases, one after the other."""
    df, error, success, nfev, _status = estimates
    at = _Points(cases)
    exists, finite, ok = at.exists, np.isfinite(df), success == 1
    with np.errstate(all="ignore"):
        off, ulp = np.abs(df - at.truth), np.spacing(np.abs(at.truth))
        excess = np.where(finite, off / at.tolerated, np.inf)
        excess[off == 0] = 0
        missed = exists & ~(off <= at.tolerated)
        covered = off <= error + ulp
        wrong = exists & finite & ok & (off > at.tolerated) & ~(off <= 10 * error)
        relative = np.where(at.truth != 0, off / np.abs(at.truth), off / at.scale)
        bar = error / off
    both, bounded = exists & finite, not np.isnan(error).all()
    categories = {
        "missed although attainable": missed & at.attainable & finite,
        "NaN although attainable": exists & at.attainable & ~finite,
        "wrong beyond ten bars, success set": wrong,
        "bar does not cover": both & ~covered,
        "kinks reported as success": at.kink & ok,
    }
    families = {}
    for name in dict.fromkeys(at.family.tolist()):
        inside = at.family == name
        families[name] = int(np.sum(inside)), _share(missed[at.attainable & inside]), _share(covered[both & inside])
    return Figures(
        functions=len(cases),
        points=at.x.size,
        attainable=int(np.sum(at.attainable)),
        missed=_share(missed[at.attainable]),
        missed_steady=_share(missed[at.steady]),
        covered=_share(covered[both]) if bounded else float("nan"),
        wrong=_share(wrong[exists]),
        nan=_share(~finite[exists]),
        median_error=_median(relative[both & at.smooth]),
        median_bar=_median(bar[both & (off > 0) & np.isfinite(bar)]),
        median_nfev=_median(nfev[np.isfinite(nfev)]),
        kinks=int(np.sum(at.kink)),
        silent_kinks=_share(ok[at.kink]),
        families=families,
        calibration=tuple(_share((off <= factor * error + ulp)[both]) for factor in factors) if bounded else (),
        offenders={name: _records(at, estimates, excess, mask) for name, mask in categories.items()},
    )


def _records(at: _Points, estimates: FloatArray, excess: FloatArray, mask: Mask) -> list[PointRecord]:
    """List records of the marked points, the worst first."""
    marked = np.flatnonzero(mask)
    marked = marked[np.argsort(-excess[marked], kind="stable")]
    records = []
    for i in marked.tolist():
        df, error, success, nfev, status = estimates[:, i].tolist()
        x, true, left, right = (float(column[i]) for column in (at.x, at.truth, at.left, at.right))
        records.append(PointRecord(str(at.name[i]), str(at.family[i]), x, df, true, error, success == 1, nfev, status,
                              left, right, float(excess[i])))  # fmt: skip
    return records


def _share(mask: Mask) -> float:
    """Return the share of True; 0 of nothing."""
    return float(np.mean(mask)) if mask.size else 0.0


def _median(values: FloatArray) -> float:
    """Return the median; NaN of nothing."""
    return float(np.median(values)) if values.size else float("nan")
