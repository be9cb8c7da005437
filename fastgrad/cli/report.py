"""``fastgrad report`` and ``fastgrad bench``: accuracy, speed and cost of methods, on a terminal and as a page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import (
    Mistake,
    add_count,
    add_points,
    check_count,
    check_points,
    command,
    reason,
    redirect_prints,
    write_output,
)
from .targets import check_arguments, check_index, load_function, make_mistake, match_names, parse_rule, read_columns

if TYPE_CHECKING:
    from ..comparison import Problem
    from ..report import AccuracyReport
    from .options import Subcommands

EXAMPLES = """\
examples:
  fastgrad report mymodule:f --domain -5 5  your own function of one argument
  fastgrad report model.py:f --points x.npy at your own points
  fastgrad report model.py:f --domain 0 1 --method central4 --method jax
  fastgrad report fastgrad.gates:power --domain 0.5 5 --domain -3 3 --wrt 1
  fastgrad report --out report              all that fastgrad knows
  fastgrad report --out report.html         the page alone
  fastgrad report -n 1000 --only 'Black*'   a part of it
  fastgrad report --nist                    NIST's certified regressions

exit status: 0, or 2 when the call is wrong or no method could do anything
"""

BENCH_EXAMPLES = """\
examples:
  fastgrad bench
  fastgrad bench --json > here.json

exit status: 0; 2 when the call is wrong
"""


def register(commands: Subcommands) -> None:
    """Add the commands."""
    description = (
        "Compare methods of differentiation against the true derivative: on every gate (logic gates have none), a "
        "catalogue of real functions and the development corpus, or on a function of yours."
    )
    texts = ("compare methods: accuracy, speed, cost", description, EXAMPLES)
    parser = command(commands, "report", texts, run, "all figures")
    parser.add_argument("function", nargs="?", metavar="MODULE:FUNCTION", help="your own function, or FILE.py:FUNCTION")
    add_points(parser, "points a function (default: 1000000)")
    parser.add_argument("--wrt", type=int, default=0, metavar="I", help="differentiate in this argument, from 0")
    parser.add_argument("--method", action="append", metavar="METHOD", default=[],
                        help="adaptive, central, central4, forward, scipy, jax ...; may be repeated (default: all)")
    parser.add_argument("--only", action="append", metavar="PATTERN", default=[],
                        help="only functions of the default report whose name matches; may be repeated")
    parser.add_argument("--nist", action="store_true",
                        help="digits of the certified standard errors of NIST's nonlinear regressions instead")
    parser.add_argument("--out", type=Path, metavar="PATH",
                        help="write a page to PATH.html, PATH.md or PATH.json; all three, and plots, to a directory"
                        )  # fmt: skip
    description = (
        "Time the central difference and the adaptive rule on a few functions, beside NumPy, SciPy and a plain copy, "
        "in less than a minute."
    )
    texts = ("time a few functions on this machine", description, BENCH_EXAMPLES)
    add_count(command(commands, "bench", texts, run_bench, "the table"), "points of a run (default: 2000000)")


def run(args: argparse.Namespace) -> int:
    """Measure, write, and print."""
    if args.nist:
        return _run_nist(args)
    from ..comparison import chosen_methods
    from ..report.content import build_document, write
    from ..report.formats import render

    try:
        methods = chosen_methods([parse_rule(word) for word in args.method] or None)
    except ValueError as error:
        raise Mistake(f"--method: {error}") from error
    problems = _own_problem(args) if args.function else _standard_problems(args)
    if args.out:
        _check_output(args.out)
    report = _measure(args, problems, methods)
    try:  # before printing: a reader may close the pipe early
        paths = write(report, args.out) if args.out else []
    except OSError as error:
        raise Mistake(f"cannot write to --out {args.out}: {reason(error)}. Name another place.") from error
    write_output(report.to_json() if args.json else render(build_document(report), "terminal"))
    for path in paths:
        print(f"wrote {path}", file=sys.stderr)
    return 0 if report.verdicts or not all(row.failure for row in report.rows) else 2


def _measure(args: argparse.Namespace, problems: Sequence[Problem], methods: Any) -> AccuracyReport:
    """Compare the methods; an error of the caller's function is a mistake in one line."""
    from ..comparison import REPORT_POINTS, accuracy
    from ..comparison.standard import MANY, REPRESENTATIVES, compare_standard, first_rows
    from ..report import progress

    count = check_count(args, REPORT_POINTS, 2, "a million points")
    curves = () if not args.out else [problems[0].name] if args.function else REPRESENTATIVES
    with progress() as show, redirect_prints():
        if not args.function and not methods:
            if len(problems) >= MANY and not args.json:  # before the minutes that the whole report takes
                digits = ", ".join(f"{row.label} {row.digits:.1f}" for row in first_rows())
                print(f"first of {len(problems)} functions, sigmoid, right digits: {digits}", file=sys.stderr)
            return compare_standard(problems, count, curves, show)
        try:
            return accuracy(problems, methods, count, curves=curves, progress=show)
        except Exception as error:
            if not args.function:
                raise
            raise make_mistake(error, args.function) from error


def _run_nist(args: argparse.Namespace) -> int:
    """Compare jacobians on NIST's regressions."""
    from ..nist import ERRORS, PARAMETERS, compare, installed, regressions
    from ..report import progress
    from ..report.formats import render
    from ..report.tables import certified

    if args.function or args.domain or args.points or args.wrt or args.points_count or args.out or args.method:
        raise Mistake("--nist brings its own functions and points. Leave out all options but --only and --json.")
    chosen = match_names(args.only, regressions(), "set")
    ways, rows = installed(), []
    with progress() as show:
        for i, regression in enumerate(chosen):
            if show:
                show(i, len(chosen), regression.name)
            rows += compare(regression, ways)
    write_output(json.dumps([row.to_dict() for row in rows], indent=1) + "\n" if args.json
        else render(certified(rows, ERRORS, PARAMETERS), "terminal"))  # fmt: skip
    return 0


def _check_output(path: Path) -> None:
    """Check that a page or a directory can be written, before minutes are spent; existing files stay."""
    from ..report.content import require

    try:
        require(path)
    except ValueError as error:
        raise Mistake(f"--out must be a page or a directory: {error}. Name, say, report.html.") from error
    page = path if path.suffix else path / "report.md"
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        is_new = not page.exists()
        page.open("a", encoding="utf-8").close()
        if is_new:
            page.unlink()
    except OSError as error:
        raise Mistake(f"cannot write to --out {path}: {reason(error)}. Name another place.") from error


def _standard_problems(args: argparse.Namespace) -> list[Problem]:
    from ..comparison import standard_functions

    if args.domain or args.points or args.wrt:
        raise Mistake("--domain, --points and --wrt go with a function of yours: fastgrad report MODULE:FUNCTION ...")
    return match_names(args.only, standard_functions(), "function")


def _own_problem(args: argparse.Namespace) -> list[Problem]:
    from ..comparison import problem_of

    f = load_function(args.function)
    if args.only:
        raise Mistake("--only chooses among the functions of the default report. Leave it out for your own function.")
    check_points(args)
    columns = read_columns(args.points, args.points_count) if args.points else None
    arguments = len(columns) if columns else len(args.domain) or getattr(f, "nin", 0)
    if not arguments:
        raise Mistake(f"say where to differentiate {args.function}: --domain LOW HIGH, or --points FILE.")
    check_arguments(f, arguments, args.function)
    wrt = check_index(args.wrt, arguments)
    try:
        return [problem_of(f, columns, [(low, high) for low, high in args.domain], wrt)]
    except (TypeError, ValueError) as error:
        raise Mistake(str(error)) from error


def run_bench(args: argparse.Namespace) -> int:
    """Time, and print."""
    from ..comparison import SPEED_POINTS, speed
    from ..report import progress
    from ..report.document import Document, Section
    from ..report.formats import render
    from ..report.tables import speeds

    count = check_count(args, SPEED_POINTS, 2, "two million points")
    with progress() as show:
        times = speed(count, show)
    page = Document("Speed", (Section("Speed", (speeds(times),)),))
    write_output(times.to_json() if args.json else render(page, "terminal"))
    return 0
