"""The two sides of a point, each extrapolated alone: a kink where they differ, an edge where one knows better."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._extrapolation import LEFT, RIGHT, Series
from ._judgement import agrees, flat_side, kink_at
from ._noise import only_noise
from ._point import Point, kernel, scale_of, step_of
from ._rounding import flat_bar_of
from ._windows import GOOD, Window, series_window

SHARP_SIDE = 1e-6
"""Score below which one-sided higher derivatives may make a kink."""
APART = 4.0
"""Slopes that differ by more than so many times their bars are different ones."""
KNOWS_BETTER = 0.25
"""One side alone wins where its score is smaller by this factor: half the values have to be worth that."""
FLAT_OVER = 8
"""Levels over which a side has to be exactly flat to have the slope 0."""


class Answer(NamedTuple):
    """A derivative and where it comes from: a window whose ends are levels, for no series lasts as long."""

    value: float
    bar: float
    noise: float
    truncation: float
    score: float
    size: float
    coarse: int
    fine: int


class Sides(NamedTuple):
    """What the sides make of the answer of both together."""

    answer: Answer
    alone: bool
    """Whether it is that of one side."""
    kink: bool
    left: float
    right: float
    finer: int
    """Level at which a kink could still be refuted."""


@kernel
def answer_of(q: Point, s: Series, w: Window) -> Answer:
    """Turn a window of the series at hand into an answer."""
    coarse, fine = 0, 0
    if w.coarse >= 0:
        coarse, fine = q.levels[s.index[w.coarse]], q.levels[s.index[w.fine]]
    return Answer(w.value, w.bar, w.noise, w.truncation, w.score, w.size, coarse, fine)


@kernel
def one_side(q: Point, kind: int, n: int, s: Series) -> Answer:
    """Best answer of one side; 0 where it is exactly flat from some level on."""
    w, _ = series_window(q, kind, n, s, GOOD)
    a: Answer = answer_of(q, s, w)
    if n == 1:
        j = flat_side(q.above if kind == RIGHT else q.below, q.count, q.f0)
        if j < q.count and q.levels[j] - q.levels[q.count - 1] >= FLAT_OVER:
            bar = flat_bar_of(q, step_of(q.levels[j], scale_of(q.x)), 1)
            return Answer(0.0, bar, a.noise, a.truncation, a.score, a.size, a.coarse, a.fine)
    return a


@kernel
def knows_better(q: Point, a: Answer, side: Answer) -> bool:
    """Whether one side is to be preferred to both together, and the finest levels of the other do not forbid it."""
    if not side.score < KNOWS_BETTER * a.score:
        return False
    near = not np.isfinite(a.bar) or abs(a.value - side.value) <= 3 * (a.bar + side.bar)
    return (near or a.score > 0.1) and agrees(q, side.value, side.bar)


@kernel
def kink_between(q: Point, n: int, a: Answer, left: Answer, right: Answer) -> tuple[bool, int]:
    """Whether the sides differ because there is a kink, and a finer level that could still refute it."""
    finest = q.levels[q.count - 1]
    bars = right.bar + left.bar
    if not abs(right.value - left.value) > APART * bars:
        return False, finest
    if n == 1:
        return (False, finest) if only_noise(q)[1] else kink_at(q, left.value, right.value)
    # a kink of a lower derivative: both sides are sure of themselves, and the even part lies between them
    sharp = max(right.score, left.score) < SHARP_SIDE
    return sharp and abs(a.value - 0.5 * (left.value + right.value)) <= a.bar + bars, finest


@kernel
def look_at_sides(q: Point, n: int, s: Series, a: Answer) -> Sides:
    """Hold the answer of both sides together against those of each."""
    right, left = one_side(q, RIGHT, n, s), one_side(q, LEFT, n, s)
    kink, finer = kink_between(q, n, a, left, right)
    if kink:
        value, bar = 0.5 * (left.value + right.value), 0.5 * (left.bar + right.bar)
        mean = Answer(value, bar, a.noise, a.truncation, a.score, a.size, a.coarse, a.fine)
        return Sides(mean, False, True, left.value, right.value, finer)
    right_wins, left_wins = knows_better(q, a, right), knows_better(q, a, left)
    best = a
    if right_wins and not (left_wins and left.bar < right.bar):
        best = right
    elif left_wins:
        best = left
    apart = abs(right.value - left.value)
    if right_wins and left_wins and apart > APART * (left.bar + right.bar):
        # two answers, each sure of itself: a kink too near to be told
        bar = max(best.bar, apart)
        best = Answer(best.value, bar, best.noise, best.truncation, best.score, best.size, best.coarse, best.fine)
    return Sides(best, right_wins or left_wins, False, best.value, best.value, finer)
