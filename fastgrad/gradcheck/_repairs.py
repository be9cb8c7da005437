"""What would make wrong values right: another sign, a factor, another order, other arguments, another call.

A repair yields texts with the values that would be right. With a third item it may also be right only where something
is wrong; the item ends the text then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._comparison import ALIKE, Comparison, coordinates, median

#: Factors that are often forgotten, and their names.
FACTORS: dict[str, float] = {
    **{str(k): float(k) for k in range(2, 13)}, "pi": math.pi, "2 pi": 2 * math.pi, "4 pi": 4 * math.pi,
    "sqrt(pi)": math.sqrt(math.pi), "sqrt(2 pi)": math.sqrt(2 * math.pi), "sqrt(2)": math.sqrt(2), "e": math.e,
    "log(2)": math.log(2), "log(10)": math.log(10), "180/pi, degrees for radians": 180 / math.pi,
    "100, percent": 100.0, "1000": 1000.0, "3/2": 1.5, "4/3": 4 / 3, "1e6": 1e6,
}  # fmt: skip

#: Integers up to here are named as such, or as one over them: a count that is missing, or one too much.
LARGEST = 10_000

#: Powers of an argument that may be missing, or too much.
POWERS = (1.0, 2.0, 3.0, 0.5, -1.0, -2.0, -3.0, -0.5)

#: Vectors up to this length are tried with every pair of coordinates exchanged, axes up to this one as matrices.
PAIRS = 8
LONGEST = 10_000

Repairs = Iterator[tuple[str, Any] | tuple[str, Any, str]]


def direct(c: Comparison) -> Repairs:
    """Try the values of the first call, with the points in another order; another sign; a transposed jacobian."""
    if c.analytic.first is not None:
        text = "right at a first call, wrong at a second with the points in another order: it remembers the first"
        yield text, c.analytic.first
    yield "sign flipped", -c.values, " where it is wrong"
    if c.problem.of == "jacobian" and c.values.shape[-1] == c.values.shape[-2]:
        yield "transposed", np.swapaxes(c.values, -1, -2)
        yield "transposed, sign flipped", -np.swapaxes(c.values, -1, -2)


def swapped_args(c: Comparison) -> Repairs:
    """Exchange two arguments, or coordinates, of the analytic function."""
    args, names, is_vector = c.problem.args, c.names, c.problem.of != "derivative"
    if not callable(c.analytic.source):
        return
    for i in range(int(is_vector), len(args)):  # the vector is not exchanged with other arguments
        for k in range(int(is_vector), i):
            exchanged = list(args)
            exchanged[i], exchanged[k] = args[k], args[i]
            yield f"right with {names[k]} and {names[i]} exchanged: swapped arguments", c.analytic.at(exchanged)
    size = args[0].shape[-1] if is_vector and args[0].shape[-1] <= PAIRS else 0
    for i in range(size):
        for k in range(i):
            order = np.arange(size)
            order[[i, k]] = k, i
            values = c.analytic.at([args[0][..., order], *args[1:]])
            text = f"right with {names[0]}[{k}] and {names[0]}[{i}] exchanged: swapped arguments"
            yield text, values
            yield text, None if values is None else values[..., order]


def factor(c: Comparison) -> Repairs:
    """Divide by one factor."""
    here = c.gross & (c.values != 0)
    value = None if (c.gross & ~here).any() else median((c.df / c.values)[here])
    name = value and describe_factor(1 / value, c)
    if value and (name or here.sum() >= 2):
        text = f"off by the factor {name or f'{1 / value:.7g}'} (analytic / numerical)"
        yield text, value * c.values, ", where it is wrong"


def power(c: Comparison) -> Repairs:
    """Divide by a power of an argument: mostly an inner derivative of the chain rule."""
    here = c.gross & (c.values != 0)
    if here.sum() < 3 or np.iscomplexobj(c.values):
        return
    for name, x in coordinates(c):
        for exponent in POWERS:
            lost = np.broadcast_to(np.asarray(x, np.float64) ** exponent, c.values.shape)
            value = median((c.df / (c.values * lost))[here]) if np.ptp(lost[here]) else None
            if value is not None:
                size, constant = abs(exponent), value ** math.copysign(1, exponent)
                text = name if size == 1 else f"sqrt({name})" if size == 0.5 else f"{name}**{size:g}"
                times = "" if abs(constant - 1) < ALIKE else f"{describe_factor(constant, c) or f'{constant:.7g}'} * "
                missing = "missing" if exponent > 0 else "too much"
                yield f"the factor {times}{text} is {missing}", c.values * lost * value


def offset(c: Comparison) -> Repairs:
    """Subtract one number."""
    here = c.gross
    if here.sum() < 3 or np.iscomplexobj(c.values) or not c.values[here].any():
        return
    shift = float(np.median((c.values - c.df)[here]))
    if shift and math.isfinite(shift):
        text = f"{abs(shift):.7g} too {'much' if shift > 0 else 'little'}"
        yield text, c.values - shift, ", where it is wrong"


def reordered(c: Comparison) -> Repairs:
    """Put the entries of one axis into another order: swapped, reversed, shifted, transposed as a matrix."""
    for axis in sorted(range(len(c.axes)), key=lambda k: (c.axes[k] == "point", k)):
        what, size = c.axes[axis], c.values.shape[axis]
        marked = np.flatnonzero(np.moveaxis(c.disagrees, axis, 0).reshape(size, -1).any(axis=1))
        for text, order in _orders(marked, size, what):
            if what == "argument":
                names = [c.names[c.problem.wrt[k]] for k in marked]
                text = f"partials with respect to {' and '.join(names)} are swapped"
            yield f"the {text}", np.take(c.values, order, axis)
        for by, lost in ((1, 0), (-1, size - 1)) if what != "argument" and size > 2 else ():
            if np.delete(c.gross, lost, axis).any():
                shifted, end = np.roll(c.values, by, axis), (slice(None),) * axis + (lost,)
                shifted[end] = np.where(np.isfinite(c.df), c.df, c.values)[end]  # the entry at the end is lost
                yield f"the {what}s are shifted by one", shifted


def _orders(marked: Any, size: int, what: str) -> Iterator[tuple[str, Any]]:
    """Yield permutations of an axis of which some indices are `marked` as wrong, and how they read."""
    if marked.size < 2:
        return
    plain = np.arange(size)
    if marked.size == 2:
        order = plain.copy()
        order[marked] = marked[::-1]
        yield f"{what}s {marked[0]} and {marked[1]} are swapped", order
    if what == "argument":
        return
    yield f"{what}s are in reverse order", plain[::-1]
    if what == "point" or size > LONGEST:
        return
    # a transposed block leaves its corners right
    first, last = int(marked[0]), int(marked[-1]) + 1
    blocks = [(first - k, last + k) for k in (0, 1) if first >= k and last + k <= size]
    for a, b in dict.fromkeys([(0, size), *blocks]):
        length, place = b - a, f"{what}s" if (a, b) == (0, size) else f"{what}s {a} to {b - 1}"
        for r in (r for r in range(2, length // 2 + 1) if length % r == 0):
            block = plain[a:b].reshape(r, -1).T.ravel()
            yield f"{place} are transposed, as a matrix of {r} rows", np.concatenate([plain[:a], block, plain[b:]])
        if length % 2 == 0:
            block = np.roll(plain[a:b], length // 2)
            yield f"{place} are swapped, one half for the other", np.concatenate([plain[:a], block, plain[b:]])


def one_by_one(c: Comparison) -> Repairs:
    """Call a function of one vector with one at a time: it makes something else of a batch."""
    if c.problem.batch and c.problem.of != "derivative" and callable(c.analytic.source):
        text = "right when called with one vector at a time: it takes no batch, or mixes the points up"
        yield text, c.analytic.one_by_one()


def describe_factor(value: float, c: Comparison) -> str | None:
    """Name a factor: counts of this batch, constants that are forgotten, arguments that are one number, integers."""
    problem, size = c.problem, abs(value)
    counts = {"the number of points": math.prod(problem.batch)}
    if problem.of != "derivative":
        counts["the number of coordinates"] = problem.args[0].shape[-1]
    if problem.of == "jacobian":
        counts["the number of components"] = c.values.shape[-2]
    minus = "-" if value < 0 else ""
    for what, count in counts.items():
        if count > 2 and abs(size / count - 1) < ALIKE:  # a factor of 2 is that, also where there are two points
            return f"{minus}{count}, {what}"
        if count > 2 and abs(size * count - 1) < ALIKE:
            return f"{minus}1/{count}, one over {what}"
    for name, constant in {**FACTORS, **_scalar_args(c)}.items():
        if abs(size / constant - 1) < ALIKE:
            return f"{minus}{name}"
        if abs(size * constant - 1) < ALIKE:
            number, comma, meaning = name.partition(",")
            return f"{minus}1/{number if number.isalnum() else f'({number})'}{comma}{meaning}"
    for candidate, form in ((size, "{}{}"), (1 / size, "{}1/{}")):
        if 1 < round(candidate) <= LARGEST and abs(candidate / round(candidate) - 1) < ALIKE:
            return form.format(minus, round(candidate))
    return None


def _scalar_args(c: Comparison) -> dict[str, float]:
    """Arguments that are one number, by their names: a scale is easily forgotten."""
    if c.problem.of != "derivative":
        return {}
    sizes = {name: abs(float(a)) for name, a in zip(c.names, c.problem.args, strict=True) if not np.ndim(a)}
    return {name: size for name, size in sizes.items() if 0 < size < math.inf and size != 1}
