"""Tests of the ways to run a caller's function against each other, at a few of the caller's points.

Compiled Python is not always Python: whole numbers wrap around at 64 bits where Python's grow. A function that is not
elementwise changes its value at a point when others stand beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Array, Function, Operand
from .results import numbers
from .signatures import select, stack_depth
from .user_calls import probe

#: Points of a batch that are compared.
_POINTS = 4

#: Where along a batch points are taken from, in an order that no sorted batch keeps and whose middle is not the middle
#: of the batch. Seven: few functions of one number hold a vector of that length, which would only seem to mix.
_FRACTIONS = np.array([0.62, 0.0, 1.0, 0.31, 0.83, 0.12, 0.95])

#: Values that differ by less, as a share of themselves and of how far the values of the block lie apart, mean the same:
#: a solver's tolerance. The offsets of a single point lie so close together that only the latter tells them apart.
_SHARE = 1e-3

#: Rounding relative to the largest value, in float64 and for values that are all of float32.
_ROUNDING, _SINGLE = 1e-9, 1e-5

#: How often a call is repeated to see whether the difference is noise, and how many times the noise is too much for it.
_REPEATS, _NOISES = 8, 10.0

#: A function of one row of operands, compiled and called as it is.
Pair = tuple[Function, Function]

_MESSAGE = (
    "`f` is not elementwise: its value at a point changes when others stand beside it, as in x / np.sum(x). {}For a "
    "function of a vector use `gradient` or `jacobian`."
)


def sample(operands: Sequence[Operand]) -> Iterator[list[Operand]]:
    """Rows of operands that broadcast together, at a few points spread over the batch."""
    shape = np.broadcast_shapes(*map(np.shape, operands))
    size = int(np.prod(shape))
    for i in sorted({(k * size) // (_POINTS - 1) - (k == _POINTS - 1) for k in range(_POINTS)}) if size else []:
        where = np.unravel_index(i, shape)
        yield [np.broadcast_to(o, shape)[where] for o in operands]


def is_close(value: ArrayLike, truth: object, tolerance: float, strict: bool = False) -> bool:
    """Whether values agree relative to the largest; `strict` if they must be finite at the same places."""
    value, truth = np.ravel(value), numbers(truth).ravel()
    if value.size != truth.size or (truth.dtype.kind == "c" and value.dtype.kind != "c"):
        return False
    finite = np.isfinite(truth)
    if strict and (np.isfinite(value) != finite).any():
        return False
    size = float(np.max(np.abs(truth), initial=0.0, where=finite))
    with np.errstate(all="ignore"):
        return not (np.abs(value * 1.0 - truth * 1.0) > tolerance * size).any()  # NaN where both are infinite


def agrees(compiled: Function, python: Function, rows: Iterator[list[Operand]]) -> bool:
    """Tell whether compiled code and Python agree at most of the `rows`.

    At most and not at all, because values of noise, or slopes at a kink, may differ by chance.
    """
    votes = []
    with np.errstate(all="ignore"):
        for row in rows:
            truth, error = probe(python, *row)
            value = compiled(*row)
            if error is not None:  # as Python it may raise where compiled it returns infinity or NaN, but no number
                if np.isfinite(value):
                    votes.append(False)
            else:
                votes.append(is_close(value, truth, 1e-3))
    return 2 * sum(votes) >= len(votes)


def mixes(f: Function, arguments: Sequence[Operand], values: ArrayLike) -> bool | None:
    """Tell whether `values`, those of `f` at a block of points, differ from what it returns for some of the points.

    Two more calls tell: with the last point alone, and with some of the points in another order. A function of noise,
    which does not return the same values again, is not said to mix. None if no point is finite; ValueError when `f`
    mixes the points and does not take one point alone.
    """
    arrays = [a for a in arguments if isinstance(a, np.ndarray) and a.ndim]
    finite = np.flatnonzero(np.all([np.isfinite(a) for a in arrays], axis=0))
    if finite.size == 0:
        return None
    values = np.broadcast_to(values, arrays[0].shape).copy()
    last, some = finite[-1:], finite[np.rint(_FRACTIONS * (finite.size - 1)).astype(int)]
    some = some[np.sort(np.unique(some, return_index=True)[1])]

    def alone() -> Array:
        return numbers(f(*[select(a, last[0]) for a in arguments])).ravel()

    def repeated() -> Array:
        copies = [np.full(np.size(a), select(a, last[0])) if np.ndim(a) else a for a in arguments]
        return numbers(f(*copies)).ravel()[-1:]

    def reordered() -> Array:
        return numbers(f(*[select(a, some) for a in arguments]))

    takes_one = True
    for call, places in (alone, last), (repeated, last), (reordered, some):
        if call is repeated and takes_one:
            continue
        with np.errstate(all="ignore"):
            other, error = probe(lambda call=call, size=places.shape: np.broadcast_to(call(), size).copy())
        if error is not None:  # it may take nothing but arrays, or only so many points
            takes_one = takes_one and call is not alone
            continue
        if differ(other, values[places], call, values):
            if not takes_one:
                raise ValueError(_MESSAGE.format(""))
            return True
    return False


def differ(values: Array, others: Array, again: Callable[[], Array], block: Array) -> bool:
    """Tell whether two ways to call `f` gave different values; `again` repeats the call that gave `values`.

    `block` holds the values at all points compared.
    """
    with np.errstate(all="ignore"):
        values, others, block = 1.0 * values, 1.0 * others, 1.0 * np.ravel(block)
        block = block[np.isfinite(block)]
        apart = np.max(np.abs(block - block[0])) if block.size else np.inf
        single = block.astype(np.complex64 if block.dtype.kind == "c" else np.float32)
        rounding = _SINGLE if np.array_equal(single, block) else _ROUNDING
        bound = _SHARE * np.minimum(np.abs(values), apart) + rounding * np.max(np.abs(block), initial=0.0)
        same = (np.abs(values - others) <= bound) | ~np.isfinite(values)
        if np.all(same):
            return False
        noise = 0.0
        for _ in range(_REPEATS):
            repeated, error = probe(again)
            if error is not None:  # it did not raise before: no function of the points
                return False
            gaps = np.abs(1.0 * repeated - values)
            noise = max(noise, float(np.max(gaps, initial=0.0, where=np.isfinite(values))))
        return not np.all(same | (np.abs(values - others) <= _NOISES * noise))


def warn() -> None:
    """Warn that `f` mixes its points, and say what is done about it."""
    warnings.warn(_MESSAGE.format("It is differentiated as a function of one number. "), stacklevel=stack_depth())


def warn_of_mixing(f: Function, arguments: Sequence[Operand], wrt: int) -> bool:
    """Warn if `f` of several points together is not what it is of each: a sum, a softmax, a running total.

    Compiled for one number it is another function. Return whether it mixes its points.
    """
    shape = np.broadcast_shapes(*map(np.shape, arguments))
    places = np.rint(_FRACTIONS * (int(np.prod(shape)) - 1)).astype(int)
    block = [
        np.broadcast_to(a, shape).ravel()[places].astype(np.float64) if i == wrt or np.ndim(a) else a
        for i, a in enumerate(arguments)
    ]

    def alone() -> Array:
        return numbers([f(*(select(a, k) for a in block)) for k in range(places.size)]).ravel()

    with np.errstate(all="ignore"):
        values, error = probe(lambda: (alone(), numbers(f(*block))))
    if error is not None:  # it takes one number at a time, and then it cannot mix them
        return False
    one_by_one, together = values
    mixing = together.shape in ((), one_by_one.shape) and differ(one_by_one, together, alone, together)
    if mixing:
        warn()
    return mixing
