"""Render the README's table from stored results: ``python -m bench.tables``.

Rendering alone reads ``bench/results.json``; a page of the site shows the rest of that file. To measure anew, on a
machine that does nothing else, ten minutes in all:

    fastgrad report --json > report.json
    pytest bench --benchmark-json=benchmarks.json
    python -m bench.tables --report report.json --benchmarks benchmarks.json
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
README = Path(__file__).parent.parent / "README.md"

#: Groups of benchmarks whose times are kept.
GROUPS = (
    "goal: central of sigmoid, 1e+07 points",
    "goal: central of chain, 1e+07 points",
    "goal: central of product, 1e+07 points",
    "goal: central of squared sum, 1e+07 points",
    "goal: central of sigmoid, called, 1e+07 points",
    "goal: central of expit, called, 1e+07 points",
    "goal: central of Bessel function, called, 1e+07 points",
    "adaptive of gate sigmoid, 1e+06 points",
    "adaptive of gate sigmoid, 1e+03 points",
    "adaptive of gate sigmoid, 1e+00 points",
    "adaptive of corpus normal_pdf, 1e+06 points",
    "adaptive of opaque, 1e+06 points",
)


def reduced(report: dict[str, Any], benchmarks: dict[str, Any]) -> dict[str, Any]:
    """Keep what the tables show, and nothing that names the machine."""
    names = ("functions", "points", "missed", "covered", "wrong", "nan", "median_error", "median_bar", "median_nfev")
    about = {key: report["about"][key] for key in ("cores", "vectors", "numpy", "scipy", "numba")}
    corpus = [
        {"method": v["method"], "speedup": v["pace"]["speedup"], **{name: v["figures"][name] for name in names}}
        for v in report["corpus"]
    ]
    summary = [{k: v for k, v in line.items() if k != "worst"} for line in report["summary"]]
    speed: dict[str, dict[str, float]] = {}
    for entry in benchmarks["benchmarks"]:
        if entry["group"] in GROUPS:
            library = entry["params"]["library"]
            taken = entry["stats"]["min"] / entry["extra_info"]["points"] * 1e9
            speed.setdefault(entry["group"], {})[library] = float(f"{taken:.3g}")
    return {"about": about, "corpus": corpus, "summary": summary, "speed": speed}


def rendered(found: dict[str, Any]) -> dict[str, str]:
    """Markdown for every marker."""
    from fastgrad.report import tables as show

    def percent(value: float | None) -> str:
        return "-" if value is None else show.percent(value)

    about = found["about"]
    corpus = [
        [f"`{v['method']}`" if "(" in v["method"] else v["method"], percent(v["missed"]), percent(v["covered"]),
         percent(v["wrong"]), percent(v["nan"]), show.error(v["median_error"]), show.evaluations(v["median_nfev"]),
         show.times(v["speedup"])]
        for v in found["corpus"]
    ]  # fmt: skip
    first = found["corpus"][0]
    head = ["", "missed", "bar holds", "wrong", "NaN", "median error", "evaluations", "speed, SciPy = 1"]
    return {
        "corpus": f"{first['functions']} functions, {first['points']:,} points:\n\n" + _table(head, corpus),
        "machine": f"{about['cores']} cores, {about['vectors']}; NumPy {about['numpy']}, SciPy {about['scipy']}, "
        f"Numba {about['numba']}.",
    }


def _table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def placed(text: str, parts: dict[str, str]) -> str:
    """Put every part between its markers, ``<!-- NAME: ... -->`` and ``<!-- end -->``."""
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- {re.escape(name)}: [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = pattern.subn(lambda m, part=part: f"{m[1]}{part}\n{m[2]}", text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"README.md must hold the marker `<!-- {name}: ... -->` once; found it {count} times.")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.tables", description=__doc__.partition("\n")[0])
    parser.add_argument("--report", type=Path, help="what fastgrad report --json printed")
    parser.add_argument("--benchmarks", type=Path, help="what pytest bench --benchmark-json=FILE wrote")
    given = parser.parse_args(arguments)
    if (given.report is None) != (given.benchmarks is None):
        parser.error("--report and --benchmarks go together")
    if given.report:
        read = [json.loads(path.read_text(encoding="utf-8")) for path in (given.report, given.benchmarks)]
        RESULTS.write_text(json.dumps(reduced(*read), indent=1) + "\n", encoding="utf-8")
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    README.write_text(placed(README.read_text(encoding="utf-8"), rendered(stored)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
