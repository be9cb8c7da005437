"""Rounding that error bounds do not know: that of the analytic function, and that inside `f`."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from .._typing import Argument, Array, FloatArray, Mask
from ..estimates import Estimate
from ._analytic import Analytic
from ._problem import CheckProblem, attempt
from ._verdicts import BOUNDS, is_flat

#: The analytic function is evaluated at points moved by these shares of their size, on either side.
MOVES = 4.0 ** -np.arange(25.0, 4.0, -1.0)

#: Four neighbouring moves are a window; what a straight line through its values leaves is rounding or curvature.
WINDOW = 4
_LINE = np.vander(MOVES[:WINDOW] / MOVES[WINDOW - 1], 2)
RESIDUALS = np.eye(WINDOW) - _LINE @ np.linalg.pinv(_LINE)

#: Up to this move curvature is negligible. Beyond, a residual is rounding if it is so many times the largest before:
#: that of a smooth function grows sixteenfold. It counts for so many windows, until steps of rounding are frequent.
STRAIGHT = 2.0**-28
JUMP = 128.0
FREQUENT = 3

#: Relative steps up to so many times the move at which they appear are those of float32 or float16 numbers, or of a
#: table: a mistake, not rounding. Cancellation makes steps that are much larger.
COARSE = 16.0

#: Measured rounding is multiplied by this: the largest of a few values is less than the largest of all.
SAFETY = 8.0

#: Rounding inside `f`, in units of its largest values or terms, over the widest step of the rule.
INSIDE = 2.0**-48

#: Units of rounding that a narrow secant may be off by.
UNITS = 2.0**-48

#: Differences of this order vanish for a smooth function; independent errors give them so many times the standard
#: deviation of one.
ORDER = 8
GAIN = math.comb(2 * ORDER, ORDER) ** 0.5

#: Their spacing, relative to the size of a vector: rounding may be the same over less.
SPACING = 2.0**-14

#: Larger shares of the values of `f` are no rounding, and no tolerance of a solver inside: `f` is not smooth.
INEXACT = 2.0**-26

#: Jumps of more than the first share of the values, further apart than the second, are no rounding to float32.
STAIR, TREAD = 2.0**-18, 2.0**-22

#: Steps of secants, relative to the size of a point; those that are wider than `LOCAL` tell slopes from rounding.
STEPS = 2.0 ** -np.array([1.0, 2, 3, *range(4, 46, 2)])
LOCAL = 2.0**-3

#: An estimate is contested if wider secants agree with the analytic value to this share of the distance between both.
AGREEING = 16.0

#: Where it is contested, the mean of close differences is taken over so many times the step that confirms it, by
#: Gauss's rule, and compared with secants to this share. Where one side is contradicted, the other is tried further.
AROUND = (256.0, 4096.0)
CLOSE = 2.0**-14
RULES = [(np.polynomial.legendre.leggauss(count) + np.array([[1.0], [0.0]])) / 2 for count in (160, 96)]
MEAN = 0.125

#: Multiples of points at which `f` is evaluated for its scale.
MULTIPLES = (0.5, 2.0, -1.0)

#: More wrong entries than these, and than a quarter of all, are not due to the rounding of values.
FEW = 1000


def analytic_rounding(analytic: Analytic) -> FloatArray:
    """Measure the rounding of the analytic values.

    The same formula in longer arithmetic tells it, where the function keeps to that. Else values beside the points tell
    it, on the quieter side: a function that is wrong beyond a point is not rounded. They also count for a function of
    one point, which may mix NumPy with `math`, and that rounds to double.
    """
    if not callable(analytic.source):
        return np.zeros(analytic.shape)
    exact = analytic.in_long_double()
    with np.errstate(all="ignore"):
        off = 0.0 if exact is None else np.abs(analytic.values - exact).astype(np.float64)
        rounding = np.where(np.isfinite(off), off, 0.0)
        if exact is None or analytic.is_single:
            rounding = np.fmax(rounding, np.fmin(*(_roughness(analytic, sign) for sign in (-1, 1))))
    return SAFETY * rounding


def _roughness(analytic: Analytic, sign: int) -> FloatArray:
    """Measure how rough the analytic values are beside the points: what a smooth function cannot be."""
    rough, largest, count = np.zeros(analytic.shape), np.zeros(analytic.shape), np.zeros(analytic.shape, int)
    values: list[Array] = []
    for move in MOVES:
        there = analytic.at(analytic.changed(partial(_scaled, by=sign * move)))
        values = [*values, analytic.values if there is None else there][-WINDOW:]
        if len(values) < WINDOW:
            continue
        residual = np.nan_to_num(np.max(np.abs(np.tensordot(RESIDUALS, values, 1)), axis=0), nan=0.0, posinf=0.0)
        if move > STRAIGHT:
            jump = (residual > JUMP * largest) & (residual > COARSE * move * np.abs(analytic.values))
            count = np.where(jump, FREQUENT, np.maximum(count - 1, 0))
            rough = np.where(count > 0, np.fmax(rough, residual), rough)
        else:
            rough = np.fmax(rough, residual)
        largest = np.fmax(largest, residual)
    return rough


def _scaled(a: Array, by: float) -> Array:
    return (a * (1 + by)).astype(a.dtype)


def rounding_inside(points: CheckProblem, numerical: Estimate, values: Array, suspect: Mask) -> FloatArray:
    """Measure the rounding inside `f` at suspect entries, beyond the error bound; 0 where there is none.

    What `f` computes inside is rounded in units of its largest values and terms, not of its result; a solver ends
    within its tolerance. A bound cannot see it where it is smooth over the steps of the rule: ``u * s @ vt`` of a
    singular value decomposition is the matrix itself up to rounding, which has slopes of its own.

    - Where `f` is constant to its last digit, the scale of its values counts.
    - The largest derivatives of the same result count, and its largest terms ``df/dx * x``: coefficients are rounded.
    - An estimate follows the rounding if the change that it says over the widest step that confirms it is within the
      rounding of the result, as values beside the vector show it; over narrow steps, within that of the largest result.
    - The estimate of a derivative is rounding where wide secants agree with the analytic value and values around
      contradict it. A vector would take some hundred gradients for each entry.
    - A staircase has the derivative 0. What is between its jumps cannot be told: NaN.
    """
    noise = np.zeros(suspect.shape)
    if not suspect.any() or np.iscomplexobj(values) or np.iscomplexobj(numerical.df):
        return noise
    width, off = points.width(), np.abs(values - numerical.df)
    with np.errstate(all="ignore"):
        if points.of != "derivative":
            inner = (-2, -1) if points.of == "hessian" else -1
            sizes = np.where(np.isfinite(numerical.df), np.abs(numerical.df), 0.0)
            largest, term = (np.max(a, axis=inner, keepdims=True) for a in (sizes, sizes * width))
            noise = np.where(suspect, INSIDE * np.fmax(largest, term / width), 0.0)
        if np.count_nonzero(suspect) > max(FEW, suspect.size // 4):
            return noise
        flat = suspect & is_flat(values, numerical)
        scale = _value_scale(points, suspect if points.inner else flat)
        noise = np.where(flat, np.fmax(noise, INSIDE * scale / width), noise)
        if points.of == "hessian":
            return noise
        left = suspect & (off > BOUNDS * noise)
        secants = np.stack([points.slopes(left, method="central", rel_step=step) for step in STEPS])
        reach = _confirmed_reach(secants, numerical.df, off / 2)
        if points.inner:
            rounding = np.fmin(SAFETY * _rounding_of_results(points, left), INEXACT * scale)
            rounding = np.fmax(rounding, np.where(reach < LOCAL, UNITS * scale, 0.0))
            noise = np.where(left & (off * reach * width <= rounding), off, noise)
        contested = left & (reach < LOCAL) & (_confirmed_reach(secants, values, off / AGREEING) > reach)
        if points.of == "derivative" and np.count_nonzero(contested) <= FEW:
            noise = np.where(_contradicts_values(points, contested, np.fmax(reach, STEPS[-1]), values == 0), off, noise)
        stairs = left & (values == 0)
        noise[stairs & (_first_jump(secants) * width > STAIR * _value_scale(points, stairs, ()))] = np.nan
    return noise


def _first_jump(secants: Array) -> FloatArray:
    """Find how far values are apart, per width, over the narrowest step where they are; 0 if float32 has such steps."""
    first = len(STEPS) - 1 - np.argmax(secants[::-1] != 0, axis=0)
    jumps = 2 * STEPS[first] * np.abs(np.take_along_axis(secants, first[None], axis=0)[0])
    return np.where(STEPS[first] > TREAD, jumps, 0.0)


def _confirmed_reach(secants: Array, df: Array, close: FloatArray) -> FloatArray:
    """Find the widest step whose secant is `close` to `df`; 0 where there is none."""
    near = np.abs(secants - df) <= close
    near = near[:-1] & near[1:]  # one can be close by chance
    steps = STEPS[:-1].reshape(-1, *[1] * np.ndim(df))
    reach: FloatArray = np.max(np.where(near, steps, 0.0), axis=0)
    return reach


def _contradicts_values(points: CheckProblem, where: Mask, reach: FloatArray, is_zero: Mask) -> Mask:
    """Tell where the mean of the derivative estimated over an interval is not the slope of the secant.

    Where ``1 - cos(x)`` is rounded to one number over an interval, its estimates are 0, and it jumps at the ends.
    Secants of many waves agree with 0, and the nodes may not resolve the waves. Where the analytic value `is_zero` the
    mean has to be about the same with fewer nodes, therefore.
    """
    sides = np.zeros((2, *where.shape), bool)  # both count: a pole contradicts on one side
    for around in AROUND:
        open_ = where & ~sides.all(axis=0) & (sides.any(axis=0) | (around == AROUND[0]))
        steps = np.fmin(around * reach, STEPS[0])
        for step in np.unique(steps[open_]):
            here = open_ & (steps == step)
            for k, method in enumerate(("backward", "forward")):
                secant = points.slopes(here, method=method, rel_step=step)
                mean, other = (
                    points.slopes(here, (2 * k - 1) * step * nodes, weights, method="central", rel_step=CLOSE * step)
                    for nodes, weights in RULES
                )
                apart = np.abs(mean - secant)
                is_resolved = ~is_zero | (np.abs(mean - other) < MEAN * apart)
                sides[k] |= is_resolved & (apart > MEAN * np.fmax(np.abs(mean), np.abs(secant)))
    contradicted: Mask = sides[0] & sides[1]
    return contradicted


def _value_scale(points: CheckProblem, where: Mask, multiples: tuple[float, ...] = MULTIPLES) -> FloatArray:
    """Find the largest value of `f` at and around each point with an entry `where`; 0 elsewhere."""
    scale = np.zeros((math.prod(points.batch), *[1] * points.inner))
    for k in _indices(points, where):
        scale[k] = max(_largest_value(points, points.point(k, by)) for by in (1.0, *multiples))
    return scale.reshape((*points.batch, *scale.shape[1:]))


def _rounding_of_results(points: CheckProblem, where: Mask) -> FloatArray:
    """Measure the rounding of each result of `f` beside each vector with an entry `where`, on the quieter side."""
    noise = np.zeros((math.prod(points.batch), *where.shape[len(points.batch) : -1], 1))
    for k in _indices(points, where):
        sides = [attempt(partial(_differences, points, k, sign)) for sign in (-1.0, 1.0)]
        if measured := [s for s in sides if s is not None]:
            noise[k] = np.nan_to_num(np.min(measured, axis=0)).reshape(noise[k].shape)
    return noise.reshape((*points.batch, *noise.shape[1:]))


def _indices(points: CheckProblem, where: Mask) -> list[int]:
    """Return the indices of the points with an entry `where`."""
    other = tuple(axis for axis in range(where.ndim) if axis not in points.point_axes)
    return [int(k) for k in np.flatnonzero(where.any(axis=other))]


def _differences(points: CheckProblem, k: int, sign: float) -> FloatArray:
    """Return the largest difference of high order of each result on one side of a vector.

    Each coordinate moves by another share of its size: the rounding of large ones shows in every result.
    """
    shares = 1 / (1 + np.arange(points.vectors.shape[-1]) * math.pi % 1)
    moves = sign * SPACING * np.arange(3 * ORDER // 2)
    values = [np.ravel(points.f(*points.point(k, 1 + move * shares))) for move in moves]
    differences: FloatArray = np.max(np.abs(np.diff(values, ORDER, axis=0)), axis=0) / GAIN
    return differences


def _largest_value(points: CheckProblem, args: list[Argument]) -> float:
    """Return the largest absolute value of `f` at one point; 0 where it raises or is not finite."""

    def largest() -> float:
        values = np.abs(np.asarray(points.f(*args)))
        return float(np.max(values, initial=0.0, where=np.isfinite(values)))

    return attempt(largest) or 0.0
