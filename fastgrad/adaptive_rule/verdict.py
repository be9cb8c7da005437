"""Verdicts: whether a round settles a point, or finer or wider steps may improve its bound."""

from __future__ import annotations

import math

from ..compilation.rows import Row, Rows, Select
from .extrapolation import LevelTable
from .judge import Judgement
from .quotients import Series, larger
from .rounding import ROUNDING
from .rule import HIGHEST

OPEN, DONE, FINER, NEARBY, WIDER = range(5)
"""Not settled; done; the steps were too wide; done unless steps of the size of the point resolve more; done, but
rounding leaves so much that wider steps may be better."""

BEST = 1e-13
"""Relative bound that finer steps would not improve."""
FINE = 5e-11
"""Relative bound at which a round is done; a shorter one is not worth another round."""
SHORT = {1: 1e-8, **{n: 10.0 ** (-10 + n) for n in range(2, HIGHEST + 1)}}
"""Relative bound, by order, at which a bound limited by rounding is short enough."""
LONG = 1e-6
"""The last search takes bounds that are limited by rounding and longer."""
STATIONARY = 2.0**-7
"""Ratio of the finest to the widest secant; near a zero of third order it is 2^-8, of second order 2^-4."""
NOISY = 2.0**7
"""Multiple of the bound that rounding leaves beyond which finer steps have to tell noise from waves."""
SMALL = 2.0**-12
"""Nearer to 0, steps of the scale 1 do not resolve a function that varies over the size of the point."""
JUMP = 2.0**-14
"""Jumps beyond a window that are smaller than this share of the change of `f` are those of iterations."""
SHAKEN = 2.0**18
"""Noise of one value after extrapolation to wider steps, with a safety factor of a few."""


def verdict(select: Select, table: LevelTable, x: Row, y: Row, values: Rows, judgement: Judgement) -> Row:
    """Decide whether a point is done or needs other steps."""
    n, last = table.n, table.extrapolated - 1
    best, truncation, rounding_bound, is_structure, is_behind_kink, s = judgement
    zero = 0.0 * best.span
    differs = values[-1] != y
    if table.two_sided:
        differs = differs | (values[-2] != y)
    is_short = best.ranking_bound <= best.local * FINE
    # finer steps hardly improve a bound that rounding leaves
    is_limited = (best.ranking_bound <= best.local * max(SHORT[n], LONG)) & (best.bound <= rounding_bound * 3.0)
    is_limited = is_limited | ((best.ranking_bound <= best.local * (FINE * 8.0)) & (best.bound <= rounding_bound * 8.0))
    done = (is_short | is_limited) & differs & (best.bound < math.inf)
    if n > 1:
        # noise beyond rounding may be waves that are shorter than all steps but the probe
        done = done & ~(best.bound - truncation > rounding_bound * NOISY)
    # Where the slope vanishes beside that over the widest step, terms of that size may have been rounded inside `f`,
    # as in x - sin(x) at 1e-3. Only the digits of the values show it, which the last search takes into account.
    far, near = s.secant[0], s.secant[last]
    for _ in range(n - 1):
        far, near = far / s.h[0], near / s.h[last]
    done = done & ~((abs(best.df) + near < far * STATIONARY) & (far < math.inf))
    # what leaves a window at its own steps and not at the probe is structure, not noise
    dominated = truncation * 2.0 > best.ranking_bound
    is_structure = is_structure | dominated
    size = abs(x)
    beside_zero = (size > 0.0) & (size < SMALL)
    edge = ~(best.ranking_bound < math.inf) & ((abs(s.main[-1]) < math.inf) | beside_zero)
    # x**2 at 1e-28: values near x are so small that steps of the size of x resolve much more
    nearby = beside_zero & (best.bound > abs(best.df) * BEST)
    bound = best.bound
    for _ in range(n):
        bound = bound * size
    nearby = nearby & (abs(y) * (128 * ROUNDING) < bound)
    if n == 1 and not table.two_sided:
        # x / (1 + abs(x)) at 1e-10 from the left: the kink at 0 is nearer than any step of the scale
        nearby = nearby | (beside_zero & (abs(y) < size * abs(best.df) * 16.0))
    if table.condition < 1.0:
        # equal to f(x) at all steps of the first round, as an entry of a jacobian that does not depend on a coordinate
        flat = values[0] == y
        for row in values[1:]:
            flat = flat & (row == y)
        done, nearby = done | flat, nearby & ~flat
    is_wide = ~is_short & (best.ranking_bound > best.local * SHORT[n])
    finished = select(nearby, zero + float(NEARBY), select(is_wide, zero + float(WIDER), zero + float(DONE)))
    if is_behind_kink is not None:
        done, is_structure = done & ~is_behind_kink, is_structure | is_behind_kink
    if n == 1 and table.two_sided:
        jump = _is_jump(select, table, x, s, values)
        done, is_structure, edge = done & ~jump, is_structure & ~jump, edge & ~jump
    unfinished = select((is_structure | edge) & differs, zero + float(FINER), zero + float(OPEN))
    return select(done, finished, unfinished)


def _is_jump(select: Select, table: LevelTable, x: Row, s: Series, values: Rows) -> Row:
    """Whether a small jump separates the levels, as that of an iteration that stops earlier or later.

    For a smooth function the leading coefficient is the same whichever level is added to the finest four. For a jump
    the widest level shows at most half of what the next one shows. The probe shows the noise.
    """
    coefficients, deviations = _leading(table, s.main)
    change = abs(values[2] - values[3])
    size = s.largest[0] + abs(x) * change / (s.h[1] * 2.0)
    noise = larger(select, deviations[2] * s.h[-1] * 1.4142, size * ROUNDING)
    jump = deviations[1] * s.h[1]
    is_jump = (jump > noise * SHAKEN) & (jump < change * (64 * JUMP)) & (coefficients[0] < coefficients[1] * 0.75)
    # where the leading coefficient of a smooth function passes 0, that of the even part does not
    even, _ = _leading(table, s.other)
    return is_jump & (even[0] < even[1] * 0.75)


def _leading(table: LevelTable, series: Rows) -> tuple[list[Row], list[Row]]:
    """Sizes of the leading coefficient with the widest level, the next and the probe, and of the deviations there."""
    rows = series[table.extrapolated - 4 : table.extrapolated]
    coefficients, deviations = [], []
    for level, (weights, own) in zip((0, 1, len(table.steps) - 1), table.leading, strict=True):
        total = (series[level] - rows[-1]) * own
        for w, row in zip(weights[:-1], rows[:-1], strict=True):
            total = total + (row - rows[-1]) * w
        coefficients.append(abs(total))
        deviations.append(abs(total) * abs(1.0 / own))
    return coefficients, deviations
