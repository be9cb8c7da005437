"""Make the stored truths anew: ``python -m fastgrad.corpus [--missing | names ...]``."""

from __future__ import annotations

import sys
import time

from . import CASES, TRUTH_FILE, stored
from ._truths import Row, dump, row


def main(arguments: list[str]) -> None:
    """Compute all truths, those of the named cases or families, or those missing or out of date."""
    old = stored() if TRUTH_FILE.exists() else {}
    table: dict[str, Row] = {}
    for case in CASES:
        kept = old.get(case.name)
        fresh = kept is not None and kept["x"] == list(case.points)
        named = case.name in arguments or case.family in arguments
        if kept is not None and (arguments and not named) and ("--missing" not in arguments or fresh):
            table[case.name] = kept
            continue
        start = time.perf_counter()
        table[case.name] = row(case)
        found = table[case.name]
        print(
            f"{case.family:12s} {case.name:28s} {len(case.points):3d} points, "
            f"{sum(found['attainable']):3d} attainable, {time.perf_counter() - start:6.2f} s",
            flush=True,
        )
        # written after every case, so that a run that is cut short can go on with --missing
        TRUTH_FILE.write_text(
            dump({**{c.name: old[c.name] for c in CASES if c.name in old}, **table}), "utf-8"
        )
    TRUTH_FILE.write_text(dump(table), encoding="utf-8")
    print(len(table), "functions,", sum(len(r["x"]) for r in table.values()), "points")


if __name__ == "__main__":
    main(sys.argv[1:])
