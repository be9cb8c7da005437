"""Where a derivative is wrong: at kinks, in one row or coordinate, off the diagonal, beyond a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..estimates import Status
from ._comparison import Comparison, coordinates
from ._verdicts import Verdict

#: So many different numbers on either side make a threshold, or a fifth of all; fewer may lie there by chance.
_SOME = 3
_SHARE = 5

#: So many inside and outside make an interval: there are many more of those.
_MANY = 5

#: So many rows, coordinates or points are listed.
_LISTED = 3

#: Axes whose ranges are parts of a vector.
_INNER = ("coordinate", "row", "column")


def at_kinks(c: Comparison) -> str | None:
    """Recognise that only entries at kinks are wrong."""
    kink = c.numerical.status == Status.KINK
    if (c.judgement.verdict == Verdict.AGREES).any() and kink[c.disagrees].all():
        return f"wrong only at kinks ({np.count_nonzero(c.disagrees)} of {np.count_nonzero(kink)})"
    return None


def one_place(c: Comparison) -> str | None:
    """Find one argument, one coordinate, one row, one column, one point."""
    return _places(c, 1)


def few_places(c: Comparison) -> str | None:
    """Find a few of them, or a range of coordinates."""
    return _places(c, _LISTED)


def _places(c: Comparison, most: int) -> str | None:
    """Name the indices of each axis that has something wrong at few of them."""
    texts, labels = [], c.problem.entry_labels
    if not c.disagrees.ndim:
        return None
    for axis, (what, indices) in enumerate(zip(_axis_names(c), np.nonzero(c.disagrees), strict=True)):
        here, size = np.unique(indices), c.disagrees.shape[axis]
        if here.size == size or size == 1:
            continue
        if here.size <= most and here.size * min(most, 2) <= size:
            if what == "with respect to":
                texts.append(f"{what} {', '.join(c.names[c.problem.wrt[k]] for k in here)}")
            else:
                names = [_labelled(k, labels[axis] if labels else None) for k in here]
                texts.append(f"{what}{'s' * (here.size > 1)} {', '.join(names)}")
        elif most > 1 and what in _INNER and (ranges := _ranges(c, axis, here)):
            texts.append(f"{what}s {ranges}")
    return f"wrong only at {', '.join(texts)}".replace("at with", "with") if texts else None


def _ranges(c: Comparison, axis: int, here: Any) -> str | None:
    """Write indices as one or two ranges, if all beside them is right, not only where the derivative is 0."""
    beside = np.delete(np.moveaxis(c.right, axis, 0), here, axis=0)
    pieces = np.split(here, np.flatnonzero(np.diff(here) > 1) + 1)
    if len(pieces) > 2 or not beside.reshape(len(beside), -1).any(axis=1).all():
        return None
    return " and ".join(f"{p[0]} to {p[-1]}" if p.size > 1 else str(p[0]) for p in pieces)


def _axis_names(c: Comparison) -> list[str]:
    """Return what the axes of the entries count."""
    inner = {"derivative": [], "gradient": ["coordinate"]}.get(c.problem.of, ["row", "column"])
    return ["with respect to"] * c.problem.stacked + ["point"] * len(c.problem.batch) + inner


def _labelled(k: int, labels: Any) -> str:
    return str(k) if labels is None else f"{k} ({labels[k]})"


def some_points(c: Comparison) -> str | None:
    """Recognise that some points are wrong and others right at all entries: a branch."""
    if not c.inner:
        return None
    axes = tuple(range(c.disagrees.ndim - c.inner, c.disagrees.ndim))
    wrong, right = c.disagrees.any(axis=axes), c.right.any(axis=axes)
    count, fine = np.count_nonzero(wrong), np.count_nonzero(~wrong & right)
    if fine < 2 and _SHARE * fine < wrong.size:
        return None
    return f"wrong at {count} of {wrong.size} points, right at all entries of others: a branch"


def changing_places(c: Comparison) -> str | None:
    """Recognise coordinates that are wrong at some points and right at others: a branch, a mask or an index."""
    axes = tuple(range(c.problem.stacked, c.problem.stacked + len(c.problem.batch)))
    if not c.inner or not axes or c.disagrees.sum() < _SOME:
        return None
    wrong, right = c.disagrees.any(axis=axes), c.right.any(axis=axes)
    if not right[wrong].all() or c.right.sum() < _SOME:
        return None
    return "each coordinate is wrong at some points and right at others: a branch, a mask or an index"


def around_the_diagonal(c: Comparison) -> str | None:
    """Tell the diagonal of a square jacobian or hessian from what is beside it."""
    size = c.values.shape[-1:]
    if c.problem.of not in ("jacobian", "hessian") or c.values.shape[-2:-1] != size:
        return None
    row, column = np.indices(size * 2)
    wrong, told = c.disagrees, c.decided & (c.right | c.disagrees)
    for place, inside in {
        "on the diagonal": row == column, "above the diagonal": row < column, "below the diagonal": row > column,
        "off the diagonal": row != column,
    }.items():  # fmt: skip
        if not wrong[..., ~inside].any() and (wrong | ~told)[..., inside].all():
            return f"wrong only {place}"
    return None


def beyond_a_threshold(c: Comparison) -> str | None:
    """Find an argument, and a threshold that tells wrong from right."""
    for label, bad, good in _separated(c):
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


def in_an_interval(c: Comparison) -> str | None:
    """Find an argument, and an interval in which everything is wrong, or outside of which everything is."""
    for label, bad, good in _separated(c):
        if min(bad.size, good.size) < _MANY:
            continue
        for word, inner, outer in (("", bad, good), ("not ", good, bad)):
            below, above = outer[outer < inner[0]], outer[outer > inner[-1]]
            if below.size and above.size and below.size + above.size == outer.size:
                low, high = _round(float(below[-1]), float(inner[0])), _round(float(inner[-1]), float(above[0]))
                return f"wrong only where {word}{low} < {label} < {high}"
    return None


def _separated(c: Comparison) -> Iterator[tuple[str, Any, Any]]:
    """Name each number that a place may be told by; give its values, sorted, where wrong and where right."""
    wrong, right = c.disagrees, c.right
    if not right.any():
        return
    for name, x in coordinates(c):
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
