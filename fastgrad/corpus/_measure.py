"""Run a method over the corpus and say where it is wrong.

The error of a point is judged against the local slope scale ``s``, not against ``|f'(x)|`` alone, since at
a stationary point no method gets a derivative of 1e-17 to six digits, and nobody needs it to:

    s = max(|f'(x)|, mean of |f'| at x (1 - 2^-10) and x (1 + 2^-10), 1e-9 |f(x)| / max(|x|, 1))

with ``+-2^-10`` for the neighbours of 0. The last term is the slope that the rounding of ``f`` alone
feigns over a step of ``max(|x|, 1)``, so that the derivative of ``tanh`` at 30 may be 0. A point is missed
when the error exceeds ``case.tolerance * s`` or the derivative is NaN.

A point is attainable when some central, forward or backward difference of order 2, 4, 6 or 8 with some
power of two from ``2^-60 |x|`` to ``4 max(|x|, 1)`` for a step comes within a third of
``case.tolerance * s``; it is steady when one formula does so at two neighbouring steps, hence not by luck.
Both are stored with the truths.

``method(f, x)`` returns ``(df, error, success, nfev)``, arrays like ``x``, and optionally ``status`` as a
fifth. ``f`` is the function as the user wrote it; ``batched(f)`` can be called with arrays in any case.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import CASES, Case, batched, known, sides, truth
from ._case import Floats

Method = Callable[[Callable[[Any], Any], Floats], tuple[Any, ...]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Record:
    """One point: what is true, what was found. `excess` is the error in units of what is tolerated."""

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

    def __str__(self) -> str:
        """One line, in digits that can be pasted into a call."""
        return (
            f"  {self.family}/{self.case:20s} x={self.x!r:24} "
            f"df={self.df:<24.17g} truth={self.truth:<24.17g} "
            f"off={abs(self.df - self.truth):8.2e} bar={self.error:8.2e} excess={self.excess:8.2e} "
            f"ok={int(self.success)} status={self.status:g} nfev={self.nfev:g}"
        )


@dataclass(frozen=True)
class Figures:
    """The figures of one method over the corpus; printed readably, worst offenders last."""

    functions: int
    points: int
    attainable: int
    missed: float
    missed_steady: float
    covered: float
    wrong: float
    nan: float
    median_error: float
    median_bar: float
    median_nfev: float
    kinks: int
    silent_kinks: float
    families: dict[str, tuple[int, float, float]]
    offenders: dict[str, list[Record]]
    calibration: tuple[float, ...] = ()
    seconds: float = float("nan")
    raised: dict[str, str] = field(default_factory=dict)
    show: int = 12

    def __str__(self) -> str:
        """Lay out the figures, the families, and the worst offenders of every category."""
        lines = [
            f"{self.functions} functions, {self.points} points, "
            f"{self.attainable} attainable, {self.seconds:.1f} s",
            f"missed, of the attainable points   {self.missed:9.3%}",
            f"missed, of the steady points       {self.missed_steady:9.3%}",
            f"bar covers the error               {self.covered:9.3%}",
            f"wrong beyond ten bars, success set {self.wrong:9.3%}",
            f"NaN although a derivative exists   {self.nan:9.3%}",
            f"median relative error, smooth      {self.median_error:9.2e}",
            f"median of bar / true error         {self.median_bar:9.2e}",
            f"median evaluations per point       {self.median_nfev:9.4g}",
            f"kinks reported as success          {self.silent_kinks:9.3%} of {self.kinks}",
            "family        points    missed   covered",
        ]
        lines += [f"{k:12s} {n:7d} {m:9.2%} {c:9.2%}" for k, (n, m, c) in self.families.items()]
        lines += [f"raised: {name}: {why}" for name, why in self.raised.items()]
        for category, records in self.offenders.items():
            if records:
                lines.append(f"{category}: {len(records)}")
                lines += [str(r) for r in records[: self.show]]
        return "\n".join(lines)


def _share(mask: Mask) -> float:
    """Return the share of True; 0 of nothing."""
    return float(np.mean(mask)) if mask.size else 0.0


def _median(values: Floats) -> float:
    """Return the median; NaN of nothing."""
    return float(np.median(values)) if values.size else float("nan")


def _run(method: Method, case: Case) -> tuple[Floats, str]:
    """Rows df, error, success, nfev, status; all NaN, and the reason, where the method raised."""
    x = case.x
    out = np.full((5, x.size), np.nan)
    out[2] = 0
    why = ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for i, column in enumerate(method(case.f, x)):
                out[i] = column
        except Exception as problem:  # a method that raises loses the points, not the run
            why = f"{type(problem).__name__}: {problem}"[:110]
    return out, why


def answers(method: Method, cases: Sequence[Case] = CASES) -> tuple[Floats, dict[str, str]]:
    """Rows df, error, success, nfev, status at the points of all cases, and what the method raised on which."""
    ran = [_run(method, case) for case in cases]
    raised = {case.name: why for case, (_, why) in zip(cases, ran, strict=True) if why}
    return np.concatenate([part for part, _ in ran], axis=1), raised


def measure(
    method: Method, cases: Sequence[Case] = CASES, show: int = 12, factors: Sequence[float] = ()
) -> Figures:
    """Run `method` over `cases`; `show` offenders of a category are printed, `factors` are multiples of the bar."""
    start = time.perf_counter()
    found, raised = answers(method, cases)
    seconds = time.perf_counter() - start
    return replace(judge(found, cases, factors), seconds=seconds, raised=raised, show=show)


def judge(found: Floats, cases: Sequence[Case] = CASES, factors: Sequence[float] = ()) -> Figures:
    """Take the figures of rows df, error, success, nfev, status at the points of all cases, one after the other.

    ``calibration`` is the share of errors within `factors` times the bar.
    """
    df, error, success, nfev, status = found

    def column(get: Callable[[Case], Any]) -> Floats:
        """Put the values of all cases in a row."""
        return np.concatenate([np.broadcast_to(get(c), c.x.shape) for c in cases])

    x, true, scale = column(lambda c: c.x), column(truth), column(lambda c: known(c, "scale"))
    left, right = column(lambda c: sides(c)[0]), column(lambda c: sides(c)[1])
    attainable = column(lambda c: known(c, "attainable")) > 0
    steady = column(lambda c: known(c, "steady")) > 0
    tolerated = column(lambda c: c.tolerance) * scale
    smooth = column(lambda c: c.kind == "smooth").astype(bool)
    family = column(lambda c: np.array(c.family))
    name = column(lambda c: np.array(c.name))

    exists, finite, ok = np.isfinite(true), np.isfinite(df), success == 1
    with np.errstate(all="ignore"):
        off = np.abs(df - true)
        excess = np.where(finite, off / tolerated, np.inf)
        excess[off == 0] = 0
        missed = exists & ~(off <= tolerated)
        covered = off <= error + np.spacing(np.abs(true))
        wrong = exists & finite & ok & (off > tolerated) & ~(off <= 10 * error)
        relative = np.where(true != 0, off / np.abs(true), off / scale)
        bar = error / off
    # no derivative, but at least one side where the function is defined: a kink or a step
    kink = ~exists & ~(np.isnan(left) & np.isnan(right))
    both = exists & finite

    def worst(mask: Mask) -> list[Record]:
        """List records of the marked points, the worst first."""
        chosen = np.flatnonzero(mask)
        chosen = chosen[np.argsort(-excess[chosen], kind="stable")]
        return [
            Record(str(name[i]), str(family[i]), float(x[i]), float(df[i]), float(true[i]), float(error[i]),
                   bool(ok[i]), float(nfev[i]), float(status[i]), float(left[i]), float(right[i]),
                   float(excess[i]))
            for i in chosen
        ]  # fmt: skip

    families = {
        str(k): (int(np.sum(family == k)), _share(missed[attainable & (family == k)]),
                 _share(covered[both & (family == k)]))
        for k in dict.fromkeys(family.tolist())
    }  # fmt: skip
    return Figures(
        functions=len(cases),
        points=x.size,
        attainable=int(np.sum(attainable)),
        missed=_share(missed[attainable]),
        missed_steady=_share(missed[steady]),
        covered=_share(covered[both]) if not np.isnan(error).all() else float("nan"),
        wrong=_share(wrong[exists]),
        nan=_share(~finite[exists]),
        median_error=_median(relative[both & smooth]),
        median_bar=_median(bar[both & (off > 0) & np.isfinite(bar)]),
        median_nfev=_median(nfev[np.isfinite(nfev)]),
        kinks=int(np.sum(kink)),
        silent_kinks=_share(ok[kink]),
        families=families,
        calibration=() if np.isnan(error).all() else tuple(
            _share((off <= factor * error + np.spacing(np.abs(true)))[both]) for factor in factors
        ),
        offenders={
            "missed although attainable": worst(missed & attainable & finite),
            "NaN although attainable": worst(exists & attainable & ~finite),
            "wrong beyond ten bars, success set": worst(wrong),
            "bar does not cover": worst(both & ~covered),
            "kinks reported as success": worst(kink & ok),
        },
    )


__all__ = ["Figures", "Method", "Record", "answers", "batched", "judge", "measure"]
