"""Checks of the caller's arguments: every message names the argument, the rule, the value and the remedy."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ._parallel import cores
from ._typing import Array, Function, Shape
from .array_kinds import MASKED, REFUSED, kinds, unreadable

P = ParamSpec("P")
R = TypeVar("R")

_DOUBLE = np.dtype(np.float64)


class SeveralResults(ValueError):
    """A function of numbers returned another shape than that of its arguments: perhaps an array for each point."""


def argument(value: object, name: str) -> Any:
    """Return `value` as a number or an array of real numbers."""
    if type(value) is int and abs(value) < 1 << 53:
        return value
    array = value if type(value) is np.ndarray else _as_array(value, name)
    if array.dtype.char == "g":  # long double: a ufunc takes it for float64 only when told to
        array = array.astype(np.float64)
    if array.dtype.kind in "fiub":
        return array if array.ndim else array[()]
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(
                f"`{name}` must be below 1.8e308; got an int of {value.bit_length()} bits. Scale the function."
            ) from None
    got = f"one of dtype {array.dtype}" if array.ndim or array.dtype != object else f"a {type(value).__name__}"
    raise TypeError(f"`{name}` must be an array of real numbers; got {got}. {_remedy(value, array)}")


def _remedy(value: object, array: Array) -> str:
    """Say how to make real numbers of a value that is none."""
    if array.dtype.kind == "c":
        return "Differentiate the real and the imaginary part."
    if array.dtype.kind in "mM":
        return "Say in what unit, and from when: `(t - t[0]) / np.timedelta64(1, 's')`."
    if array.dtype.names:
        return "Pass its fields one by one, or `numpy.lib.recfunctions.structured_to_unstructured(x)`."
    if array.ndim and array.dtype == object and None in array.ravel().tolist():
        return "Write NaN for None; as a bound, an infinity."
    if array.ndim:
        return "Convert it to float64."
    return "Pass `float(x)`." if hasattr(value, "__float__") else "Pass a number, a list of numbers or an array."


def _as_array(value: object, name: str) -> Array:
    """Make an array of `value`."""
    if kinds[type(value)] in (REFUSED, MASKED):
        raise unreadable(value, name)
    try:
        array = np.asarray(value)
    except ValueError as err:
        raise ValueError(f"`{name}` must be a number or an array ({err}). Give all rows one length.") from None
    # of rows, NumPy reads the numbers and drops units and masks
    if array.ndim > 1 and (type(value) is list or type(value) is tuple):
        for row in value:
            if kinds[type(row)] in (REFUSED, MASKED):
                raise unreadable(row, name)
    return array


def check_vector(x: Array | float, name: str = "x") -> None:
    """Check that `x` is not a single number."""
    if np.ndim(x) == 0:
        raise ValueError(
            f"`{name}` must be a vector, or an array with the vectors on its last axis; got the number {x}. "
            "Use `derivative` for functions of a number, or pass [x]."
        )


def result_kind(operands: Sequence[ArrayLike]) -> np.dtype[np.floating]:
    """Type of the result: float32 and float16 stay, everything else counts as float64."""
    for operand in operands:
        if isinstance(operand, (np.ndarray, np.generic)):
            break
    else:
        return _DOUBLE
    kind = np.result_type(*operands)
    return kind if kind in (np.float32, np.float16) else _DOUBLE


def positive_step(value: object, name: str) -> float | Array:
    """Check a step, absolute or relative."""
    if type(value) is float and 0.0 < value < inf:
        return value
    array = _as_array(value, name)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"`{name}` must be a real number or an array of them; got {value!r:.80}. Pass, say, 1e-5.")
    array = array.astype(np.float64)
    good = (array > 0) & (array < inf)
    if not good.all():
        worst = array[~good].ravel()[0]
        raise ValueError(
            f"`{name}` must be positive and finite; got {worst}. Leave it out to have it chosen per point."
        )
    return array if array.ndim else float(array)


def given_step(step: object, rel_step: object) -> tuple[str, float | Array | None]:
    """Check the step: whether it is absolute or relative, and how long; or that it is to be chosen."""
    if step is None and rel_step is None:
        return "auto", None
    if step is not None and rel_step is not None:
        raise ValueError("`step` and `rel_step` exclude each other; got both. Leave one out.")
    if rel_step is None:
        return "absolute", positive_step(step, "step")
    return "relative", positive_step(rel_step, "rel_step")


def checked_bounds(bounds: object) -> tuple[Array, Array]:
    """Check `bounds` and return them as two float64 arrays or numbers."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
        bounds = tuple(b.item() if np.size(b) == 1 else b for b in (bounds.lb, bounds.ub))
    pairs = isinstance(bounds, list) and all(isinstance(b, tuple) and len(b) == 2 for b in bounds)
    if pairs:  # two of them would be taken for (low, high) without a word
        raise TypeError(
            f"`bounds` must be a pair (low, high); got a list of pairs, {bounds!r:.80}. If they are SciPy's, one for "
            "each coordinate, pass tuple(zip(*bounds))."
        )
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise TypeError(f"`bounds` must be a pair (low, high); got {bounds!r:.80}. Pass for instance (0, np.inf).")
    ends = [end if b is None else b for b, end in zip(bounds, (-inf, inf), strict=True)]
    low, high = (np.asarray(argument(end, f"bounds[{i}]")) for i, end in enumerate(ends))
    if not np.all(np.less_equal(low, high)):
        raise ValueError("`bounds` must have low <= high everywhere; got some the other way round, or NaN. Swap them.")
    return low, high


def argument_index(wrt: object, nargs: int) -> int:
    """Check `wrt` and return it counted from the front."""
    if type(wrt) is int and 0 <= wrt < nargs:
        return wrt
    if isinstance(wrt, (bool, np.bool_)) or not isinstance(wrt, (int, np.integer)):
        raise TypeError(f"`wrt` must be the index of an argument, or a tuple of them; got {wrt!r}. Pass 0, or (0, 1).")
    if not -nargs <= wrt < nargs:
        count = f"{nargs} argument{'s' * (nargs != 1)}"
        raise ValueError(f"`wrt` must be from {-nargs} to {nargs - 1} for {count}; got {wrt}. Count from 0.")
    return int(wrt) % nargs


def threads(workers: object) -> int:
    """Check `workers` and return the number of threads."""
    if workers is None:
        return cores()
    if isinstance(workers, (bool, np.bool_)) or not isinstance(workers, (int, np.integer)):
        raise TypeError(f"`workers` must be a whole number or None; got {workers!r}. Leave it out to use all cores.")
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1; got {workers}. Leave it out to use all cores.")
    return int(workers)


def common_shape(operands: Sequence[ArrayLike]) -> Shape:
    """Shape that all operands broadcast to."""
    shapes = [shape for o in operands if (shape := np.shape(o))]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = ", ".join(map(str, shapes))
        raise ValueError(
            f"`args` and steps must broadcast together; got shapes {listed}. Add axes of length 1."
        ) from None


def checked_out(out: object, shape: Shape, kinds: str = "fc") -> None:
    """Check that a result of `shape` fits into `out`."""
    if not isinstance(out, np.ndarray) or out.dtype.kind not in kinds:
        what = f"an array of {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"`out` must be an ndarray of floats; got {what}. Make it with np.empty({shape}).")
    if out.shape != shape:
        raise ValueError(f"`out` must have the shape of the result, {shape}; got {out.shape}. Use np.empty({shape}).")
    if not out.flags.writeable:
        raise ValueError("`out` must be writeable; got a read-only array. Pass a copy.")


#: Keywords of other libraries: the parameter that a function has to have here, and what to write instead.
_KEYWORDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ["epsilon", "eps", "h", "dx", "delta", "abs_step", "base_step", "initial_step"],
        ("step", "Pass an absolute step as `step`, a relative one as `rel_step`, or leave it out."),
    ),
    **dict.fromkeys(["argnum", "argnums", "argnames"], ("wrt", "Pass the index of the argument as `wrt`.")),
    **dict.fromkeys(
        ["tolerances", "rtol", "atol", "tol", "maxiter", "num_steps", "step_ratio", "step_factor", "richardson_terms"],
        ("method", "Pass `method=fastgrad.adaptive(rtol=1e-8)` for a tolerance; the steps are found at every point."),
    ),
    **dict.fromkeys(["n", "nu", "deriv"], ("method", "Pass `method=fastgrad.adaptive(n=2)` for a second derivative.")),
    **dict.fromkeys(["order", "acc", "centered"], ("method", "Pass, say, `method=fastgrad.central(order=4)`.")),
    **dict.fromkeys(
        ["side", "direction", "step_direction", "one_sided"],
        ("method", 'Pass `method=fastgrad.adaptive(side="right")`, or "forward" or "backward".'),
    ),
    **dict.fromkeys(
        ["preserve_shape", "vectorized", "axis"],
        ("full_output", "Leave it out: how `f` takes points, and the shape of its results, are found out."),
    ),
    **dict.fromkeys(["kwargs", "kwds", "kw"], ("f", "Pass `functools.partial(f, **kwargs)` as `f`.")),
}


def explains_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Let a public function say what to write instead of a keyword that it does not take."""

    @functools.wraps(function)
    def explained(*args: P.args, **named: P.kwargs) -> R:
        try:
            return function(*args, **named)
        except TypeError:
            for name in named:
                if name not in _keywords(function):
                    raise TypeError(_unknown_keyword(function, name)) from None
            parameters = inspect.signature(function).parameters.values()
            first = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
            if len(args) > len(first) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
                named_only = ", ".join(f"`{p.name}`" for p in parameters if p.kind is p.KEYWORD_ONLY)
                raise TypeError(
                    f"`{function.__name__}` takes at most {len(first)} arguments without names, {', '.join(first)}; "
                    f"got {len(args)}. Name the others: {named_only}."
                ) from None
            raise

    return explained


def _keywords(function: Function) -> list[str]:
    """List the keywords that a function takes."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _unknown_keyword(function: Function, name: str) -> str:
    """Say that a function does not take a keyword, and what to write instead."""
    own, keywords = function.__name__, _keywords(function)
    if name in ("args", "x") and "args" in inspect.signature(function).parameters:  # it takes ``*args``
        points = ", ".join(["f", *(["df"] if "analytic" in keywords else []), "x", "a"])
        remedy = f"Pass the points and further arguments of `f` without names: `{own}({points})`."
    else:
        needed, remedy = _KEYWORDS.get(name, ("", ""))
        if needed not in keywords:
            remedy = f"It takes {', '.join(f'`{k}`' for k in keywords)}."
    return f"`{own}` takes no keyword `{name}`. {remedy}"
