"""Which levels of the ladder to evaluate next: to begin with, all over the place, around what was found."""

from __future__ import annotations

import numpy as np

from ._point import ASKED, LEVELS, SMALL, Point, exponent, kernel, scale_of

LOOKS = 4
"""Most looks after the first."""
FIRST_TOP, SECOND_TOP = 3, 7
"""Coarsest levels of the first two looks, below the scale; from two levels further on all steps are halved."""


@kernel
def has(q: Point, level: int) -> bool:
    """Whether a level has been evaluated."""
    for j in range(q.count):
        if q.levels[j] == level:
            return True
    return False


@kernel
def ask(q: Point, level: int, coarsest: int, most: int) -> None:
    """Ask for a level, unless it is out of bounds, known, or `most` are asked for already."""
    k = q.asking
    if level < q.finest or level > coarsest or k >= most or q.count + k >= LEVELS or has(q, level):
        return
    for j in range(k):
        if q.asked[j] == level:
            return
    q.asked[k] = level
    q.asking = k + 1


@kernel
def probe_of(top: int) -> int:
    """Level below the scale of the probe of a look that begins at `top`."""
    return 18 if top <= SECOND_TOP else top + 10


@kernel
def look_closer(q: Point) -> bool:
    """Ask for the next finer look; say whether there is one.

    It begins four levels below the last, or where the first has values on both sides. Near 0, where many functions have
    steps of the size of the point for their scale, it begins at a third of that.
    """
    x = abs(q.x)
    scale = scale_of(x)
    top = q.top + 4
    if q.top == 0:
        top = scale - exponent(x) + 3 if x > 0 else 0
        for j in range(q.count):
            if np.isfinite(q.above[j]) and np.isfinite(q.below[j]):
                if 0 < j < q.count - 1:
                    top = max(top, scale - q.levels[j] + 1)
                break
        top = SECOND_TOP if top <= SECOND_TOP else max(top, SECOND_TOP + 2)
    if q.looks >= LOOKS or scale - probe_of(top) < q.finest or scale - top > q.coarsest:
        return False
    q.top = top
    q.looks += 1
    for level in range(top, top + 6):
        ask(q, scale - level, q.coarsest, ASKED)
    ask(q, scale - probe_of(top), q.coarsest, ASKED)
    return True


@kernel
def begin(q: Point, n: int, side: int) -> None:
    """Ask for the first levels: five or six around the step that is best for most functions, and a fine probe."""
    x = abs(q.x)
    scale = scale_of(x)
    q.asking = 0
    top = min(scale - (3 if n == 1 else 1 if n == 2 else 0), q.coarsest)
    for k in range((5 if n == 2 else 6) if side == 0 else 7):
        ask(q, top - k, q.coarsest, ASKED)
    ask(q, top - (15 if n == 1 else 11 if n == 2 else 9), q.coarsest, ASKED)
    if 0 < x < SMALL:
        ask(q, exponent(x) - 2, q.coarsest, ASKED)


@kernel
def spread(q: Point, n: int, side: int) -> None:
    """Ask for levels all over the place, to find out where the function lives."""
    x = abs(q.x)
    scale = scale_of(x)
    coarsest = q.coarsest
    for k in (9, 11, 13, 15, 21, 26, 34):
        ask(q, min(scale - k, coarsest - k + 3), coarsest, ASKED)
    if 0 < x < 0.03:
        for k in (3, 5, 7):
            ask(q, exponent(x) - k, coarsest, ASKED)


@kernel
def ask_edge(q: Point) -> None:
    """At the edge of the domain: ask for the levels just fine enough to have values on both sides."""
    edge, coarsest = 0, q.coarsest
    for j in range(1, q.count):
        if np.isfinite(q.above[j]) and np.isfinite(q.below[j]):
            if np.isfinite(q.above[j - 1]) != np.isfinite(q.below[j - 1]):
                edge = q.levels[j - 1]
                if edge - q.levels[j] > 1:
                    ask(q, (edge + q.levels[j]) // 2, coarsest, ASKED)
                elif q.asking == 0:
                    for k in range(1, 7):
                        ask(q, edge - k, coarsest, ASKED)
            break


@kernel
def ask_around(q: Point, coarse: int, fine: int, truncated: bool, poor: bool, lost: bool) -> None:
    """Ask for levels around the best window: finer ones against truncation, coarser ones against noise."""
    coarsest = q.coarsest
    last = q.levels[q.count - 1]
    if truncated:
        for k in range(1, 4):
            ask(q, fine - k, coarsest, ASKED)
        if fine <= last + 1 or q.asking == 0:
            ask(q, fine - 4, coarsest, ASKED)
            ask(q, min(fine, last) - max(8, scale_of(q.x) - last), coarsest, ASKED)
        for level in range(coarse, fine, -1):
            ask(q, level, coarsest, 5)
        ask(q, coarse + 1, coarsest, 5)
    else:
        for k in range(1, 3):
            ask(q, fine - k, coarsest, ASKED)
        for level in range(fine, coarse + 1):
            ask(q, level, coarsest, 5)
        for k in range(1, 3):
            ask(q, coarse + k, q.widest if poor else coarsest, 5)
    if q.asking == 0 and lost:
        scale = scale_of(q.x)
        bottom = max(q.finest, scale - 50 if abs(q.x) >= 1 else last - 30)
        apart = max((last - bottom) // 5, 1)
        for k in range(1, 6):
            ask(q, last - k * apart, coarsest, ASKED)
