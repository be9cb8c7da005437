"""``fastgrad derivative``: differentiates at the points of a file, in blocks, into another file."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from .._typing import Array, Function
from ..report.formats import status_line
from .options import Mistake, command, reason, redirect_prints, write_output
from .readers import BLOCK, Source, open_source
from .targets import check_arguments, check_index, load_function, make_mistake, parse_rule
from .writers import open_table

if TYPE_CHECKING:
    from .options import Subcommands

EXAMPLES = """\
examples:
  fastgrad derivative mymodule:f --input points.npy --output df.npy
  fastgrad derivative model.py:f --input x.npy --output df.csv --full-output
  fastgrad derivative model.py:f --input x.npy --output df.npy --method central4
  fastgrad derivative model.py:price --input spots.csv --columns spot vol \\
      --wrt 0 1 --output greeks.parquet
  cut -d, -f2 data.csv | fastgrad derivative model.py:f --input - --output -

One row out for each row in. With one column the result is called df, with
several df_0, df_1 or df_NAME; with --full-output each is followed by its error
bar and its status (0 converged, -1 tolerance not reached, -3 not finite, -5
kink). In a .npy file several columns are the fields of a structured array.

The result is written beside its place and moved there when it is complete:
whatever ends a run, there is what was there before, or the whole of it. Run it
again from the start.

exit status: 0 when there is a derivative everywhere, 1 when the file is
written but some derivatives are NaN, 2 when the call is wrong or the function
raised, 130 or 143 when interrupted or terminated; nothing is written then
"""

#: Seconds between two messages of progress; most seconds that a call should take, so that there is progress to show.
PAUSE, TURN = 0.2, 1.0

#: Points of the first call: few, since the function may be slow.
FIRST = 1 << 10


def register(commands: Subcommands) -> None:
    """Add the command."""
    texts = (
        "differentiate at the points of a file, however large",
        "Differentiate an elementwise function at the points of a file, block by block, into another file.", EXAMPLES,
    )  # fmt: skip
    parser = command(commands, "derivative", texts, run, "a summary")
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="the function, or FILE.py:FUNCTION")
    parser.add_argument("--input", required=True, metavar="FILE",
                        help="points, .npy, .csv or .parquet: a column for each argument; - is CSV on standard input")
    parser.add_argument("--output", required=True, metavar="FILE",
                        help="where the derivatives go, .npy, .csv or .parquet; - is CSV on standard output")
    parser.add_argument("--columns", nargs="+", metavar="COLUMN",
                        help="names, or numbers from 0, of the columns that are the arguments (default: all)")
    parser.add_argument("--wrt", type=int, nargs="+", default=[0], metavar="I",
                        help="arguments to differentiate in, from 0 (default: 0)")
    parser.add_argument("--method", default="adaptive", metavar="METHOD",
                        help="adaptive, central, forward, backward, complex, central4 ... (default: adaptive)")
    parser.add_argument("--step", type=float, metavar="H", help="absolute step (default: chosen per point)")
    parser.add_argument("--bounds", nargs=2, type=float, metavar=("LOW", "HIGH"),
                        help="never call the function outside")
    parser.add_argument("--full-output", action="store_true", help="write error bars and statuses, too")
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: all cores where that is safe)"
                        )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Read, differentiate and write, a block at a time."""
    if args.json and args.output == "-":
        raise Mistake("--json and --output - both write to standard output. Name a file for --output.")
    f, source = load_function(args.function), open_source(args.input, "--input")
    chosen = _select_columns(source, args)
    columns = [source.columns[c] for c in chosen]
    remedy = f", the columns {', '.join(columns)} of {args.input}. Choose some with --columns"
    check_arguments(f, len(chosen), args.function, remedy)
    if "-" not in (args.input, args.output) and Path(args.output).exists():
        if Path(args.output).samefile(args.input):
            raise Mistake(f"--output {args.output} is --input, and the points would be lost. Name another file.")
    wrt = tuple(check_index(i, len(chosen)) for i in args.wrt)
    names = _names(wrt, columns, args.full_output)
    options = {"wrt": wrt, "method": parse_rule(args.method), "step": args.step, "workers": args.workers,
               "bounds": None if args.bounds is None else tuple(args.bounds),
               "full_output": args.full_output}  # fmt: skip
    points = missing = 0
    start = monotonic()
    try:
        with open_table(args.output, "--output", names) as write, _progress(source.rows) as show:
            for block in _portions(source.blocks(chosen, BLOCK)):
                results = _differentiate(f, block, options, args.function)
                write(results)
                points += len(block[0])
                derivatives = results[::3] if args.full_output else results
                missing += int(np.count_nonzero(np.logical_or.reduce([np.isnan(df) for df in derivatives])))
                show(points)
    except BrokenPipeError:
        raise
    except OSError as error:
        nothing = "" if args.output == "-" else f"; nothing was written to {args.output}"
        raise Mistake(f"cannot go on: {reason(error)}{nothing}.") from error
    seconds = monotonic() - start
    if args.json:
        facts = {"function": args.function, "input": args.input, "output": args.output, "columns": names,
                 "points": points, "missing": missing, "seconds": round(seconds, 3)}  # fmt: skip
        write_output(json.dumps(facts) + "\n")
    elif sys.stderr.isatty():
        print(f"wrote {args.output}: {points:,} points in {seconds:.3g} s", file=sys.stderr)
    if missing and not args.json:
        print(f"fastgrad: NaN at {missing:,} of {points:,} points", file=sys.stderr)
    return 1 if missing else 0


def _portions(blocks: Iterator[list[Array]]) -> Iterator[list[Array]]:
    """Cut blocks such that a call of a slow function takes about `TURN` seconds."""
    size = FIRST
    for block in blocks:
        first = 0
        while first < len(block[0]):
            start = monotonic()
            yield [column[first : first + size] for column in block]
            seconds = monotonic() - start
            first += size
            if seconds > TURN:
                size = max(size // 4, 1)
            elif seconds < TURN / 4:
                size = min(4 * size, BLOCK)


def _differentiate(f: Function, block: Sequence[Array], options: dict[str, Any], name: str) -> list[Array]:
    """Return the columns of results for a block."""
    from ..differentiation.derivatives import derivative
    from ..evaluation.signatures import PerformanceWarning

    try:
        with warnings.catch_warnings(record=True) as caught, redirect_prints():
            warnings.simplefilter("always")
            results = derivative(f, *block, **options)
    except Exception as error:
        raise make_mistake(error, name) from error
    for warning in caught:
        _warn(str(warning.message), issubclass(warning.category, PerformanceWarning))
    if not options["full_output"]:
        return list(results)
    return [part for result in results for part in (result.df, result.error, result.status)]


@cache
def _warn(text: str, is_slow: bool) -> None:
    """Print a warning once; slowness matters on a terminal alone."""
    if not is_slow or sys.stderr.isatty():
        print(f"fastgrad: warning: {text}", file=sys.stderr)


def _select_columns(source: Source, args: argparse.Namespace) -> list[int]:
    """Return the numbers of the columns that are the arguments."""
    names = source.columns
    if args.columns is None:
        return list(range(len(names)))
    numbers = []
    for name in args.columns:
        if name not in names and not (name.isdecimal() and int(name) < len(names)):
            raise Mistake(f"--columns must be of {args.input}, {', '.join(names)}; got {name!r}. Name one of them.")
        numbers.append(names.index(name) if name in names else int(name))
    return numbers


def _names(wrt: Sequence[int], columns: Sequence[str], is_full: bool) -> list[str]:
    """Return the names of the columns of the result."""
    endings = [""] if len(wrt) == 1 else [f"_{columns[i]}" for i in wrt]
    if len(set(endings)) < len(endings):
        raise Mistake(f"--wrt must name each argument once; got {wrt}. Leave the second out.")
    return [name + ending for ending in endings for name in (("df", "error", "status") if is_full else ("df",))]


@contextmanager
def _progress(rows: int | None) -> Iterator[Callable[[int], None]]:
    """Give a function that shows the count of points, the time left and the speed on a terminal."""
    start = last = monotonic()
    with status_line() as write:

        def show(points: int) -> None:
            nonlocal last
            now = monotonic()
            if write and now - last > PAUSE:
                last = now
                speed = points / (now - start)
                rest = f" of {rows:,}, {max(rows - points, 0) / speed:,.0f} s to go" if rows else ""
                write(f"{points:,} points{rest} ({speed:,.0f}/s)")

        yield show
