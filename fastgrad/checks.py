"""A derivative derived by hand, checked against the numerical one and its error bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._evidence import Evidence
from ._findings import Check
from ._patterns import patterns
from ._sampling import of_itself
from ._verdicts import Verdict, acquit, judge
from ._witnesses import Analytic, case

__all__ = ["Check", "Verdict", "check"]


def check(
    f: Callable[..., Any],
    analytic: Any = None,
    *args: Any,
    of: str = "derivative",
    wrt: int | tuple[int, ...] = 0,
) -> Check:
    """Compare an analytic derivative with the numerical one, entry by entry, as far as its error bar can tell."""
    if analytic is None:
        f, analytic, args, of, wrt = of_itself(f, args, of)
    asked = case(f, of, args, wrt)
    found = asked.estimate()
    told = Analytic(analytic, asked, found.df.shape)
    judged = judge(told.values, found, unit=asked.unit)
    if (judged.verdict == Verdict.DISAGREES).any():
        rounding = told.rounding()
        judged = judge(told.values, found, rounding, asked.unit)
        suspect = (judged.verdict == Verdict.DISAGREES) & np.isfinite(told.values)
        if suspect.any():
            judged = acquit(judged, judge(told.values, asked.again(found, suspect), rounding, asked.unit))
    with np.errstate(all="ignore"):
        excess = np.where(judged.off == 0, 0.0, judged.off / judged.allowed)
    evidence = Evidence(asked, told, found, judged)
    return Check(
        judged.verdict, told.values, found.df, found.error, excess, patterns(evidence), of,
        f"{told.name} against {getattr(f, '__name__', type(f).__name__)}", asked.args, asked.wrt, evidence.names,
    )  # fmt: skip
