"""``fastgrad check``: is a derivative right, and where is it wrong."""

from __future__ import annotations

import argparse
import json
import warnings
from typing import Any

import numpy as np

from .errors import Mistake
from .options import DOMAIN, add_json, add_points, aside, command, count_of, say, whole
from .targets import columns_of, fits, loaded, one_place, where_raised, within

EXAMPLES = """\
examples:
  fastgrad check mymodule:f mymodule:df --domain -3 3
  fastgrad check model.py:price model.py:vega \\
      --domain 50 150 --domain 0.1 0.5 --wrt 1
  fastgrad check model.py:loss model.py:gradient \\
      --of gradient --dimension 20 --domain -2 2
  fastgrad check fastgrad.gates:power       a gate brings its own partials

exit status: 0 when nothing disagrees, 1 when something does, 2 when nothing
could be decided or the call is wrong
"""

#: Points of a check.
CHECKED = 1000


def register(commands: Any) -> None:
    """Add the command."""
    parser = command(
        commands, "check", "check a derivative: is it right, and where is it wrong",
        "Check an analytic derivative against the numerical one and its error bar.", EXAMPLES, run,
    )  # fmt: skip
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="the function, or FILE.py:FUNCTION")
    parser.add_argument("analytic", nargs="?", metavar="MODULE:DERIVATIVE",
                        help="its derivative, of the same arguments; a gate or a circuit brings its own")
    parser.add_argument("--of", default="derivative", choices=("derivative", "gradient", "jacobian", "hessian"),
                        help="what the second function is of the first (default: derivative)")
    add_points(parser, "take the points from a file (.npy, .csv, .parquet): one column for each argument or coordinate",
               f"{DOMAIN}, or once for all coordinates")
    parser.add_argument("--dimension", type=int, metavar="D", help="length of the vector, for a gradient and the like")
    parser.add_argument("--wrt", type=int, nargs="+", default=[0], metavar="I",
                        help="the argument to differentiate in, from 0; with several the derivative returns a tuple")
    parser.add_argument("-n", "--points-count", type=whole, metavar="N", help=f"points to draw (default: {CHECKED})")
    add_json(parser, "what was found")  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Check, and print what was found."""
    from ..gradcheck import check

    f = loaded(given.function)
    analytic = loaded(given.analytic) if given.analytic else None
    if analytic is None and not hasattr(type(f), "partials"):
        raise Mistake(f"name the derivative of {given.function}, too; only gates and circuits bring their own.")
    args = _places(given)
    if args and given.of == "derivative":
        fits(f, len(args), given.function, "; give one --domain for each, or one column of --points")
        fits(analytic or f, len(args), given.analytic or given.function, f", those of {given.function}")
    wrt: Any = given.wrt[0] if len(given.wrt) == 1 else tuple(given.wrt)
    if analytic is not None and not args:
        raise Mistake(f"say where to check {given.function}: --domain LOW HIGH, or --points FILE.")
    try:
        with warnings.catch_warnings(), aside():
            warnings.simplefilter("ignore")  # standard error is for mistakes; a slow check is not one
            found = check(f, analytic, *args, of=given.of, wrt=wrt)
    except Exception as problem:
        raise Mistake(str(problem) if within(problem) else f"the check raised {where_raised(problem)}") from problem
    say(json.dumps(found.to_dict(), indent=1) + "\n" if given.json else f"{found!r}\n")
    return 1 if found.counts["DISAGREES"] else 0 if found else 2


def _places(given: argparse.Namespace) -> tuple[Any, ...]:
    """Where to check: columns for a derivative, rows of a table for a gradient; none for a gate's own domain."""
    count = count_of(given, CHECKED, 1, f"{CHECKED} points")
    if given.dimension is not None and given.dimension < 1:
        raise Mistake(f"--dimension must be at least 1; got {given.dimension}.")
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
