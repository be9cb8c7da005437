"""What mistakes in a derivative have in common: at most one kind of mistake, and one place.

Repairs (sign, factor, power, offset, order, arguments, calls) yield texts with the values that would be right: look at
constants, the chain rule, indices. With a third item a repair may also be right only where something is wrong; the item
ends the text then. `_symptoms` has what else wrong values look like (look at detached parts, float32), and where they
are (look at branches, masks, one formula).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from .._typing import Array, Index
from ..estimates import Status
from . import _symptoms as symptoms
from ._comparison import ALIKE, Comparison, Pattern, coordinates, describe_factor, median

#: Powers of an argument that may be missing, or too much.
POWERS = (1.0, 2.0, 3.0, 0.5, -1.0, -2.0, -3.0, -0.5)

#: Axes up to this length are tried as matrices.
LONGEST = 10_000

Repairs = Iterator[tuple[str, Array | None] | tuple[str, Array | None, str]]


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
    """Exchange two arguments of the analytic function."""
    args, names = c.problem.args, c.names
    first = int(c.problem.of != "derivative")  # a vector is not exchanged with other arguments
    for i in range(first, len(args) if callable(c.analytic.source) else 0):
        for k in range(first, i):
            exchanged = list(args)
            exchanged[i], exchanged[k] = args[k], args[i]
            yield f"right with {names[k]} and {names[i]} exchanged: swapped arguments", c.analytic.at(exchanged)


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


def _orders(marked: Index, size: int, what: str) -> Iterator[tuple[str, Index]]:
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


#: What would make values right that are wrong in the first six digits; the first that fits counts.
REPAIRS: tuple[Callable[[Comparison], Repairs], ...] = (
    direct, swapped_args, factor, power, offset, reordered,
    one_by_one,
)  # fmt: skip


def repaired(c: Comparison) -> str | None:
    """Find the first repair that makes all values right that are decided, or with an ending all that are wrong."""
    decided = c.gross | (c.decided & (c.numerical.status != Status.KINK))
    for repair in REPAIRS:
        for text, values, *ending in repair(c):
            if values is None:
                continue
            if c.like(values)[decided].all():
                return text
            if ending and c.like(values)[c.gross].all():
                return text + ending[0]
    return None


#: Kinds of mistakes in the first six digits, and in later ones; places of mistakes. The first that fits counts.
KINDS: tuple[Pattern, ...] = (
    repaired, symptoms.constant, symptoms.elsewhere, symptoms.slight, symptoms.mixes_points, symptoms.factor_in_part,
    symptoms.dependence,
)  # fmt: skip
SLIGHT_KINDS: tuple[Pattern, ...] = (symptoms.single_precision, symptoms.slight)
PLACES: tuple[Pattern, ...] = (
    symptoms.at_kinks, partial(symptoms.few_places, most=1), symptoms.around_the_diagonal, symptoms.beyond_a_threshold,
    symptoms.few_places,
)  # fmt: skip


def patterns(comparison: Comparison) -> tuple[str, ...]:
    """Describe what the mistakes have in common; empty if nothing is wrong, or if no pattern fits."""
    c, texts = comparison, list[str]()
    if not c.disagrees.any():
        return ()
    for name, is_kind in (("NaN", np.isnan), ("infinite", np.isinf)):
        if count := np.count_nonzero(is_kind(c.values) & c.disagrees):
            texts.append(f"{name} at {count} of {c.values.size} entries where `f` has a derivative on one side or both")
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        is_slight = 2 * np.count_nonzero(c.gross) <= np.count_nonzero(c.wrong)
        for candidates, wrong in ((SLIGHT_KINDS if is_slight else KINDS, c.wrong), (PLACES, c.disagrees)):
            fitting = (text for pattern in candidates if wrong.any() and (text := pattern(c)))
            texts += [text for text in (next(fitting, None),) if text]
    return tuple(texts)
