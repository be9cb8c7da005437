"""Compute the stored truths again: ``python -m fastgrad.corpus [--missing | names or families ...]``.

The points of a new case are written by hand, as ``"name": {"x": [...]}``; ``--missing`` computes the other columns.
"""

from __future__ import annotations

import sys
import time

from ._case import TRUTH_FILE, stored
from ._high_precision import dump, row
from ._measure import CASES


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
