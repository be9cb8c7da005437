"""Error bounds for stencils, at a fixed number of evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial
from typing import NamedTuple

import numpy as np

from .._typing import Array, FloatArray, Index, Mask, Selection
from ..estimates import Estimate, Status
from ..rules.stencil_codegen import combine, steps
from ..rules.stencils import Stencil

#: Spacing of the noise probes relative to ``max(|x|, 1)``. Third differences of a smooth function vanish at this
#: distance (1e-18), so what is left of them is the noise of `f`: of its rounding, of float32 or a solver inside it.
#: A finer spacing would miss noise that comes in plateaus, a power of two rounding that is the same at every probe.
_PROBE = 1.1547005383792515 * 2.0**-20
_PROBES = 9

#: The bound is this many times the difference of neighbouring orders, for where the second derivative jumps the fourth
#: order keeps two thirds of the error of the second; and this many standard deviations of the noise, which is known
#: from half a dozen samples only.
_SAFETY, _DEVIATIONS = 3.0, 5.0

#: Noise of more than this share of the range of the closely spaced values may be an oscillation between them.
_UNRESOLVED = 2.0**-10

#: An oscillation is a straight line over so many values that are this much closer together: the change over them is so
#: many times their second differences and their rounding. Noise is no line, and rounding to float32 has no slope.
_VALUES, _CLOSER, _STRAIGHT = 5, 2.0**-25, 64.0

#: ``f(positions, index, beside)``: values at positions, the indices of the points they belong to, and whether they are
#: beside the points.
PointValues = Callable[[FloatArray, Index, bool], Array]


class Points(NamedTuple):
    """Points at which functions of a number are differentiated, with steps and bounds: arrays of one length, or None.

    A step is the one of a stencil, as `mode` understands it, or the largest of the adaptive rule.
    """

    x: FloatArray
    mode: str = "auto"
    step: FloatArray | None = None
    low: FloatArray | None = None
    high: FloatArray | None = None

    @property
    def absolute_step(self) -> FloatArray | None:
        """The step in units of the points."""
        step, is_relative = self.step, self.mode == "relative"
        return step * np.maximum(np.abs(self.x), 1.0) if step is not None and is_relative else step

    @property
    def has_limits(self) -> bool:
        """Whether a step or a bound is given."""
        return not (self.step is self.low is self.high is None)

    def at(self, where: Selection) -> Points:
        """Select some of the points."""
        step, low, high = (None if a is None else a[where] for a in (self.step, self.low, self.high))
        return Points(self.x[where], self.mode, step, low, high)


#: Values by the offset from the points.
ByOffset = dict[Fraction, Array]


class _Values(NamedTuple):
    """Values at multiples of two distances from points: of the step, and of that of the closely spaced probes."""

    h: FloatArray
    coarse: ByOffset
    probe: FloatArray
    fine: ByOffset
    inside: Mask
    """Where the point is finite and all positions are within the bounds; elsewhere values are NaN."""


def estimate_by_stencil(f: PointValues, stencil: Stencil, kind: str, points: Points) -> tuple[Estimate, Mask]:
    """Differentiate by a stencil, with error bounds; tell where the stencil leaves the domain of `f` or the bounds.

    The bound adds up two parts. Truncation: the difference from the stencil of the next order at the same step, or from
    the slope at the closely spaced points where that is certain to differ: no stencil sees what happens within a step.
    Rounding: the noise of `f`, measured by differences of high order at closely spaced points (More and Wild,
    "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011), times the weights. A symmetric stencil at a kink
    shows in its one-sided slopes, which stay apart when the distance shrinks.
    """
    x, n = points.x, stencil.n
    has_sides = n == 1 and _is_symmetric(stencil)
    wide = _next_order(stencil)
    v = _evaluated(f, (stencil, wide), kind, points)
    df, better = (combine(s, [v.coarse[o] for o in s.needed], v.h) for s in (stencil, wide))
    noise = _noise([*v.fine.values()])
    gap_at_h, corner = _slopes_apart(v.coarse, v.h) if has_sides else (None, None)
    error = _bound(v, stencil, (df, better), noise, corner)
    span = np.ptp(np.array([*v.fine.values()]), axis=0)
    unresolved = np.flatnonzero(v.inside & (span > 0) & (noise > _UNRESOLVED * span) & (kind == "d"))
    if unresolved.size:
        least = _oscillation_error(f, unresolved, n, v, x, df)
        error[unresolved] = np.fmax(error[unresolved], least)
    error[np.isnan(error)] = np.inf  # the next order leaves the domain although the stencil does not
    status = np.full(x.size, Status.CONVERGED, dtype=np.int8)
    scale = np.maximum(np.abs(df), np.abs(v.coarse[Fraction(0)]) / np.maximum(np.abs(x), 1.0) ** n)
    status[~(error <= 1e-2 * scale)] = Status.TOLERANCE_NOT_REACHED
    left, right = df.copy(), df.copy()
    if gap_at_h is not None:
        kink, fall, rise, off = _kinks(v.fine, v.probe, v.h, noise, gap_at_h)
        # the derivative stays the stencil's, as without a bound, which covers the mean of the two sides
        error[kink] = (off + np.abs((rise + fall) / 2 - df))[kink]
        left[kink], right[kink] = fall[kink], rise[kink]
        status[kink] = Status.KINK
    bad = ~np.isfinite(df)
    error[bad], status[bad] = np.inf, Status.NONFINITE
    left[bad] = right[bad] = np.nan
    nfev = np.where(v.inside, len(v.coarse) + len(v.fine) - 1, 0).astype(np.int32)
    nfev[unresolved] += 2 * _VALUES
    outside = bad & np.isfinite(x) & (~v.inside if points.mode != "auto" else True)
    return Estimate(df, error, status, status == Status.CONVERGED, nfev, left, right), outside


def _is_symmetric(stencil: Stencil) -> bool:
    return stencil.offsets[0] == -stencil.offsets[-1]


def _evaluated(f: PointValues, stencils: tuple[Stencil, Stencil], kind: str, points: Points) -> _Values:
    """Evaluate at all offsets of a stencil and of that of the next order, and at the closely spaced points."""
    x, low, high = points.x, points.low, points.high
    every, stencil = np.arange(x.size), stencils[0]
    h = steps(stencil, kind, x, points.step, points.mode)
    probe = _PROBE * np.maximum(np.abs(x), 1.0)
    first = -(_PROBES // 2) if _is_symmetric(stencil) else 0 if stencil.offsets[-1] > 0 else 1 - _PROBES
    fine = [Fraction(first + k) for k in range(_PROBES)]
    offsets = sorted({*(o for s in stencils for o in s.needed), Fraction(0)})
    inside = np.isfinite(x)
    if low is not None and high is not None:
        reach = [(h, offsets[0]), (h, offsets[-1]), (probe, fine[0]), (probe, fine[-1])]
        inside &= np.all([(x + float(o) * d >= low) & (x + float(o) * d <= high) for d, o in reach], axis=0)

    def values_at(offset: Fraction, distance: FloatArray) -> Array:
        positions = x + float(offset) * distance if offset else x.copy()
        values = np.full(x.size, np.nan, dtype=np.complex128 if kind == "D" else np.float64)
        values[inside] = f(positions[inside], every[inside], bool(offset))
        return values

    at_points = values_at(Fraction(0), h)
    coarse, close = (
        {o: values_at(o, distance) if o else at_points for o in multiples}
        for multiples, distance in ((offsets, h), (fine, probe))
    )
    return _Values(h, coarse, probe, close, inside)


def _bound(
    v: _Values, stencil: Stencil, derivatives: tuple[Array, Array], noise: FloatArray, corner: FloatArray | None
) -> FloatArray:
    """Add up truncation and rounding; `derivatives` are those of the stencil and of that of the next order."""
    df, better = derivatives
    weight = sum(abs(float(w)) for w in stencil.weights) / v.h**stencil.n
    # where values grow over a step, as x**2 does beside 0, those at its end round more than the probes show
    rounding = np.maximum(noise, _rounding([v.coarse[o] for o in stencil.needed]))
    error = _SAFETY * np.abs(better - df) + _DEVIATIONS * rounding * weight
    close, unsure = _close_slopes(v.fine, stencil.n, _is_symmetric(stencil), v.probe, noise)
    gap = np.abs(close - df)
    if corner is not None:
        # a curve too leaves a gap behind; on smooth functions it was 70,000 times the error of the sixth order
        error = np.maximum(error, np.fmin(corner / 2, gap + unsure))
    bound: FloatArray = np.maximum(error, np.where(gap > unsure, gap + unsure, 0.0))
    return bound


def _next_order(stencil: Stencil) -> Stencil:
    """Stencil of a higher order on the same side."""
    first, last = stencil.offsets[0], stencil.offsets[-1]
    if _is_symmetric(stencil):
        return Stencil((*stencil.offsets, first - 1, last + 1), stencil.n)
    return Stencil((*stencil.offsets, first - 1 if last <= 0 else last + 1), stencil.n)


def _close_slopes(
    values: ByOffset, n: int, symmetric: bool, probe: FloatArray, noise: FloatArray
) -> tuple[Array, FloatArray]:
    """Differentiate by the closely spaced points, all of them and the inner half: derivative and its uncertainty.

    The uncertainty is infinite from the third derivative on, which noise drowns at that distance.
    """
    if n > 2:
        return np.zeros_like(probe), np.full_like(probe, np.inf)
    far = max(values) if symmetric or max(values) > 0 else min(values)
    ends = [far, far / 2]
    rules = [Stencil((-e, 0, e) if symmetric else (0, e / 2, e), n) for e in ends]
    outer, inner = (combine(r, [values[o] for o in r.needed], probe) for r in rules)
    gain = sum(float(w) ** 2 for w in rules[0].weights) ** 0.5
    unsure = _SAFETY * np.abs(outer - inner) + _DEVIATIONS * noise * gain / probe**n
    if symmetric and n == 1:
        bends = [(values[e] - 2 * values[Fraction(0)] + values[-e]) / (float(e) * probe) for e in ends]
        unsure = unsure + np.abs(2 * bends[1] - bends[0])  # both miss a corner nearer than the inner half
    return outer, unsure


def _oscillation_error(f: PointValues, index: Index, n: int, v: _Values, x: FloatArray, df: Array) -> FloatArray:
    """Bound the error of `df` at `index` where `f` oscillates between the closely spaced points; 0 where it is unknown.

    The slope is measured at the point, and at the last of the closely spaced ones. An oscillation of amplitude a and
    slope s has n-th derivatives of about ``s**n / a**(n - 1)``.
    """
    x, probe, df = (a[index] for a in (x, v.probe, df))
    fine, places = [*v.fine], []
    for end in (Fraction(0), fine[-1] if fine[0] == 0 else fine[0]):
        inward = _CLOSER * probe if end < fine[-1] else -_CLOSER * probe
        points = [x + float(end) * probe + k * inward for k in range(_VALUES)]
        values = np.array([f(p, index, True) for p in points])
        distance, change = points[-1] - points[0], values[-1] - values[0]
        bend = np.max(np.abs(np.diff(values, 2, axis=0)), axis=0) + 4 * _rounding(list(values))
        unsure = (_VALUES - 1) ** 2 / 2 * bend / np.abs(distance)  # the line is the tangent at its middle
        places.append((change / distance, unsure, np.abs(change) > _STRAIGHT * bend, values[0]))
    (slope, unsure, here, first), (other, _, there, second) = places
    if n == 1:
        error = np.abs(slope - df) + unsure
    else:
        amplitude = np.maximum(np.abs(first - second) / 2, np.finfo(np.float64).tiny)
        error = np.fmax(np.abs(slope), np.abs(other)) ** n / amplitude ** (n - 1)
    return np.where(here | there, error, 0.0)


def _slopes_apart(values: ByOffset, h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Measure how far the slopes ahead and behind are apart, and how much of that is a corner within the stencil.

    For a smooth function the gap between them is in proportion to the distance. What is left when it is extrapolated
    to 0 from the two nearest pairs of offsets is a corner, which no order of the stencil sees.
    """
    near, far = sorted(o for o in values if o > 0 and -o in values)[:2]
    narrow, wide = ((values[o] - 2 * values[Fraction(0)] + values[-o]) / (float(o) * h) for o in (near, far))
    return np.abs(narrow), np.abs(float(far) * narrow - float(near) * wide) / float(far - near)


def _kinks(
    values: ByOffset, probe: FloatArray, h: FloatArray, noise: FloatArray, gap_at_h: FloatArray
) -> tuple[Mask, Array, Array, FloatArray]:
    """Find kinks among points with closely spaced `values`: where, slopes on the left and on the right, uncertainty.

    The slopes of a smooth function approach each other in proportion to the distance; at a kink the gap between them is
    the same as at the distance of the stencil.
    """
    end = max(values)
    reach = float(end) * probe
    fall, rise = (values[Fraction(0)] - values[-end]) / reach, (values[end] - values[Fraction(0)]) / reach
    gap, noisy = np.abs(rise - fall), 100 * noise / probe
    apart = (gap > 0.7 * gap_at_h) & (gap > 0.01 * (np.abs(rise) + np.abs(fall))) & (gap > noisy)
    return apart & (reach <= 0.6 * h), fall, rise, noisy + np.abs(gap - gap_at_h)


def _noise(values: Sequence[Array]) -> FloatArray:
    """Measure the noise in equidistant values: root mean square of their differences of order 3 and 4.

    The two halves are measured apart, so that a kink in the middle is not taken for noise.
    """
    middle = len(values) // 2
    squares: FloatArray | float = 0.0
    for half in (values[: middle + 1], values[middle:]):
        for order in (3, 4):
            gain = factorial(order) ** 2 / factorial(2 * order)
            squares = squares + gain * np.mean(np.abs(np.diff(np.array(half), order, axis=0)) ** 2, axis=0) / 4
    return np.maximum(np.sqrt(squares), np.maximum(_rounding(values), _quantum(values) / 12**0.5))


def _quantum(values: Sequence[Array]) -> FloatArray:
    """Find the power of two of which all values are multiples: near 0, the rounding of the terms that cancelled there.

    Nine equidistant values of a straight line may all be rounded alike, and then show no noise. Values that are all the
    same say nothing: a constant may be a round number.
    """
    parts = np.array([part for v in values for part in ((v.real, v.imag) if np.iscomplexobj(v) else (v,))])
    quantum = np.zeros(parts.shape[1])
    # a coarse quantum shows in the last bits of the first value; examining all values took half the time
    some = np.flatnonzero(parts[0].view(np.int64) & 7 == 0)
    if some.size:
        parts = parts[:, some]
        mantissa, exponent = np.frexp(parts)
        whole = np.where(np.isfinite(parts), mantissa * 2.0**53, 0.0).astype(np.int64)
        lowest = np.where(whole != 0, np.ldexp((whole & -whole).astype(np.float64), exponent - 53), np.inf).min(axis=0)
        quantum[some] = np.where(np.isfinite(lowest) & (np.ptp(parts, axis=0) > 0), lowest, 0.0)
    return quantum


def _rounding(values: Sequence[Array]) -> FloatArray:
    """Estimate how far the largest of some values is rounded, even where they are subnormal."""
    double = np.finfo(np.float64)
    largest: FloatArray = np.max(np.abs(np.array(values)), axis=0)
    return double.eps / 4 * largest + double.smallest_subnormal
