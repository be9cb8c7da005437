"""Compare a benchmark run with the saved baseline: ``python -m bench.compare RESULTS.json``.

Every benchmark stores, beside its own time, the time of a reference loop run just before and just after it. What is
compared is the ratio of the two, so a slower machine, or one that others are busy on, changes both.

    pytest bench --benchmark-json=results.json
    python -m bench.compare results.json                 exit status 1 when something is slower than twice the baseline
    python -m bench.compare results.json --factor 1.3    be stricter
    python -m bench.compare results.json --save          make this run the baseline
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).with_name("baseline.json")

#: What is measured beside fastgrad: shown, and never judged.
OTHERS = {"numpy", "scipy", "jax", "numdifftools", "jacobi", "python", "copy", "by hand"}

#: How much slower counts as a regression.
FACTOR = 2.0


def ratios(results: Mapping[str, Any]) -> dict[str, float]:
    """Least time of every benchmark over that of the reference loop beside it, out of what pytest-benchmark stores."""
    found = {}
    for entry in results["benchmarks"]:
        reference = entry.get("extra_info", {}).get("reference", 0.0)
        if reference > 0:
            found[entry["fullname"].removeprefix("bench/")] = float(f"{entry['stats']['min'] / reference:.4g}")
    return found


def judged(name: str) -> bool:
    """Tell whether a benchmark measures fastgrad and not somebody else."""
    return OTHERS.isdisjoint(name.partition("[")[2].rstrip("]").split("-"))


def compare(baseline: Mapping[str, float], now: Mapping[str, float], factor: float) -> tuple[list[str], list[str]]:
    """Lines of a table, and the names of those that regressed."""
    known = [name for name in now if name in baseline]
    change = {name: now[name] / baseline[name] for name in known}
    worse = [name for name in known if judged(name) and change[name] > factor]
    lines = [f"{'baseline':>10} {'now':>10} {'change':>7}  benchmark, in units of the reference loop"]
    for name in sorted(known, key=lambda name: -change[name]):
        mark = "  REGRESSION" if name in worse else ""
        lines.append(f"{baseline[name]:10.4g} {now[name]:10.4g} {change[name]:7.2f}  {name}{mark}")
    lines += [f"{'-':>10} {now[name]:10.4g} {'new':>7}  {name}" for name in now if name not in baseline]
    gone = sum(name not in now for name in baseline)
    if gone:
        lines.append(f"{gone} of the baseline's {len(baseline)} benchmarks were not run")
    return lines, worse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 is good, 1 a regression, 2 a mistake."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="what pytest bench --benchmark-json=FILE wrote")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--factor", type=float, default=FACTOR, help=f"slower than this is a regression ({FACTOR:g})")
    parser.add_argument("--save", action="store_true", help="make these results the baseline")
    given = parser.parse_args(arguments)
    try:
        now = ratios(json.loads(given.results.read_text(encoding="utf-8")))
        if given.save:
            given.baseline.write_text(json.dumps(dict(sorted(now.items())), indent=0) + "\n", encoding="utf-8")
            print(f"{len(now)} benchmarks are the baseline now")
            return 0
        baseline = json.loads(given.baseline.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as problem:
        print(f"bench.compare: cannot read or write {problem}", file=sys.stderr)
        return 2
    if not now:
        print(f"bench.compare: {given.results} holds no timed benchmark with a reference loop", file=sys.stderr)
        return 2
    lines, worse = compare(baseline, now, given.factor)
    print("\n".join(lines))
    if worse:
        print(f"{len(worse)} slower than {given.factor:g} times the baseline", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # as with head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
