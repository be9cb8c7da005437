"""Difference quotients: of all steps of a level set, and of one level of the last search."""

from __future__ import annotations

from typing import NamedTuple

from ..compilation.rows import Row, Rows, Select
from .extrapolation import LevelTable


def larger(select: Select, *rows: Row) -> Row:
    """Return the largest of several rows; NaN is ignored except in the first."""
    largest = rows[0]
    for row in rows[1:]:
        largest = select(row > largest, row, largest)
    return largest


class Series(NamedTuple):
    """Quotients at the steps of a level set; lists of rows."""

    main: list[Row]
    other: list[Row]
    """Quotients of the other parity, which must be as smooth; none for one side."""
    h: list[Row]
    weight: list[Row]
    """Factor from a deviation of `main` to the standard deviation of one value."""
    other_weight: list[Row]
    secant: list[Row]
    """The steeper of the two secants."""
    largest: list[Row]
    """The larger of the two absolute values."""


def quotients(select: Select, table: LevelTable, x: Row, y: Row, u: Row, values: Rows) -> Series:
    """Form the quotients; `u` is the scale of the point, negative for the left side."""
    s = Series([], [], [], [], [], [], [])
    for j, step in enumerate(table.steps):
        if table.two_sided:
            p, q = values[2 * j], values[2 * j + 1]
            offset = u * step
            above, below = (x + offset) - x, x - (x - offset)
            h = (above + below) * 0.5
            per = 0.5 / h
            odd = (p - q) * per
            rise, fall = p - y, y - q
            even = ((rise - fall) - odd * (above - below)) * (per * per * 2.0)
            pairs = (odd, h * 1.4142), (even, h * h * 0.8165)  # sqrt(2), sqrt(2/3)
            (main, weight), (other, other_weight) = pairs if table.n % 2 else pairs[::-1]
            s.main.append(main)
            s.other.append(other)
            s.weight.append(weight)
            s.other_weight.append(other_weight)
            s.secant.append(larger(select, abs(rise), abs(fall)) * (per + per))
            size = larger(select, abs(p), abs(q))
            s.largest.append(size if table.n % 2 else larger(select, size, abs(y)))
        else:
            p = values[j]
            t = (x + u * step) - x
            h = abs(t)
            s.main.append((p - y) / t)
            s.weight.append(h * 0.7071)  # sqrt(1/2)
            s.secant.append(abs(s.main[-1]))
            s.largest.append(larger(select, abs(p), abs(y)))
        s.h.append(h)
    return s


def quotient(select: Select, series: tuple[int, bool], points: Rows, h: Row, values: Rows) -> tuple[Row, Row]:
    """Return the quotient at one level, and the factor from its deviations to those of values."""
    x, y, sign = points[:3]
    is_odd, two_sided = series
    if not two_sided:
        t = (x + sign * h) - x
        return (values[0] - y) / t, t
    above, below = (x + h) - x, x - (x - h)
    h = (above + below) * 0.5
    odd = (values[0] - values[1]) / (h * 2.0)
    if is_odd:
        return odd, h
    square = h * h
    return ((values[0] - y) - (y - values[1]) - odd * (above - below)) / (square * 2.0), square
