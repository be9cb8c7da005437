"""Compute the stored truths of the corpus again: ``python -m bench.truths [--missing | names or families ...]``.

The points of a new case are written by hand, as ``"name": {"x": [...]}``; ``--missing`` computes the other columns.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from fastgrad._typing import FloatArray
from fastgrad.corpus import BITS, CASES, Case, batched, differentiate, evaluate, slope_scale
from fastgrad.corpus._case import TRUTH_FILE, stored

Row = dict[str, list[Any]]


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


def attainable(case: Case, df: FloatArray, scale: FloatArray) -> tuple[list[bool], list[bool]]:
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


def rounded(value: Any | None) -> float:
    """Round an mpf to float64, None to NaN."""
    return math.nan if value is None else float(value)


def row(case: Case, indices: list[int] | None = None) -> Row:
    """Compute all that is stored about a case; with `indices` only its derivatives and scales at some points."""
    import mpmath as m

    points = case.points if indices is None else tuple(case.points[i] for i in indices)
    result: Row = {"x": list(points), "df": [], "left": [], "right": [], "d2": [], "scale": []}
    for x in points:
        # more where the step is less, so that an offset in `f` does not absorb it
        with m.workprec(BITS + max(0, -math.frexp(x)[1])):
            df, left, right, second = map(rounded, differentiate(case, m, m.mpf(x)))
            scale = slope_scale(case, m, x, rounded(evaluate(case, m, m.mpf(x))), df)
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


def main(arguments: list[str]) -> None:
    """Compute all truths, those of the named cases or families, or those that are missing."""
    table = dict(stored())
    for case in CASES:
        is_missing = "--missing" in arguments and "df" not in table[case.name]
        if arguments and not is_missing and not {case.name, case.family} & set(arguments):
            continue
        start = time.perf_counter()
        table[case.name] = row(case)
        attainable, seconds = sum(table[case.name]["attainable"]), time.perf_counter() - start
        print(f"{case.family:12s} {case.name:28s} {len(case.points):3d} points, {attainable:3d} attainable, "
              f"{seconds:6.2f} s", flush=True)  # fmt: skip
        TRUTH_FILE.write_text(dump(table), encoding="utf-8")  # after every case: an interrupted run can be continued


if __name__ == "__main__":
    main(sys.argv[1:])
