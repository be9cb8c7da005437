"""``fastgrad check``: compares an analytic derivative with the numerical one."""

from __future__ import annotations

import argparse
import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .options import DOMAIN, Mistake, add_points, check_count, check_points, command, redirect_prints, write_output
from .targets import check_arguments, describe_error, is_ours, load_function, read_columns

if TYPE_CHECKING:
    from .options import Subcommands

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

#: Default count of points.
COUNT = 1000


def register(commands: Subcommands) -> None:
    """Add the command."""
    texts = ("check a derivative: is it right, and where is it wrong",
             "Check an analytic derivative against the numerical one and its error bar.", EXAMPLES)  # fmt: skip
    parser = command(commands, "check", texts, run, "the result")
    parser.add_argument("function", metavar="MODULE:FUNCTION", help="the function, or FILE.py:FUNCTION")
    parser.add_argument("analytic", nargs="?", metavar="MODULE:DERIVATIVE",
                        help="its derivative, of the same arguments; a gate or a circuit brings its own")
    parser.add_argument("--of", default="derivative", choices=("derivative", "gradient", "jacobian", "hessian"),
                        help="what the second function is of the first (default: derivative)")
    add_points(parser, f"points to draw (default: {COUNT})",
               "take the points from a file (.npy, .csv, .parquet): one column for each argument or coordinate",
               f"{DOMAIN}, or once for all coordinates")
    parser.add_argument("--dimension", type=int, metavar="D", help="length of the vector, for a gradient and the like")
    parser.add_argument("--wrt", type=int, nargs="+", default=[0], metavar="I",
                        help="the argument to differentiate in, from 0; with several the derivative returns a tuple"
                        )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Check, and print the result."""
    from ..gradcheck import check

    f = load_function(args.function)
    analytic = load_function(args.analytic) if args.analytic else None
    if analytic is None and not hasattr(type(f), "partials"):
        raise Mistake(f"name the derivative of {args.function}, too. Only gates and circuits bring their own.")
    points = _points(args)
    if points and args.of == "derivative":
        check_arguments(f, len(points), args.function)
        name = args.analytic or args.function
        check_arguments(analytic or f, len(points), name, f", those of {args.function}")
    if analytic is not None and not points:
        raise Mistake(f"say where to check {args.function}: --domain LOW HIGH, or --points FILE.")
    wrt: Any = args.wrt[0] if len(args.wrt) == 1 else tuple(args.wrt)
    try:
        with warnings.catch_warnings(), redirect_prints():
            warnings.simplefilter("ignore")  # standard error is for mistakes; a slow check is none
            result = check(f, analytic, *points, of=args.of, wrt=wrt)
    except Exception as error:
        raise Mistake(str(error) if is_ours(error) else f"the check raised {describe_error(error)}") from error
    write_output(json.dumps(result.to_dict(), indent=1) + "\n" if args.json else f"{result!r}\n")
    return 1 if result.counts["DISAGREES"] else 0 if result else 2


def _points(args: argparse.Namespace) -> tuple[Any, ...]:
    """Return columns for a derivative, one table for a gradient; nothing for the domain of a gate."""
    count = check_count(args, COUNT, 1, f"{COUNT} points")
    if args.dimension is not None and args.dimension < 1:
        raise Mistake(f"--dimension must be at least 1; got {args.dimension}. Give the length of the vector.")
    check_points(args)
    if args.points:
        columns = read_columns(args.points, args.points_count)
    else:
        domain = args.domain * (args.dimension or 1) if len(args.domain) == 1 else args.domain
        random = np.random.default_rng(2024)
        columns = tuple(random.uniform(low, high, count) for low, high in domain)
    if args.of != "derivative" and len(columns) == 1 and args.dimension is None and args.domain:
        raise Mistake("say how long the vector is: --dimension D, or one --domain for each coordinate.")
    if args.dimension is not None and (args.of == "derivative" or len(columns) != args.dimension):
        raise Mistake(
            f"--dimension {args.dimension} goes with --of gradient, jacobian or hessian, and one --domain or "
            f"{args.dimension} of them; got --of {args.of} and {len(columns)} columns."
        )
    return columns if args.of == "derivative" or not columns else (np.stack(columns, axis=-1),)
