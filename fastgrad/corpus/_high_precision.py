"""True derivatives by mpmath, to compute and to check the stored ones.

At 1000 bits a plain difference quotient with a step of 2^-320 of the argument is right to some 90 digits, on either
side separately, and stays on its own side of every kink that a float64 can be away from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from ._case import Case, Floats, batched

BITS = 1000
STEP_BITS = 320
Row = dict[str, list[Any]]


def evaluate(case: Case, m: Any, x: Any) -> Any | None:
    """Evaluate the mpmath function; None where it has no finite real value."""
    try:
        y = case.exact(m, x)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    except TypeError as error:  # complex numbers have no order
        if "mpc" in str(error) or "complex" in str(error):
            return None
        raise
    if isinstance(y, (complex, m.mpc)):
        if y.imag != 0:
            return None
        y = y.real
    y = m.mpf(y)
    return y if m.isfinite(y) else None


def _limit(case: Case, m: Any, x: Any, y: Any, h: Any, quotient: Any | None) -> Any | None:
    """Return the limit of a one-sided quotient as the step vanishes: itself, 0, infinity, or None."""
    closer = evaluate(case, m, x + h / 2**40)
    if quotient is None or closer is None:
        return None
    fine = (closer - y) / (h / 2**40)
    if abs(fine - quotient) <= abs(quotient) * m.mpf(2) ** -60:
        return quotient
    return m.mpf(0) if abs(fine) < abs(quotient) else m.inf * m.sign(quotient)


def differentiate(case: Case, m: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """Return df, left, right and second derivative of a case at an mpf; None where there is none."""
    h = (abs(x) or m.mpf(2) ** -133) * m.mpf(2) ** -STEP_BITS
    y = evaluate(case, m, x)
    if y is None:
        return None, None, None, None
    below, above = evaluate(case, m, x - h), evaluate(case, m, x + h)
    left = None if below is None else (y - below) / h
    right = None if above is None else (above - y) / h
    # at 0 the step is not small against |x|: an odd function of third order leaves h^2 there on both sides
    if x != 0 and not (left is None or right is None) and abs(left - right) <= abs(left) * m.mpf(2) ** -100:
        middle = (left + right) / 2
        return middle, middle, middle, (right - left) / h
    left, right = _limit(case, m, x, y, -h, left), _limit(case, m, x, y, h, right)
    if left is None or right is None:
        edge = right if left is None else left
        return (edge if edge is not None and m.isfinite(edge) else None), left, right, None
    if m.isfinite(left) and abs(left - right) <= abs(left) * m.mpf(2) ** -60:
        second = None if below is None or above is None else (above - 2 * y + below) / h**2
        return left, left, right, second
    return None, left, right, None


def _float(value: Any | None) -> float:
    """Round an mpf to float64, None to NaN."""
    return math.nan if value is None else float(value)


def slope_scale(case: Case, m: Any, x: float, y: float, df: float) -> float:
    """Return the local slope scale of a point with value `y` and derivative `df`; `_measure` defines it."""
    delta = m.mpf(abs(x) if x else 1.0) / 1024
    around = [abs(_float(differentiate(case, m, m.mpf(x) + sign * delta)[0])) for sign in (-1, 1)]
    around = [slope for slope in around if math.isfinite(slope)]
    mean = sum(around) / len(around) if around else math.nan
    return max(v for v in (1e-300, 1e-9 * abs(y) / max(abs(x), 1.0), mean, abs(df)) if math.isfinite(v))


def _weights(nodes: list[int]) -> list[float]:
    """Return first-derivative weights at 0 on integer nodes, 0 among them: the slopes of the Lagrange polynomials.

    They are not those of `fastgrad.weights`, which the corpus judges.
    """
    slopes = {j: math.prod((Fraction(-k, j - k) for k in nodes if k not in (0, j)), start=Fraction(1, j))
              for j in nodes if j}  # fmt: skip
    slopes[0] = -sum(slopes.values(), Fraction(0))
    return [float(slopes[j]) for j in nodes]


def formulas() -> Iterator[tuple[list[int], list[float]]]:
    """Iterate over central, forward and backward differences of order 2, 4, 6 and 8."""
    for order in (2, 4, 6, 8):
        for first in (-order // 2, 0, -order):
            nodes = list(range(first, first + order + 1))
            yield nodes, _weights(nodes)


def attainable(case: Case, df: Floats, scale: Floats) -> tuple[list[bool], list[bool]]:
    """Return where some formula gets within a third of the tolerance, at one step and at two in a row.

    Among some seven hundred tries a few are right by luck wherever the errors are of the order of the tolerance; the
    second list demands that one formula is right at two neighbouring steps.
    """
    f, offsets = batched(case.f), np.arange(-8, 9)
    once, steady = [], []
    for x, slope, s in zip(case.points, df.tolist(), scale.tolist(), strict=True):
        first = max(math.frexp(x or 2.0**-100)[1] - 1 - 60, -1060)
        last = math.frexp(max(abs(x), 1.0))[1] - 1 + 2
        steps = np.array([math.ldexp(1.0, k) for k in range(first, last + 1)])
        any_once = any_steady = False
        with np.errstate(all="ignore"):
            values = f(x + offsets * steps[:, None])
            for nodes, weights in formulas() if math.isfinite(slope) else ():
                quotients = (values[:, [k + 8 for k in nodes]] @ np.array(weights)) / steps
                good = np.abs(quotients - slope) <= case.tolerance * s / 3
                any_once |= bool(good.any())
                any_steady |= bool((good[1:] & good[:-1]).any())
        once.append(any_once)
        steady.append(any_steady)
    return once, steady


def row(case: Case, indices: list[int] | None = None) -> Row:
    """Compute all that is stored about a case; with `indices` only its derivatives and scales at some points."""
    import mpmath as m

    points = case.points if indices is None else tuple(case.points[i] for i in indices)
    result: Row = {"x": list(points), "df": [], "left": [], "right": [], "d2": [], "scale": []}
    for x in points:
        # more where the step is less, so that an offset in `f` does not absorb it
        with m.workprec(BITS + max(0, -math.frexp(x)[1])):
            df, left, right, second = map(_float, differentiate(case, m, m.mpf(x)))
            scale = slope_scale(case, m, x, _float(evaluate(case, m, m.mpf(x))), df)
        # the sides are only worth keeping where they differ from `df`
        sides = (None if side == df else side for side in (left, right))
        for column, value in zip(("df", "left", "right", "d2", "scale"), (df, *sides, second, scale), strict=True):
            result[column].append(value)
    if indices is None:
        once, steady = attainable(case, np.array(result["df"]), np.array(result["scale"]))
        result |= {"attainable": list(map(int, once)), "steady": list(map(int, steady))}
    return result


def dump(table: dict[str, Row]) -> str:
    """Write the table as JSON, a case a line; Python's reader takes the NaN and Infinity in it."""
    lines = [f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table)]
    return "{\n" + ",\n".join(lines) + "\n}\n"
