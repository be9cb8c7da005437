"""Where a derivative is wrong: at kinks, in one row or coordinate, off the diagonal, beyond a threshold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..estimates import Status
from ._evidence import Evidence, coordinates
from ._verdicts import Verdict

#: So many different numbers on either side make a threshold, or a fifth of all; fewer may lie there by chance.
_SOME = 3
_SHARE = 5

#: So many inside and outside make an interval: there are many more of those.
_MANY = 5

#: So many rows, coordinates or points are listed.
_LISTED = 3


def _at_kinks(evidence: Evidence) -> str | None:
    wrong, kink = evidence.disagrees, evidence.found.status == Status.KINK
    right = (evidence.judged.verdict == Verdict.AGREES).any()
    if right and kink[wrong].all():
        return f"wrong only at kinks ({np.count_nonzero(wrong)} of {np.count_nonzero(kink)})"
    return None


def _axes(evidence: Evidence) -> list[str]:
    """Call the axes of the entries by what they count."""
    asked = evidence.asked
    inner = {"derivative": [], "gradient": ["coordinate"]}.get(asked.of, ["row", "column"])
    return ["with respect to"] * asked.several + ["point"] * len(asked.batch) + inner


def _one_place(evidence: Evidence) -> str | None:
    """Find one argument, one coordinate, one row, one column, one point."""
    return _places(evidence, 1)


def _few_places(evidence: Evidence) -> str | None:
    """Find a few of them."""
    return _places(evidence, _LISTED)


def _places(evidence: Evidence, most: int) -> str | None:
    wrong, asked = evidence.disagrees, evidence.asked
    if not wrong.ndim:
        return None
    said, labels = [], asked.labels_of_entries
    for axis, (what, found) in enumerate(zip(_axes(evidence), np.nonzero(wrong), strict=True)):
        here = np.unique(found)
        if here.size <= most and here.size * min(most, 2) <= wrong.shape[axis] > 1:
            if what == "with respect to":
                said.append(f"{what} {', '.join(evidence.names[asked.wrt[k]] for k in here)}")
            else:
                names = [_labelled(k, labels[axis] if labels else None) for k in here]
                said.append(f"{what}{'s' * (here.size > 1)} {', '.join(names)}")
    return f"wrong only at {', '.join(said)}".replace("at with", "with") if said else None


def _labelled(k: int, labels: Any) -> str:
    return str(k) if labels is None else f"{k} ({labels[k]})"


def _around_the_diagonal(evidence: Evidence) -> str | None:
    """Tell the diagonal of a square jacobian or hessian from what is beside it."""
    size = evidence.told.shape[-1:]
    if evidence.asked.of not in ("jacobian", "hessian") or evidence.told.shape[-2:-1] != size:
        return None
    row, column = np.indices(size * 2)
    wrong, told = evidence.disagrees, evidence.seen & ~_zero(evidence)
    for place, inside in {
        "on the diagonal": row == column, "above the diagonal": row < column, "below the diagonal": row > column,
        "off the diagonal": row != column,
    }.items():  # fmt: skip
        if not wrong[..., ~inside].any() and (wrong | ~told)[..., inside].all():
            return f"wrong only {place}"
    return None


def _zero(evidence: Evidence) -> Any:
    """Mark where the derivative is zero: a factor that is wrong does not show there."""
    return (np.abs(evidence.told.values) <= evidence.judged.allowed) & (evidence.judged.verdict == Verdict.AGREES)


def _beyond(evidence: Evidence) -> str | None:
    """Find an argument, and a threshold that tells wrong from right."""
    for label, bad, good in _told_apart(evidence):
        few = min(bad.size, good.size)
        if (
            few < _SOME and _SHARE * few < bad.size + good.size
        ) or not good.any():  # what is right at 0 is so by chance
            continue
        for sign, mark in ((1, ">"), (-1, "<")):
            low, high = np.max(sign * good), np.min(sign * bad)
            if low < high:
                right, wrong = float(sign * low), float(sign * high)
                threshold = f"{label} {mark} {_round(*sorted((right, wrong)))}"
                return f"wrong only for {threshold} (right up to {right:.6g}, wrong from {wrong:.6g})"
    return None


def _between(evidence: Evidence) -> str | None:
    """Find an argument, and an interval in which everything is wrong, or outside of which everything is."""
    for label, bad, good in _told_apart(evidence):
        if min(bad.size, good.size) < _MANY:
            continue
        for word, inner, outer in (("", bad, good), ("not ", good, bad)):
            below, above = outer[outer < inner[0]], outer[outer > inner[-1]]
            if below.size and above.size and below.size + above.size == outer.size:
                low, high = _round(float(below[-1]), float(inner[0])), _round(float(inner[-1]), float(above[0]))
                return f"wrong only where {word}{low} < {label} < {high}"
    return None


def _told_apart(evidence: Evidence) -> Iterator[tuple[str, Any, Any]]:
    """Name each number that a place may be told by; give its values, sorted, where wrong and where right."""
    wrong = evidence.disagrees
    right = np.isin(evidence.judged.verdict, (Verdict.AGREES, Verdict.KINK)) & ~_zero(evidence)
    if not right.any():
        return
    for name, x in coordinates(evidence):
        x = np.broadcast_to(x, wrong.shape)
        if np.isnan(x[wrong]).any():
            continue
        yield name, np.unique(x[wrong]), np.unique(x[right])
        if (x[wrong] < 0).any():
            yield f"|{name}|", np.unique(np.abs(x[wrong])), np.unique(np.abs(x[right]))


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
WHERE: tuple[Callable[[Evidence], str | None], ...] = (
    _at_kinks, _one_place, _around_the_diagonal, _beyond, _between, _few_places,
)  # fmt: skip
