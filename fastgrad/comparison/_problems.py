"""A problem: a function, its points, its formula as text, and its true derivative.

The truth is a closed form, else it is computed by mpmath, else by the adaptive rule. A copy of the function for mpmath
is believed only where its values are those of the original.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf, log, nan
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._signals import reraise_if_signal
from .._typing import Argument, Arguments, Array, FloatArray, Interval
from ..arguments import argument, argument_index, common_shape
from ..corpus import BITS, Case, differentiate, evaluate, slope_scale
from ..corpus.translation import Untranslatable, for_mpmath
from ..differentiation.derivatives import derivative
from ..evaluation.signatures import check_call
from ..gates import GATES, Gate
from ._methods import Elementwise

#: Intervals for the arguments of a gate, where its domain alone would lead to a pole or to overflow.
WINDOWS: dict[str, tuple[Interval, ...]] = {
    "divide": ((-10.0, 10.0), (0.5, 10.0)),
    "power": ((0.5, 5.0), (-3.0, 3.0)),
    "log": ((0.1, 10.0),),
    "sqrt": ((0.1, 10.0),),
    "soft_not": ((0.0, 1.0),),
    **dict.fromkeys(("soft_or", "soft_and", "soft_xor", "soft_xand"), ((0.0, 1.0), (0.0, 1.0))),
}

#: Gates that are not symmetric in their two arguments; the others are differentiated in the first alone.
ASYMMETRIC = ("subtract", "divide", "power", "soft_xand")

#: Longer formulas are left out: they cannot be read at a glance.
LONGEST = 160

#: Points at which errors are taken: more would move no quantile, and take longer than the timed run.
JUDGED = 50_000

#: Points at which mpmath computes the truth, and how long it may take.
POINTS, SECONDS = 1000, 10.0

#: How well values of mpmath must agree with the original, relative to ``|f| + |x f'|``: loose, since `f` may cancel.
AGREEMENT = 1e-6

#: The derivative, NaN where there is none; the local slope that errors are relative to; the source in words.
Truth = tuple[FloatArray, FloatArray, str]


@dataclass(frozen=True)
class Problem:
    """An elementwise function with the points to differentiate it at."""

    name: str
    f: Elementwise
    #: For each argument the interval that its points are drawn from, evenly; ``low == high`` is a constant.
    domain: tuple[Interval, ...] = ()
    #: The derivative in closed form, of the same arguments, on arrays. Without it the truth is computed.
    exact: Elementwise | None = None
    #: The argument to differentiate in.
    wrt: int = 0
    #: The part of the report it belongs to: "gate", "function" or "yours".
    group: str = "function"
    #: Whether the logarithm of the points is drawn evenly instead.
    log: bool = False
    #: Points to take instead of drawing any, an array for each argument.
    given: Arguments = field(default=(), repr=False, compare=False)

    def size(self, count: int) -> int:
        """Return the number of points that ``points(count)`` has."""
        if self.given:
            return min(size_of(self.given), count)
        return count if any(low < high for low, high in self.domain) else 1

    def points(self, count: int) -> Arguments:
        """Return arguments for `count` points, the same ones every time; at most `count` of `given`."""
        if self.given:
            return head(self.given, count)
        random = np.random.default_rng(2024)
        spread, back = (log, np.exp) if self.log else (float, np.asarray)
        return tuple(low if low == high else back(random.uniform(spread(low), spread(high), count))
                     for low, high in self.domain)  # fmt: skip


def gate_problems() -> tuple[Problem, ...]:
    """Return one problem for every gate that has a derivative; two for an asymmetric one."""
    problems = []
    for gate in GATES:
        if hasattr(gate, "__not_differentiable__"):
            continue
        asymmetric = gate.__name__ in ASYMMETRIC
        for wrt in range(gate.nin if asymmetric else 1):
            name = f"{gate.__name__}, {('first', 'second')[wrt]}" if asymmetric else gate.__name__
            exact = partial(_called, gate.partials.formulas[wrt])
            problems.append(Problem(name, gate, window(gate), exact, wrt, "gate"))
    return tuple(problems)


def _called(formula: Elementwise, *args: Argument) -> Array:
    """Evaluate a formula that is not worth compiling, on arrays where it takes them."""
    try:
        return np.asarray(formula(*args), dtype=np.float64)
    except (TypeError, ValueError):
        values: Array = np.vectorize(formula, otypes=[np.float64])(*args)
        return values


def window(gate: Gate) -> tuple[Interval, ...]:
    """Return the intervals for a gate's arguments: its domain, cut to -10 ... 10, or an entry of `WINDOWS`."""
    cut = tuple((max(low, -10.0), min(high, 10.0)) for low, high in gate.domain)
    return WINDOWS.get(gate.__name__, cut)


def problem_of(f: object, points: object = None, domain: Sequence[Interval] = (), wrt: int = 0) -> Problem:
    """Make a problem of the caller's own function; a gate brings its own derivative.

    `points` is one array, or a tuple of arrays, one for each argument; without it they are drawn from `domain`.
    """
    if isinstance(f, Problem):
        return f
    if not callable(f):
        raise TypeError(f"`functions` must be callable; got {f!r:.80}. Pass the function itself, not its value.")
    columns = () if points is None else _columns(points)
    domain = tuple(map(_interval, domain))
    if isinstance(f, Gate) and not columns and not domain:
        domain = window(f)
    arguments = len(columns) or len(domain)
    if not arguments:
        raise ValueError(
            f"`points` must say where to differentiate {name_of(f)}; got none. Pass an array of points, "
            "or `domain=[(low, high)]`."
        )
    check_call(f, arguments)
    wrt = argument_index(wrt, arguments)
    exact = f.partials[wrt] if isinstance(f, Gate) else None
    return Problem(name_of(f), f, () if columns else domain, exact, wrt, "yours", given=columns)


def _columns(points: Any) -> Arguments:
    """Return points for each argument: vectors of one length, and numbers for arguments that are constant."""
    several = isinstance(points, tuple) or (isinstance(points, list) and any(map(np.ndim, points)))
    arrays = [argument(a, "points") for a in (points if several else (points,))]
    shape = common_shape(arrays)
    if 0 in shape or not shape:
        raise ValueError(f"`points` must hold some points; got shape {shape}. Pass a vector for each argument.")
    return tuple(np.broadcast_to(a, shape).ravel() if np.ndim(a) else a for a in arrays)


def _interval(pair: Interval) -> Interval:
    """Check an entry of `domain`."""
    low, high = pair if np.shape(pair) == (2,) else (nan, nan)
    if not (low <= high and high - low < inf):
        raise ValueError(
            f"`domain` must hold a finite pair (low, high) for each argument; got {pair!r:.80}. Pass [(0, 1)]."
        )
    return float(low), float(high)


def name_of(f: object) -> str:
    """Return the name of a function for the tables."""
    return str(getattr(f, "__name__", "") or type(f).__name__)


def head(args: Arguments, count: int) -> Arguments:
    """Return the first points; numbers stay."""
    return tuple(a[:count] if np.ndim(a) else a for a in args)


def size_of(args: Arguments) -> int:
    """Return the number of points."""
    return max(map(np.size, args), default=0)


def broadcast(values: ArrayLike, size: int) -> FloatArray:
    """Return one float64 for every point, in memory of its own."""
    return np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), size))


def formula_of(f: Elementwise) -> str:
    """Return the expression of a lambda or the statements of a short function; "" where unknown or too long."""
    code: Any = getattr(inspect.unwrap(getattr(f, "formula", f)), "__code__", None)
    places = [place for place in code.co_positions() if place[3]] if code else []  # what has no width is no source
    if not places:
        return ""
    first, last = min((p[0], p[2]) for p in places), max((p[1], p[3]) for p in places)
    lines = [line.encode() for line in linecache.getlines(code.co_filename)[first[0] - 1 : last[0]]]
    if not lines:
        return ""
    lines[-1] = lines[-1][: last[1]]  # columns count bytes
    lines[0] = b" " * first[1] + lines[0][first[1] :]
    source = textwrap.dedent(b"".join(lines).decode())
    try:
        body = ast.parse(f"({source})" if code.co_name == "<lambda>" else source).body
    except SyntaxError:  # the file is another one by now
        return ""
    text = "; ".join(map(ast.unparse, body)).replace("return ", "")
    return "" if "\n" in text or len(text) > LONGEST else text


def truth_of(problem: Problem, args: Arguments, on_arrays: Elementwise) -> Truth:
    """Return the truth at as many of the points `args` as take bearable time; `on_arrays` is the function."""
    if problem.exact is not None:
        few = head(args, JUDGED)
        df, values = (broadcast(g(*few), size_of(few)) for g in (problem.exact, on_arrays))
        return df, _scale(problem, df, values, problem.exact, few), "closed form"
    few = head(args, POINTS)
    values = broadcast(on_arrays(*few), size_of(few))
    try:
        return *true_derivative(problem.f, few, problem.wrt, values), "mpmath, 1000 bits"
    except Untranslatable as refusal:
        reason = f" (mpmath: {refusal})"
    except ImportError:
        reason = " (mpmath is not installed)"

    def adaptive(*args: Argument) -> Argument:
        return derivative(problem.f, *args, wrt=problem.wrt)

    df = broadcast(adaptive(*few), values.size)
    return df, _scale(problem, df, values, adaptive, few), f"adaptive, itself inexact{reason}"


def _scale(problem: Problem, df: FloatArray, values: FloatArray, slope: Elementwise, args: Arguments) -> FloatArray:
    """Return the slope scale at derivatives `df` and values of the function; `corpus` has it in high precision."""
    wrt = problem.wrt
    x = np.asarray(args[wrt], dtype=np.float64)
    apart = np.where(x == 0.0, 2.0**-10, x * 2.0**-10)
    below, above = (np.abs(slope(*args[:wrt], x + d, *args[wrt + 1 :])) for d in (-apart, apart))
    mean = np.nan_to_num(broadcast(below + above, df.size) / 2, nan=0.0, posinf=0.0)
    rounding = np.nan_to_num(1e-9 * np.abs(values) / np.maximum(np.abs(x), 1.0), nan=0.0, posinf=0.0)
    scale: FloatArray = np.maximum.reduce([np.abs(df), mean, rounding])
    return np.maximum(scale, 1e-300)


def true_derivative(f: Elementwise, args: Arguments, wrt: int, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return derivative and slope scale by mpmath, at as many first points as `POINTS` and `SECONDS` allow.

    Raises `Untranslatable` when mpmath cannot evaluate `f`, or gets other values than `values`, those in float64.
    """
    import mpmath as m

    copy = for_mpmath(f)
    rows = zip(*(a[:POINTS].tolist() for a in np.broadcast_arrays(*args)), strict=True)
    results = []
    start = perf_counter()
    for row, value in zip(rows, values.tolist(), strict=False):
        with m.workprec(BITS):
            results.append(_at_point(copy, row, wrt, value))
        if len(results) % 100 == 0 and perf_counter() - start > SECONDS:
            break
    df, scale = np.array(results).T
    if not np.isfinite(df).any():
        raise Untranslatable("it has no derivative at any of the points")
    return df, scale


def _at_point(copy: Elementwise, row: tuple[float, ...], wrt: int, value: float) -> tuple[float, float]:
    """Return derivative and slope scale at one point, after a comparison of the value with that in float64."""
    import mpmath as m

    def exact(m: ModuleType, x: Argument) -> Argument:
        return copy(*(x if i == wrt else m.mpf(number) for i, number in enumerate(row)))

    case, x = Case("", "", copy, (), exact), row[wrt]
    try:
        y = evaluate(case, m, m.mpf(x))
        if y is None:
            return math.nan, math.nan
        slope = differentiate(case, m, m.mpf(x))[0]
        true_value, df = float(y), math.nan if slope is None else float(slope)
        scale = slope_scale(case, m, x, value, df)
    except Untranslatable:
        raise
    except Exception as problem:  # whatever a function written for floats does with other numbers
        reraise_if_signal(problem)
        raise Untranslatable(f"mpmath's numbers raise {type(problem).__name__}: {problem}") from problem
    size = abs(value) + abs(x * df if math.isfinite(df) else 0.0)
    if math.isfinite(value) and not abs(true_value - value) <= AGREEMENT * size + 1e-300:
        raise Untranslatable(f"at {x:.6g} mpmath gets {true_value:.10g}, float64 gets {value:.10g}")
    return df, scale
