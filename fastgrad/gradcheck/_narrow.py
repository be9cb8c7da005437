"""Features of `f` that are narrower than the steps of the adaptive rule: narrow secants contradict an estimate."""

from __future__ import annotations

import numpy as np

from .._typing import Mask
from ..estimates import Estimate, Status
from ._problem import CheckProblem
from ._verdicts import BOUNDS

#: Relative steps of secants; a second difference takes their square roots, for its rounding grows with the square.
STEPS = 2.0 ** -np.array([22.0, 24.0, 26.0])

#: Secants are alike up to the first share of their size, and contradict an estimate beyond the second.
ALIKE, CONTRARY = 2.0**-3, 2.0**-2


def with_narrow_features(points: CheckProblem, numerical: Estimate) -> tuple[Estimate, Mask]:
    """Replace the estimates that narrow secants contradict by estimates with narrow steps; mark which.

    A branch for ``abs(x) < 1e-6`` is hidden from steps that are wider. Rounding differs from secant to secant, and the
    secants of a table are 0; neither contradicts an estimate.
    """
    where = np.isfinite(numerical.df) & (numerical.status != Status.KINK)
    secants = []
    for step in np.sqrt(STEPS) if points.of == "hessian" else STEPS:
        secants.append(points.slopes(where, method="central", rel_step=step))
        with np.errstate(all="ignore"):
            size = np.fmax(np.abs(secants[-1]), np.abs(numerical.df))
            distance = np.abs(secants[-1] - numerical.df)
            where = where & (secants[-1] != 0) & (distance > CONTRARY * size + BOUNDS * numerical.error)
    with np.errstate(all="ignore"):
        spread = np.max(np.abs(np.asarray(secants) - secants[-1]), axis=0)
        where = where & (spread <= ALIKE * np.abs(secants[-1]))
    if not where.any():
        return numerical, where
    narrow = points.estimate_again(numerical, where, rel_step=STEPS[0])
    with np.errstate(all="ignore"):
        apart = np.abs(narrow.df - numerical.df) > BOUNDS * (narrow.error + numerical.error)
    replaced = where & narrow.success & apart
    return Estimate(*(np.where(replaced, new, old) for old, new in zip(numerical, narrow, strict=True))), replaced
