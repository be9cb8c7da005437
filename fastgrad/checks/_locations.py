"""Where a derivative is wrong: at kinks, beyond a threshold, in one coordinate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..estimates import Status
from ._evidence import Evidence, coordinates
from ._verdicts import Verdict


def _at_kinks(evidence: Evidence) -> str | None:
    wrong = evidence.judged.verdict == Verdict.DISAGREES
    kink = evidence.found.status == Status.KINK
    right = (evidence.judged.verdict == Verdict.AGREES).any()
    if right and kink[wrong].all():
        return f"wrong only at kinks ({np.count_nonzero(wrong)} of {np.count_nonzero(kink)})"
    return None


def _one_place(evidence: Evidence) -> str | None:
    """Find one argument, one coordinate, one row, one column, one point."""
    wrong = evidence.judged.verdict == Verdict.DISAGREES
    if not wrong.ndim:
        return None
    asked, batch = evidence.asked, len(evidence.asked.batch)
    first = int(asked.several)
    where = np.nonzero(wrong)
    labels = ["with respect to"] * first + ["point"] * batch
    labels += {"derivative": [], "gradient": ["coordinate"]}.get(asked.of, ["row", "column"])
    said = []
    for axis, label in enumerate(labels):
        if wrong.shape[axis] > 1 and (where[axis] == where[axis][0]).all():
            k = int(where[axis][0])
            said.append(f"{label} {evidence.names[asked.wrt[k]] if label == 'with respect to' else k}")
    return f"wrong only at {', '.join(said)}".replace("at with", "with") if said else None


def _nothing(evidence: Evidence) -> Any:
    """Mark where the derivative is zero: a factor that is wrong does not show there."""
    return (np.abs(evidence.told.values) <= evidence.judged.allowed) & (evidence.judged.verdict == Verdict.AGREES)


def _beyond(evidence: Evidence) -> str | None:
    """Find an argument, and a threshold that tells wrong from right."""
    wrong = evidence.judged.verdict == Verdict.DISAGREES
    right = np.isin(evidence.judged.verdict, (Verdict.AGREES, Verdict.KINK)) & ~_nothing(evidence)
    count = np.count_nonzero(wrong)
    if not right.any():
        return None
    for name, x in coordinates(evidence):
        x = np.broadcast_to(x, wrong.shape)
        for label, value in ((name, x), (f"|{name}|", np.abs(x))):
            bad, good = value[wrong], value[right]
            if np.isnan(bad).any() or (value is not x and not (x[wrong] < 0).any()):
                continue
            for sign, mark in ((1, ">"), (-1, "<")):
                low, high = np.max(sign * good), np.min(sign * bad)
                # one wrong entry at the end of many is no threshold
                if low < high and (count > 2 or right.sum() < 10):
                    ends = sorted((float(sign * low), float(sign * high)))
                    last, first = (ends[0], ends[1]) if sign == 1 else (ends[1], ends[0])
                    threshold = f"{label} {mark} {_round(*ends)}"
                    return f"wrong only for {threshold} (right up to {last:.6g}, wrong from {first:.6g})"
    return None


def _round(low: float, high: float) -> str:
    """Find the roundest number from `low` to `high`."""
    if low <= 0 <= high:
        return "0"
    for digits in range(1, 17):
        for value in (low, high):
            for step in (0, 1, -1):
                unit = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
                rounded = float(f"{(round(value / unit) + step) * unit:.{digits}g}")
                if low <= rounded <= high:
                    return f"{rounded:g}" if digits < 7 else repr(rounded)
    return repr(high)


#: The first that says something is heard.
PLACES = (_at_kinks, _one_place, _beyond)
