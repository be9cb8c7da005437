"""A corpus of real functions of one variable with their true derivatives, to develop and judge rules on.

`CASES` are functions as people write them, each with points and the same function for mpmath, in `FAMILIES`: from
elementary functions to noise and kinks. `truth` gives the derivatives at the points of a case, right to the last
digit, `sides` the left and right ones, `known` whatever else is stored, and `batched` the function on arrays. The
stored truths are made by ``python -m fastgrad.corpus``, which needs mpmath.

Examples
--------
>>> import numpy as np, fastgrad as fg
>>> from fastgrad.corpus import CASES, truth
>>> case = next(case for case in CASES if case.name == "squire_trapp")
>>> error = abs(fg.derivative(case.f, case.x) - truth(case))
>>> bool(np.max(error / abs(truth(case))) < 1e-10)
True
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from . import (
    _boundary,
    _cancelling,
    _classics,
    _elementary,
    _finance,
    _flat,
    _kinks,
    _neural,
    _noisy,
    _oscillating,
    _physics,
    _probability,
    _scaled,
    _singular,
    _special,
)
from ._case import Case, Floats, batched

__all__ = ["CASES", "FAMILIES", "Case", "batched", "known", "sides", "truth"]

_ROOMS = (
    _elementary, _neural, _special, _probability, _finance, _physics, _oscillating, _singular, _boundary, _scaled,
    _flat, _cancelling, _noisy, _kinks, _classics,
)  # fmt: skip
CASES: tuple[Case, ...] = tuple(case for room in _ROOMS for case in room.CASES)
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(case.family for case in CASES))
TRUTH_FILE = Path(__file__).with_name("truth.json")


@functools.cache
def stored() -> dict[str, dict[str, list[Any]]]:
    """Read the stored truths of all cases."""
    table: dict[str, dict[str, list[Any]]] = json.loads(TRUTH_FILE.read_text(encoding="utf-8"))
    return table


def known(case: Case, column: str) -> Floats:
    """One stored column: "df", "d2", "left", "right", "scale", "attainable" or "steady"."""
    row = stored()[case.name]
    if row["x"] != list(case.points):
        raise ValueError(
            f"the stored truths of {case.name!r} are out of date; run `python -m fastgrad.corpus`"
        )
    # a side is stored only where it differs from the derivative
    values = [d if v is None else v for v, d in zip(row[column], row["df"], strict=True)]
    return np.array(values, dtype=np.float64)


def truth(case: Case, n: int = 1) -> Floats:
    """Evaluate the true first or second derivative of a case at its points; NaN where there is none."""
    if n not in (1, 2):
        raise ValueError(f"`n` must be 1 or 2; got {n}")
    return known(case, "df" if n == 1 else "d2")


def sides(case: Case) -> tuple[Floats, Floats]:
    """Evaluate the true left and right derivatives; NaN outside the domain, infinite at a step."""
    return known(case, "left"), known(case, "right")
