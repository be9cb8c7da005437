"""The true derivatives, by mpmath; only needed to make or to check the stored ones.

At 1000 bits a plain difference quotient with a step of 2^-320 of the argument is right to some 90 digits, on
either side separately, and stays on its own side of every kink that a float64 can be away from.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np

from ._case import Case, Floats, batched

BITS = 1000
STEP_BITS = 320
Row = dict[str, list[Any]]


def _value(case: Case, m: Any, x: Any) -> Any | None:
    """Evaluate the mpmath function; None where it has no finite real value."""
    try:
        y = case.exact(m, x)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    if isinstance(y, m.mpc):
        if y.imag != 0:
            return None
        y = y.real
    y = m.mpf(y)
    return y if m.isfinite(y) else None


def _limit(case: Case, m: Any, x: Any, y: Any, h: Any, d: Any | None) -> Any | None:
    """Say what a one-sided quotient `d` tends to: itself, 0, infinity, or None."""
    if d is None:
        return None
    other = _value(case, m, x + h / 2**40)
    if other is None:
        return None
    fine = (other - y) / (h / 2**40)
    if abs(fine - d) <= abs(d) * m.mpf(2) ** -60:
        return d
    if abs(fine) < abs(d):
        return m.mpf(0)
    return m.inf * m.sign(d)


def differentiate(case: Case, m: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """Find df, left, right and second derivative of a case at an mpf; None where there is none."""
    h = (abs(x) or m.mpf(2) ** -133) * m.mpf(2) ** -STEP_BITS
    y = _value(case, m, x)
    if y is None:
        return None, None, None, None
    below, above = _value(case, m, x - h), _value(case, m, x + h)
    left = None if below is None else (y - below) / h
    right = None if above is None else (above - y) / h
    # at 0 the step is not small against |x|: an odd function of third order leaves h^2 there on both sides
    if (
        x != 0
        and left is not None
        and right is not None
        and abs(left - right) <= abs(left) * m.mpf(2) ** -100
    ):
        middle = (left + right) / 2
        return middle, middle, middle, (right - left) / h
    left = _limit(case, m, x, y, -h, left)
    right = _limit(case, m, x, y, h, right)
    if left is None or right is None:
        edge = right if left is None else left
        return (edge if edge is not None and m.isfinite(edge) else None), left, right, None
    if m.isfinite(left) and abs(left - right) <= abs(left) * m.mpf(2) ** -60:
        second = None if below is None or above is None else (above - 2 * y + below) / h**2
        return left, left, right, second
    return None, left, right, None


def working_bits(x: float) -> int:
    """Choose the precision at `x`: more where the step is less, lest an offset in `f` drown it."""
    return BITS + max(0, -math.frexp(x)[1])


def _float(value: Any | None) -> float:
    """Round an mpf to float64, None to NaN."""
    return math.nan if value is None else float(value)


def slope_scale(case: Case, m: Any, x: float, y: float, df: float) -> float:
    """Evaluate the local slope scale of a point; `measure` explains it."""
    delta = m.mpf(abs(x) if x else 1.0) / 1024
    around = [_float(differentiate(case, m, m.mpf(x) + s * delta)[0]) for s in (-1, 1)]
    known = [abs(v) for v in around if math.isfinite(v)]
    candidates = [1e-300, 1e-9 * abs(y) / max(abs(x), 1.0)]
    if known:
        candidates.append(sum(known) / len(known))
    if math.isfinite(df):
        candidates.append(abs(df))
    return max(v for v in candidates if math.isfinite(v))


def _weights(nodes: list[int]) -> list[float]:
    """First-derivative weights at 0 on integer nodes: the slopes of the Lagrange polynomials."""
    out = []
    for j in nodes:
        others = [k for k in nodes if k != j]
        total = Fraction(0)
        for skipped in others:
            term = Fraction(1, j - skipped)
            for k in others:
                if k != skipped:
                    term *= Fraction(-k, j - k)
            total += term
        out.append(float(total))
    return out


def formulas() -> list[tuple[list[int], list[float]]]:
    """Central, forward and backward differences of order 2, 4, 6 and 8."""
    found = []
    for order in (2, 4, 6, 8):
        half = order // 2
        for first in (-half, 0, -order):
            nodes = list(range(first, first + order + 1))
            found.append((nodes, _weights(nodes)))
    return found


def attainable(case: Case, df: Floats, scale: Floats) -> tuple[list[bool], list[bool]]:
    """Say which points some formula gets within a third of the tolerance, at one step and at two in a row.

    Among some seven hundred tries a few are right by luck wherever the errors are of the order of the
    tolerance; the second list asks that the same formula is right at two neighbouring steps.
    """
    f = batched(case.f)
    once, steady = [], []
    for x, truth, s in zip(case.points, df.tolist(), scale.tolist(), strict=True):
        if not math.isfinite(truth):
            once.append(False)
            steady.append(False)
            continue
        first = max(math.frexp(x or 2.0**-100)[1] - 1 - 60, -1060)
        last = math.frexp(max(abs(x), 1.0))[1] - 1 + 2
        steps = np.array([math.ldexp(1.0, k) for k in range(first, last + 1)])
        offsets = np.arange(-8, 9)
        with np.errstate(all="ignore"):
            values = f(x + offsets * steps[:, None])
            any_once = any_steady = False
            for nodes, weights in formulas():
                used = values[:, [k + 8 for k in nodes]]
                good = np.abs((used @ np.array(weights)) / steps - truth) <= case.tolerance * s / 3
                any_once |= bool(good.any())
                any_steady |= bool((good[1:] & good[:-1]).any())
        once.append(any_once)
        steady.append(any_steady)
    return once, steady


def row(case: Case, indices: list[int] | None = None) -> Row:
    """Compute everything that is stored about a case, or its derivatives at some of its points."""
    import mpmath as m

    chosen = case.points if indices is None else tuple(case.points[i] for i in indices)
    df, left, right, second, scale = [], [], [], [], []
    for x in chosen:
        with m.workprec(working_bits(x)):
            d, lo, hi, dd = differentiate(case, m, m.mpf(x))
            df.append(_float(d))
            left.append(_float(lo))
            right.append(_float(hi))
            second.append(_float(dd))
            scale.append(slope_scale(case, m, x, _float(_value(case, m, m.mpf(x))), df[-1]))
    result: Row = {"x": list(chosen), "df": df, "left": left, "right": right, "d2": second, "scale": scale}
    if indices is None:
        once, steady = attainable(case, np.array(df), np.array(scale))
        result["attainable"] = [int(v) for v in once]
        result["steady"] = [int(v) for v in steady]
    # the sides are only worth keeping where they say something that `df` does not
    for side in ("left", "right"):
        result[side] = [None if a == b else a for a, b in zip(result[side], df, strict=True)]
    return result


def dump(table: dict[str, Row]) -> str:
    """Write the table as JSON, a case a line; Python's reader takes the NaN and Infinity in it."""
    lines = [f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table)]
    return "{\n" + ",\n".join(lines) + "\n}\n"
