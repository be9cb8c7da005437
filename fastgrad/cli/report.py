"""``fastgrad report``: accuracy, speed and cost of methods, on a screen and as a page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Mistake, reason
from .options import add_json, add_points, aside, command, count_of, extras, say, whole
from .targets import columns_of, fits, loaded, matching, one_place, rule_of, where_raised, within

if TYPE_CHECKING:
    from ..report.model import AccuracyReport

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

#: From so many functions on, a first result is told before the rest is measured.
MANY = 100

#: Functions of the default report that get curves of error against step and along their domain.
REPRESENTATIVES = ("Black-Scholes delta", "Runge", "Squire-Trapp", "small network", "Lennard-Jones")


def register(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands, "report", "compare methods: accuracy, speed, cost",
        "Compare methods of differentiation against the true derivative: on every gate (logic gates have none), a "
        "catalogue of real functions and the development corpus, or on a function of yours.", EXAMPLES, run,
    )  # fmt: skip
    parser.add_argument("function", nargs="?", metavar="MODULE:FUNCTION", help="your own function, or FILE.py:FUNCTION")
    add_points(parser)
    parser.add_argument("--wrt", type=int, default=0, metavar="I", help="differentiate in this argument, from 0")
    parser.add_argument("-n", "--points-count", type=whole, metavar="N", help="points a function (default: 1000000)")
    parser.add_argument("--method", action="append", metavar="METHOD", default=[],
                        help="adaptive, central, central4, forward, scipy, jax ...; may be repeated (default: all)")
    parser.add_argument("--only", action="append", metavar="PATTERN", default=[],
                        help="only functions of the default report whose name matches; may be repeated")
    parser.add_argument("--nist", action="store_true",
                        help="digits of the certified standard errors of NIST's nonlinear regressions instead")
    parser.add_argument("--out", type=Path, metavar="PATH",
                        help="write a page to PATH.html, PATH.md or PATH.json; all three, and plots, to a directory")
    add_json(parser, "all figures")  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Measure, write, and print."""
    if given.nist:
        return _certified(given)
    from ..comparison._methods import chosen_methods
    from ..report import terminal
    from ..report.files import write

    try:
        methods = chosen_methods([rule_of(word) for word in given.method] or None)
    except ValueError as problem:
        raise Mistake(str(problem)) from problem
    problems = _own_problems(given) if given.function else _standard_problems(given)
    with extras():
        _ready(given)
        report = _measured(given, problems, methods)
        written: list[Path] = []
        if given.out:  # before a reader of the tables who has seen enough ends the command
            try:
                written = write(report, given.out)
            except OSError as problem:
                raise Mistake(f"cannot write to {given.out}: {reason(problem)}.") from problem
        say(report.to_json() if given.json else None, lambda: terminal.show(report))
    for path in written:
        print(f"wrote {path}", file=sys.stderr)
    return 0 if report.verdicts or not all(row.failure for row in report.rows) else 2


def _measured(given: argparse.Namespace, problems: Sequence[Any], methods: Any) -> AccuracyReport:
    """Compare the methods; what a function of the caller's raises is told in one line."""
    from ..comparison._accuracy import COUNT, accuracy
    from ..comparison._precompile import precompile
    from ..report import terminal

    count = count_of(given, COUNT, 2, "a million points")
    names = [problem.name for problem in problems]
    curves = () if not given.out else names if given.function else REPRESENTATIVES
    try:
        with terminal.progress() as progress, aside():
            if not given.function and methods is None:
                _first_result(given, problems)
                precompile(names, curves, progress)
            return accuracy(problems, methods, count, curves=curves, progress=progress)
    except Exception as problem:
        if not given.function:
            raise
        ours = within(problem) and not isinstance(problem, TypeError)
        raise Mistake(str(problem) if ours else f"{given.function} raised {where_raised(problem)}") from problem


def _first_result(given: argparse.Namespace, problems: Sequence[Any]) -> None:
    """Tell what is to be expected, from one function, before the minutes that the whole report takes."""
    from ..comparison._accuracy import accuracy
    from ..gates import sigmoid

    if given.json or len(problems) < MANY:
        return
    report = accuracy(sigmoid, ["adaptive", "central", "numpy"], 1000, progress=lambda *_: None)
    found = ", ".join(f"{row.label} {row.digits:.1f}" for row in report.rows)
    print(f"first of {len(problems)} functions, sigmoid, right digits: {found}", file=sys.stderr)


def _certified(given: argparse.Namespace) -> int:
    """Compare jacobians on NIST's regressions."""
    from ..nist import regressions
    from ..nist._compare import ERRORS, PARAMETERS, compared, installed
    from ..report import certified, terminal
    from ..report.extras import need

    if given.function or given.domain or given.points or given.wrt or given.points_count or given.out or given.method:
        raise Mistake("--nist brings its own functions and points; it goes with --only and --json alone.")
    chosen = matching(given.only, regressions(), "set")
    ways, rows = installed(), []
    with extras():
        if not given.json:
            need("rich")
        with terminal.progress() as progress:
            for i, regression in enumerate(chosen):
                if progress:
                    progress(i, len(chosen), regression.name)
                rows += compared(regression, ways)
    text = json.dumps([row.to_dict() for row in rows], indent=1) + "\n" if given.json else None
    say(text, lambda: terminal.draw(certified.tables(rows, ERRORS, PARAMETERS), certified.NOTES))
    return 0


def _ready(given: argparse.Namespace) -> None:
    """Find out before the work, not after it, whether what it is for can be shown and written."""
    from ..report.extras import need
    from ..report.files import require

    if not given.json:
        need("rich")
    if given.out:
        try:
            require(given.out)
        except ValueError as problem:
            raise Mistake(f"--out: {problem}.") from problem
        _writable(given.out)


def _writable(path: Path) -> None:
    """Refuse a place that cannot be written to; what is there stays."""
    try:
        if path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            existed = path.exists()
            path.open("a", encoding="utf-8").close()
            if not existed:
                path.unlink()
        else:
            path.mkdir(parents=True, exist_ok=True)
            (path / "report.md").open("a", encoding="utf-8").close()
    except OSError as problem:
        raise Mistake(f"cannot write to {path}: {reason(problem)}.") from problem


def _standard_problems(given: argparse.Namespace) -> list[Any]:
    from ..comparison._catalogue import FUNCTIONS
    from ..comparison._problems import gate_problems
    from ..corpus import CASES

    if given.domain or given.points or given.wrt:
        raise Mistake("--domain, --points and --wrt go with a function of yours: fastgrad report MODULE:FUNCTION ...")
    return matching(given.only, (*gate_problems(), *FUNCTIONS, *CASES), "function")


def _own_problems(given: argparse.Namespace) -> list[Any]:
    from ..comparison._problems import problem_of

    f = loaded(given.function)
    if given.only:
        raise Mistake("--only chooses among the functions of the default report; leave it out for your own function.")
    one_place(given)
    columns = columns_of(given.points, given.points_count) if given.points else None
    arguments = len(columns) if columns else len(given.domain) or getattr(f, "nin", 0)
    if not arguments:
        raise Mistake(f"say where to differentiate {given.function}: --domain LOW HIGH, or --points FILE.")
    fits(f, arguments, given.function, "; give one --domain for each, or one column of --points")
    if not -arguments <= given.wrt < arguments:
        raise Mistake(f"--wrt must be from 0 to {arguments - 1} for {arguments} argument(s); got {given.wrt}.")
    domain = [(low, high) for low, high in given.domain]
    try:
        return [problem_of(f, columns, domain, given.wrt % arguments)]
    except (TypeError, ValueError) as problem:
        raise Mistake(str(problem)) from problem
