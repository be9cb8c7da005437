"""Compute the stored truths again: ``python -m fastgrad.corpus [--missing | names or families ...]``."""

from __future__ import annotations

import sys
import time

from ._high_precision import Row, dump, row
from ._stored import CASES, TRUTH_FILE, stored


def main(arguments: list[str]) -> None:
    """Compute all truths, those of the named cases or families, or those that are missing or out of date."""
    old = stored() if TRUTH_FILE.exists() else {}
    table: dict[str, Row] = {}
    for case in CASES:
        named = case.name in arguments or case.family in arguments
        if case.name in old and arguments and not named:
            if "--missing" not in arguments or old[case.name]["x"] == list(case.points):
                table[case.name] = old[case.name]
                continue
        start = time.perf_counter()
        table[case.name] = row(case)
        attainable, seconds = sum(table[case.name]["attainable"]), time.perf_counter() - start
        print(f"{case.family:12s} {case.name:28s} {len(case.points):3d} points, {attainable:3d} attainable, "
              f"{seconds:6.2f} s", flush=True)  # fmt: skip
        # written after every case, so that --missing can continue an interrupted run
        TRUTH_FILE.write_text(dump({c.name: old[c.name] for c in CASES if c.name in old} | table), encoding="utf-8")
    TRUTH_FILE.write_text(dump(table), encoding="utf-8")
    print(len(table), "functions,", sum(len(stored_row["x"]) for stored_row in table.values()), "points")


if __name__ == "__main__":
    main(sys.argv[1:])
