"""``fastgrad derivative``: from a file of points to a file of derivatives, whatever their size."""

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
from typing import Any

import numpy as np

from .errors import Mistake, reason
from .options import add_json, aside, command, say
from .readers import BLOCK, Source, source_of
from .targets import fits, loaded, rule_of, where_raised, within
from .writers import written

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

#: Seconds between two looks at the progress, and seconds that a call should take at most: then there is one to tell.
PAUSE, TURN = 0.2, 1.0

#: Points of the first call: a slow function takes long for as few.
FIRST = 1 << 10


def register(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands, "derivative", "differentiate at the points of a file, however large",
        "Differentiate an elementwise function at the points of a file, block by block, into another file.",
        EXAMPLES, run,
    )  # fmt: skip
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
    parser.add_argument("--workers", type=int, metavar="N", help="threads (default: all cores where that is safe)")
    add_json(parser, "what was done")  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Read, differentiate and write, a block at a time."""
    if given.json and given.output == "-":
        raise Mistake("--json and --output - both write to standard output; give the output a file.")
    f, source = loaded(given.function), source_of(given.input, "--input")
    chosen = _chosen(source, given)
    named = ", ".join(source.columns[c] for c in chosen)
    fits(f, len(chosen), given.function, f", the columns {named} of {given.input}; choose with --columns")
    _apart(given)
    wrt = _indices(given.wrt, len(chosen))
    names = _names(wrt, [source.columns[c] for c in chosen], given.full_output)
    bounds = None if given.bounds is None else tuple(given.bounds)
    options = {"method": rule_of(given.method), "step": given.step, "bounds": bounds, "workers": given.workers,
               "full_output": given.full_output}  # fmt: skip
    points = missing = 0
    start = monotonic()
    try:
        with written(given.output, "--output", names) as write, _progress(source.rows) as tell:
            for block in _portions(source.blocks(chosen, BLOCK)):
                columns = _differentiated(f, block, wrt, options, given.function)
                write(columns)
                points += len(block[0])
                results = columns[::3] if given.full_output else columns
                missing += int(np.count_nonzero(np.logical_or.reduce([np.isnan(df) for df in results])))
                tell(points)
    except BrokenPipeError:
        raise
    except OSError as problem:
        nothing = "" if given.output == "-" else f"; nothing was written to {given.output}"
        raise Mistake(f"cannot go on: {reason(problem)}{nothing}.") from problem
    done = {"function": given.function, "input": given.input, "output": given.output, "columns": names,
            "points": points, "missing": missing, "seconds": round(monotonic() - start, 3)}  # fmt: skip
    if given.json:
        say(json.dumps(done) + "\n")
        return 1 if missing else 0
    if sys.stderr.isatty():
        print(f"wrote {given.output}: {points:,} points in {done['seconds']:.3g} s", file=sys.stderr)
    if missing:
        print(f"fastgrad: NaN at {missing:,} of {points:,} points", file=sys.stderr)
    return 1 if missing else 0


def _portions(blocks: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Cut blocks where a function is slow, so that each is done in about a `TURN`; whole blocks where it is not."""
    size = FIRST
    for block in blocks:
        first = 0
        while first < len(block[0]):
            start = monotonic()
            yield [column[first : first + size] for column in block]
            taken = monotonic() - start
            first += size
            if taken > TURN:
                size = max(size // 4, 1)
            elif taken < TURN / 4:
                size = min(4 * size, BLOCK)


def _differentiated(
    f: Callable[..., Any], block: Sequence[Any], wrt: tuple[int, ...], options: dict[str, Any], name: str
) -> list[Any]:
    """Columns of results for a block."""
    from ..differentiation.derivatives import derivative
    from ..evaluation.signatures import PerformanceWarning

    try:
        with warnings.catch_warnings(record=True) as heard, aside():
            warnings.simplefilter("always")
            found = derivative(f, *block, wrt=wrt, **options)
    except Exception as problem:
        if within(problem) and not isinstance(problem, TypeError):
            raise Mistake(str(problem)) from problem
        raise Mistake(f"{name} raised {where_raised(problem)}") from problem
    for warning in heard:
        _warn(str(warning.message), issubclass(warning.category, PerformanceWarning))
    if not options["full_output"]:
        return list(found)
    return [part for one in found for part in (one.df, one.error, one.status)]


@cache
def _warn(text: str, slow: bool) -> None:
    """Tell once of what may make the numbers wrong, and of slowness where somebody waits."""
    if not slow or sys.stderr.isatty():
        print(f"fastgrad: warning: {text}", file=sys.stderr)


def _chosen(source: Source, given: argparse.Namespace) -> list[int]:
    """Which columns are the arguments."""
    known = source.columns
    if given.columns is None:
        return list(range(len(known)))
    found = []
    for name in given.columns:
        if name in known:
            found.append(known.index(name))
        elif name.isdecimal() and int(name) < len(known):
            found.append(int(name))
        else:
            raise Mistake(f"--columns: {given.input} has no column {name!r}; it has {', '.join(known)}.")
    return found


def _apart(given: argparse.Namespace) -> None:
    """Refuse to put the derivatives in place of the points."""
    if "-" not in (given.input, given.output) and Path(given.output).exists():
        if Path(given.output).samefile(given.input):
            raise Mistake(f"--output {given.output} is --input, and the points would be lost; give it another name.")


def _indices(wrt: Sequence[int], arguments: int) -> tuple[int, ...]:
    for i in wrt:
        if not -arguments <= i < arguments:
            raise Mistake(f"--wrt must be from 0 to {arguments - 1} for {arguments} argument(s); got {i}.")
    return tuple(i % arguments for i in wrt)


def _names(wrt: Sequence[int], columns: Sequence[str], full: bool) -> list[str]:
    """Name the columns of the result."""
    tails = [""] if len(wrt) == 1 else [f"_{columns[i]}" for i in wrt]
    if len(set(tails)) < len(tails):
        raise Mistake("--wrt names an argument twice; leave it out once.")
    return [name + tail for tail in tails for name in (("df", "error", "status") if full else ("df",))]


@contextmanager
def _progress(rows: int | None) -> Iterator[Callable[[int], None]]:
    """Give a function that shows how far it is on one line of a terminal; in a pipe it shows nothing."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    start = shown = monotonic()

    def tell(done: int) -> None:
        nonlocal shown
        now = monotonic()
        if now - shown > PAUSE:
            shown = now
            pace = done / (now - start)
            rest = f" of {rows:,}, {max(rows - done, 0) / pace:,.0f} s to go" if rows else ""
            sys.stderr.write(f"\r\x1b[K{done:,} points{rest} ({pace:,.0f}/s)")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if shown > start:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
