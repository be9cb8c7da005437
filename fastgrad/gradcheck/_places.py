"""Where a derivative is wrong: at kinks, in one row or coordinate, off the diagonal, beyond a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..estimates import Status
from ._comparison import LISTED, Comparison, coordinates
from ._verdicts import Verdict

#: So many different numbers on either side make a threshold, or this share of all; fewer may lie there by chance.
SEVERAL = 3
SHARE = 0.2


def at_kinks(c: Comparison) -> str | None:
    """Recognise that only entries at kinks are wrong."""
    kink = c.numerical.status == Status.KINK
    if (c.judgement.verdict == Verdict.AGREES).any() and kink[c.disagrees].all():
        return f"wrong only at kinks ({np.count_nonzero(c.disagrees)} of {np.count_nonzero(kink)})"
    return None


def few_places(c: Comparison, most: int = LISTED) -> str | None:
    """Name arguments, coordinates, rows, columns or points, `most` of each, that alone are wrong; or ranges of them."""
    texts, labels = [], c.problem.entry_labels
    for axis, (what, indices) in enumerate(zip(c.axes, np.nonzero(np.atleast_1d(c.disagrees)), strict=False)):
        here, size = np.unique(indices), c.disagrees.shape[axis]
        if here.size == size or size == 1:
            continue
        if here.size <= most and here.size * min(most, 2) <= size:
            if what == "argument":
                texts.append(f"with respect to {', '.join(c.names[c.problem.wrt[k]] for k in here)}")
            else:
                own = labels[axis] if labels else None
                names = [str(k) if own is None else f"{k} ({own[k]})" for k in here]
                texts.append(f"{what}{'s' * (here.size > 1)} {', '.join(names)}")
        elif most > 1 and what not in ("argument", "point") and (ranges := _ranges(c, axis, here)):
            texts.append(f"{what}s {ranges}")
    return f"wrong only at {', '.join(texts)}".replace("at with", "with") if texts else None


def _ranges(c: Comparison, axis: int, here: Any) -> str | None:
    """Write indices as one or two ranges, if all beside them is right, not only where the derivative is 0."""
    beside = np.delete(np.moveaxis(c.right, axis, 0), here, axis=0)
    pieces = np.split(here, np.flatnonzero(np.diff(here) > 1) + 1)
    if len(pieces) > 2 or not beside.reshape(len(beside), -1).any(axis=1).all():
        return None
    return " and ".join(f"{p[0]} to {p[-1]}" if p.size > 1 else str(p[0]) for p in pieces)


def some_points(c: Comparison) -> str | None:
    """Recognise that some points are wrong and others right at all entries: a branch."""
    if not c.inner:
        return None
    axes = tuple(range(c.disagrees.ndim - c.inner, c.disagrees.ndim))
    wrong, right = c.disagrees.any(axis=axes), c.right.any(axis=axes)
    fine = np.count_nonzero(~wrong & right)
    if fine < 2 and fine < SHARE * wrong.size:
        return None
    return f"wrong at {np.count_nonzero(wrong)} of {wrong.size} points, right at all entries of others: a branch"


def around_the_diagonal(c: Comparison) -> str | None:
    """Tell the diagonal of a square jacobian or hessian from what is beside it."""
    size = c.values.shape[-1:]
    if c.inner != 2 or c.values.shape[-2:-1] != size:
        return None
    row, column = np.indices(size * 2)
    wrong, certain = c.disagrees, c.decided & (c.right | c.disagrees)
    for place, inside in {
        "on the diagonal": row == column, "above the diagonal": row < column, "below the diagonal": row > column,
        "off the diagonal": row != column,
    }.items():  # fmt: skip
        if not wrong[..., ~inside].any() and (wrong | ~certain)[..., inside].all():
            return f"wrong only {place}"
    return None


def beyond_a_threshold(c: Comparison) -> str | None:
    """Find an argument, and a threshold or an interval that tells wrong from right."""
    for name, bad, good in _separated(c):
        if min(bad.size, good.size) < SEVERAL and min(bad.size, good.size) < SHARE * (bad.size + good.size):
            continue
        for sign, mark in ((1, ">"), (-1, "<")):
            right, wrong = float(sign * np.max(sign * good)), float(sign * np.min(sign * bad))
            if good.any() and sign * right < sign * wrong:  # what is right at 0 alone is so by chance
                threshold = f"{name} {mark} {_round(*sorted((right, wrong)))}"
                return f"wrong only for {threshold} (right up to {right:.6g}, wrong from {wrong:.6g})"
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
    """Find the number from `low` to `high` with the fewest digits."""
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
