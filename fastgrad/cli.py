"""The command line: ``fastgrad report``, ``fastgrad check``, ``fastgrad bench``."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._targets import Mistake, columns_of, loaded, matching, one_place, where_raised

EXAMPLES = """\
examples:
  fastgrad report --out report              every gate, a catalogue of functions, and the corpus
  fastgrad report -n 1000 --only 'Black*'   a part of it
  fastgrad report mymodule:f --domain -5 5  your own function of one argument
  fastgrad report model.py:f --points x.npy at your own points; one column for each argument
  fastgrad report fastgrad.gates:power --domain 0.5 5 --domain -3 3 --wrt 1
  fastgrad report --nist                    jacobians of NIST's 27 certified regressions
"""

CHECKS = """\
examples:
  fastgrad check mymodule:f mymodule:df --domain -3 3
  fastgrad check model.py:price model.py:vega --domain 50 150 --domain 0.1 0.5 --wrt 1
  fastgrad check model.py:loss model.py:gradient --of gradient --dimension 20 --domain -2 2
  fastgrad check fastgrad.gates:power       a gate brings its own partials, and its domain

exit status: 0 when nothing disagrees, 1 when something does, 2 when nothing could be decided or the call is wrong
"""

#: Points of a check.
CHECKED = 1000

#: Functions of the default report that get a curve of error against step.
REPRESENTATIVES = ("Black-Scholes delta", "Runge", "Squire-Trapp", "small network", "Lennard-Jones")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, 2 for a mistake of the caller's; for a check see `CHECKS`."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except Mistake as mistake:
        print(f"fastgrad: {mistake}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the pipe went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("fastgrad: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    from importlib.metadata import version

    parser = argparse.ArgumentParser(prog="fastgrad", description="Derivatives of functions over batches of points.")
    parser.add_argument("--version", action="version", version=f"fastgrad {version('fastgrad')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    report = commands.add_parser(
        "report",
        help="compare methods: accuracy, speed, cost",
        description="Compare methods of differentiation against the true derivative: on every gate (logic gates have "
        "none), a catalogue of real functions and the development corpus, or on a function of yours.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check = commands.add_parser(
        "check",
        help="check a derivative: is it right, and where is it wrong",
        description="Check an analytic derivative against the numerical one and its error bar.",
        epilog=CHECKS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for command in (report, check):  # argparse takes -1e-3 for an option; -5 it understands
        command._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    check.add_argument("function", metavar="MODULE:FUNCTION", help="the function, or FILE.py:FUNCTION")
    check.add_argument("analytic", nargs="?", metavar="MODULE:DERIVATIVE",
                       help="its derivative, of the same arguments; a gate or a circuit brings its own")
    check.add_argument("--of", default="derivative", choices=("derivative", "gradient", "jacobian", "hessian"),
                       help="what the second function is of the first (default: derivative)")
    check.add_argument("--domain", nargs=2, type=float, action="append", metavar=("LOW", "HIGH"), default=[],
                       help="draw the points from this interval; once for each argument, or once for all coordinates")
    check.add_argument("--dimension", type=int, metavar="D", help="length of the vector, for a gradient and the like")
    check.add_argument("--points", type=Path, metavar="FILE.npy",
                       help="take the points from a file: one column for each argument or coordinate")
    check.add_argument("--wrt", type=int, nargs="+", default=[0], metavar="I",
                       help="the argument to differentiate in, from 0; with several the derivative returns a tuple")
    check.add_argument("-n", "--points-count", type=int, metavar="N", help=f"points to draw (default: {CHECKED})")
    check.add_argument("--json", action="store_true", help="print JSON instead of a table")
    report.add_argument("function", nargs="?", metavar="MODULE:FUNCTION", help="your own function, or FILE.py:FUNCTION")
    report.add_argument("--domain", nargs=2, type=float, action="append", metavar=("LOW", "HIGH"), default=[],
                        help="draw the points from this interval; once for each argument")
    report.add_argument("--points", type=Path, metavar="FILE.npy",
                        help="take the points from a file: one column for each argument")
    report.add_argument("--wrt", type=int, default=0, metavar="I", help="differentiate in this argument, from 0")
    report.add_argument("-n", "--points-count", type=int, metavar="N", help="points a function (default: 1000000)")
    report.add_argument("--only", action="append", metavar="PATTERN", default=[],
                        help="only functions of the default report whose name matches; may be repeated")
    report.add_argument("--nist", action="store_true",
                        help="digits of the certified standard errors of NIST's nonlinear regressions instead")
    report.add_argument("--out", type=Path, metavar="DIR",
                        help="write report.html, report.md, report.json and plots to DIR")
    report.add_argument("--json", action="store_true", help="print JSON instead of tables")
    report.set_defaults(run=_report)
    check.set_defaults(run=_check)
    bench = commands.add_parser(
        "bench",
        help="time a few functions on this machine",
        description="Time the central difference and the adaptive rule on a few functions, beside NumPy, SciPy and a "
        "plain copy, in less than a minute.",
        epilog="examples:\n  fastgrad bench\n  fastgrad bench --json > here.json\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_argument("-n", "--points-count", type=int, metavar="N", help="points of a run (default: 2000000)")
    bench.add_argument("--json", action="store_true", help="print JSON instead of a table")
    bench.set_defaults(run=_bench)
    return parser  # fmt: skip


def _bench(given: argparse.Namespace) -> int:
    from .comparison.standing import COUNT, standing
    from .report import MissingExtra, tables, terminal

    count = COUNT if given.points_count is None else given.points_count
    if count < 2:
        raise Mistake(f"-n must be at least 2; got {count}. Leave it out for two million points.")
    try:
        if not given.json:
            terminal.require()
        with terminal.progress() as progress:
            found = standing(count, progress)
        _print(found.to_json() if given.json else None, lambda: terminal.show_one(tables.standing(found)))
    except MissingExtra as missing:
        raise Mistake(str(missing)) from missing
    return 0


def _report(given: argparse.Namespace) -> int:
    if given.nist:
        return _certified(given)
    from .comparison.accuracy import COUNT, accuracy
    from .comparison.ahead import compile_ahead
    from .report import MissingExtra, html, plots, terminal, write

    count = COUNT if given.points_count is None else given.points_count
    if count < 2:
        raise Mistake(f"-n must be at least 2; got {count}. Leave it out for a million points.")
    problems = _own_problems(given) if given.function else _standard_problems(given)
    try:
        if not given.json:
            terminal.require()
        if given.out:
            plots.require()
            html.require()
            _writable(given.out)
        names = [p.name for p in problems]
        curves = () if not given.out else names if given.function else REPRESENTATIVES
        with terminal.progress() as progress:
            if not given.function:
                compile_ahead(names, curves, progress)
            report = accuracy(problems, points=count, curves=curves, progress=progress)
        _print(report.to_json() if given.json else None, lambda: terminal.show(report))
        if given.out:
            for path in write(report, given.out):
                print(f"wrote {path}", file=sys.stderr)
    except MissingExtra as missing:
        raise Mistake(str(missing)) from missing
    except OSError as problem:
        if isinstance(problem, BrokenPipeError):
            raise
        raise Mistake(f"cannot write to {given.out}: {problem.strerror}.") from problem
    except Exception as problem:
        if not given.function:
            raise
        raise Mistake(f"{given.function} raised {where_raised(problem)}") from problem
    return 0 if report.verdicts or not all(row.failure for row in report.rows) else 2


def _certified(given: argparse.Namespace) -> int:
    from .nist import compare, regressions
    from .report import MissingExtra, certified, terminal

    if given.function or given.domain or given.points or given.wrt or given.points_count or given.out:
        raise Mistake("--nist brings its own functions and points; it goes with --only and --json alone.")
    chosen = matching(given.only, regressions(), "set")
    ways, rows = compare.installed(), []
    try:
        if not given.json:
            terminal.require()
        with terminal.progress() as progress:
            for i, regression in enumerate(chosen):
                if progress:
                    progress(i, len(chosen), regression.name)
                rows += compare.compared(regression, ways)
    except MissingExtra as missing:
        raise Mistake(str(missing)) from missing
    text = json.dumps([row.to_dict() for row in rows], indent=1) + "\n" if given.json else None
    _print(text, lambda: terminal.draw(certified.tables(rows, compare.ERRORS, compare.PARAMETERS), certified.NOTES))
    return 0


def _check(given: argparse.Namespace) -> int:
    from .checks import check

    f = loaded(given.function)
    analytic = loaded(given.analytic) if given.analytic else None
    args = _places(given)
    wrt: Any = given.wrt[0] if len(given.wrt) == 1 else tuple(given.wrt)
    if analytic is not None and not args:
        raise Mistake(f"say where to check {given.function}: --domain LOW HIGH, or --points FILE.npy.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # standard error is for mistakes; a slow check is not one
            found = check(f, analytic, *args, of=given.of, wrt=wrt)
    except Exception as problem:
        frames = traceback.extract_tb(problem.__traceback__)
        ours = Path(frames[-1].filename).parent == Path(__file__).parent
        raise Mistake(str(problem) if ours else f"the check raised {where_raised(problem)}") from problem
    _print(json.dumps(found.to_dict(), indent=1) + "\n" if given.json else f"{found!r}\n", lambda: None)
    return 1 if not found else 0 if found.decided else 2


def _places(given: argparse.Namespace) -> tuple[Any, ...]:
    """Where to check: columns for a derivative, rows of a table for a gradient; none for a gate's own domain."""
    count = CHECKED if given.points_count is None else given.points_count
    if count < 1:
        raise Mistake(f"-n must be at least 1; got {count}. Leave it out for {CHECKED} points.")
    one_place(given)
    if given.points:
        columns = columns_of(given.points, given.points_count)
    else:
        domain = given.domain * (given.dimension or 1) if len(given.domain) == 1 else given.domain
        random = np.random.default_rng(2024)
        columns = tuple(random.uniform(low, high, count) for low, high in domain)
    if given.of != "derivative" and len(columns) == 1 and given.dimension is None and given.domain:
        raise Mistake("say how long the vector is: --dimension D, or one --domain for each coordinate.")
    if given.dimension is not None and (given.of == "derivative" or len(columns) != given.dimension):
        raise Mistake(
            f"--dimension {given.dimension} goes with --of gradient, jacobian or hessian, and one --domain or "
            f"{given.dimension} of them; got --of {given.of} and {len(columns)} columns."
        )
    return columns if given.of == "derivative" or not columns else (np.stack(columns, axis=-1),)


def _print(text: str | None, show: Callable[[], None]) -> None:
    if text is None:
        show()
    else:
        sys.stdout.write(text)
    sys.stdout.flush()


def _writable(directory: Path) -> None:
    """Find out before the work, not after it."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "report.md"
    probe.open("a", encoding="utf-8").close()


def _standard_problems(given: argparse.Namespace) -> list[Any]:
    from .comparison.catalogue import FUNCTIONS
    from .comparison.problems import gate_problems
    from .corpus import CASES

    if given.domain or given.points or given.wrt:
        raise Mistake("--domain, --points and --wrt go with a function of yours: fastgrad report MODULE:FUNCTION ...")
    return matching(given.only, (*gate_problems(), *FUNCTIONS, *CASES), "function")


def _own_problems(given: argparse.Namespace) -> list[Any]:
    from .comparison.problems import problem_of

    f = loaded(given.function)
    if given.only:
        raise Mistake("--only chooses among the functions of the default report; leave it out for your own function.")
    one_place(given)
    columns = columns_of(given.points, given.points_count) if given.points else None
    arguments = len(columns) if columns else len(given.domain) or getattr(f, "nin", 0)
    if not arguments:
        raise Mistake(f"say where to differentiate {given.function}: --domain LOW HIGH, or --points FILE.npy.")
    if not -arguments <= given.wrt < arguments:
        raise Mistake(f"--wrt must be from 0 to {arguments - 1} for {arguments} argument(s); got {given.wrt}.")
    domain = [(low, high) for low, high in given.domain]
    try:
        return [problem_of(f, columns, domain, given.wrt % arguments)]
    except (TypeError, ValueError) as problem:
        raise Mistake(str(problem)) from problem
