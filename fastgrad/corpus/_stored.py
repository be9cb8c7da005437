"""All cases in one table, and the stored columns of each."""

from __future__ import annotations

import numpy as np

from . import _analysis, _applied, _difficult, _rough
from ._case import Case, Floats, stored

FAMILIES: tuple[str, ...] = (
    "elementary", "neural", "special", "probability", "finance", "physics", "oscillating", "singular", "boundary",
    "scaled", "flat", "cancelling", "noisy", "kinks", "classics",
)  # fmt: skip
TABLES = (_analysis, _applied, _difficult, _rough)

#: Sorted by family; within a family as the tables list them.
CASES: tuple[Case, ...] = tuple(
    sorted((case for table in TABLES for case in table.CASES), key=lambda case: FAMILIES.index(case.family))
)


def known(case: Case, column: str) -> Floats:
    """Return one stored column, with a value for each point of `case`.

    Columns are the derivatives "df" and "d2", the one-sided "left" and "right", the slope "scale", and two flags:
    "attainable" is 1 where a difference formula gets the derivative at one step, "steady" at two in a row.
    """
    row = stored()[case.name]
    # a side is stored only where it differs from the derivative
    values = [df if value is None else value for value, df in zip(row[column], row["df"], strict=True)]
    return np.array(values, dtype=np.float64)


def truth(case: Case, n: int = 1) -> Floats:
    """Return the true derivative of order `n`, 1 or 2, at the points of a case; NaN where there is none."""
    if n not in (1, 2):
        raise ValueError(f"`n` must be 1 or 2; got {n}. Differentiate `case.exact` for others.")
    return known(case, "df" if n == 1 else "d2")


def sides(case: Case) -> tuple[Floats, Floats]:
    """Return the true left and right derivatives; NaN outside the domain, infinite at a step."""
    return known(case, "left"), known(case, "right")
