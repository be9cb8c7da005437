r"""
The adaptive rule
=================

The default method finds the step by itself, at every point. This page shows what it sees at five points of five
functions, and how it comes to a value and an error bar.

The idea
--------

Let :math:`D(h) = (f(x + h) - f(x - h)) / 2h`. For a smooth function it is a power series in :math:`h^2`:

.. math::

    D(h) = f'(x) + a_1 h^2 + a_2 h^4 + \cdots

1. **Levels.** Evaluate :math:`D` at several steps, mostly powers of two.
2. **Windows.** Take a few neighbouring levels and remove the first terms of the series: this is Richardson's
   extrapolation. Each window gives one candidate for the derivative.
3. **Noise.** The polynomial of a window predicts :math:`D` at finer levels. The largest deviation is the noise of the
   values. Rounding is its smallest possible size.
4. **Bar.** The bar of a candidate is its noise, enlarged by the extrapolation, plus its truncation: what the finest
   level of the window changed, times the rate at which such changes shrink.
5. **Choice.** The candidate with the shortest bar wins, among those with a bar below a millionth of the local slope.

If the first six levels are not enough, finer or coarser ones follow.

Five points
-----------

The pictures below are drawn from the function itself. Dots are the errors of :math:`D(h)`. Each square is a window of
four levels, drawn at its finest one. The dotted line is rounding noise, the grey band ends at the bar of the adaptive
rule.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

LEVELS = 2.0 ** -np.arange(2, 44)


def extrapolated(quotients, size=4):
    """The constant term of the polynomial in h^2 through each window of neighbouring levels."""
    table = quotients
    for k in range(1, size):
        table = (4**k * table[1:] - table[:-1]) / (4**k - 1)
    return table


def picture(f, x, truth, title):
    """Errors of quotients and of windows against the step, with noise and bar."""
    quotients = np.array(
        [(f(x + h) - f(x - h)) / (2 * h) for h in LEVELS], dtype=float
    )
    estimate = fg.derivative(f, x, full_output=True)
    least = max(abs(truth), 1e-3) * 1e-17
    figure, axes = plt.subplots()
    axes.loglog(
        LEVELS,
        np.maximum(abs(quotients - truth), least),
        ".",
        label="quotient D(h)",
    )
    axes.loglog(
        LEVELS[3:],
        np.maximum(abs(extrapolated(quotients) - truth), least),
        "s",
        markersize=3.5,
        label="window of four levels",
    )
    axes.loglog(
        LEVELS,
        1e-16 * abs(f(x)) / LEVELS + least,
        ":",
        color="C7",
        label="rounding",
    )
    axes.axhspan(
        least,
        max(float(estimate.error), least),
        color="0.5",
        alpha=0.2,
        linewidth=0,
        label=f"bar {estimate.error:.0e}, {fg.Status(estimate.status).name.lower().replace('_', ' ')}",
    )
    axes.set(xlabel="step h", ylabel="error", title=title, ylim=(least, None))
    axes.legend(fontsize="small")
    print(f"error {abs(estimate.df - truth):.0e}, evaluations {estimate.nfev}")


# %%
# **Smooth.** Truncation falls fast, four levels together fall much faster. The best windows lie where their truncation
# meets the noise, at wide steps: there rounding is small.
picture(np.sin, 1.0, np.cos(1.0), "smooth: sin(x) at 1")

# %%
# **Noisy.** The values are rounded to single precision. Quotients at fine levels scatter much more than rounding in
# double precision explains. The finer levels reveal the noise; the bar is wide.
picture(
    lambda x: np.float32(np.sin(np.float32(x))),
    1.0,
    np.cos(1.0),
    "noisy: sin(x) in single precision, at 1",
)

# %%
# **A kink.** At 0.02 from the point the function has a kink. Wide levels reach beyond it and agree with nothing. Below a
# step of 0.02 the function is smooth.
picture(
    lambda x: abs(x - 0.02) + np.sin(x),
    0.0,
    0.0,
    "kink at a distance of 0.02: |x - 0.02| + sin(x) at 0",
)

# %%
# *At* a kink there are two derivatives. The rule extrapolates each side alone, sees that both are sharp and differ, and
# reports both.
result = fg.derivative(lambda x: abs(x) + np.sin(x), 0.0, full_output=True)
print(
    fg.Status(result.status).name,
    f"left {result.left:.6f}, right {result.right:.6f}",
)

# %%
# **An edge.** The logarithm ends at 0, here at a distance of 0.001. Levels with NaN on one side cannot be used; the rule
# goes on to finer ones.
with np.errstate(invalid="ignore"):
    picture(np.log, 0.001, 1000.0, "edge: log(x) at 0.001")

# %%
# **Two scales.** A slow wave carries a fast one. Wide levels see the slow wave and converge to its slope, which is
# wrong by cos(1000) = 0.56. The fine levels contradict them.
picture(
    lambda x: np.sin(x) + 1e-3 * np.sin(1e3 * x),
    1.0,
    np.cos(1.0) + np.cos(1e3),
    "two scales: sin(x) + sin(1000 x) / 1000",
)

# %%
# Noise or structure?
# -------------------
#
# The second and the last point look alike: fine levels deviate from coarse ones. Noise has these marks: it is small
# against the change of the function, it is as large at all levels, and its sign changes. Structure is smooth again at
# fine levels. Where both readings are possible, the bar reaches from one to the other.
#
# Other orders and sides
# ----------------------
#
# For an even order of the derivative the series is that of :math:`(f(x+h) - 2f(x) + f(x-h)) / h^2`. For one side it is
# :math:`(f(x + h) - f(x)) / h`, a series in :math:`h`. All else is the same.
#
# The rules in detail
# -------------------
#
# *Evaluations.* Steps are powers of two, times a factor, times the scale ``max(|x|, 1)``. The first round is the same
# for all points: six steps from 1/8 to 1/128 of the scale and a probe at 2^-17 of it, fifteen evaluations with
# ``f(x)``. One side takes eight steps from 1/16 and three probes, twelve evaluations. Higher orders take 13 to 25.
# Where the steps were too wide, at most four rounds of finer steps follow, of as many evaluations. Near 0 and near the
# edge of a domain they begin at the size of the point or where there are values. A round for noise follows: seven fine
# levels measure it, and where it is visible twelve levels from 4.6 times the scale down give windows wide enough for it,
# 38 evaluations. A round for narrow features is next: thirteen levels, each 16 times as fine as the one before, show
# the widest steps over which the function is nearly linear, and finer rounds begin there. It settles points beside
# poles, edges and kinks and functions of another scale, with some forty evaluations. The last search takes 28 levels
# from the scale down, and coarser or finer ones where these leave a point open: 60 to 480 evaluations in all.
#
# *Noise.* The polynomial of a window predicts the quotients of the finer levels, of both parities. The largest
# deviation is the noise of one value. It is never less than the rounding of ``f`` and of its argument. Cancellation in
# ``f``, float32 in ``f`` and an iteration stopped early all raise it, as do kinks, jumps and aliases. In the last
# search the digits of the values bound it from below: those of float32 have 24 bits, and ``exp(x) - 1`` beside 0 has
# none below 2^-53. The round for noise sees it by second differences that do not decay from level to level. It takes
# the window with the shortest bound for that noise if all finer levels deviate from it as noise does.
#
# *The bound* is 4 standard deviations of the noise, 6.5 for one side, times the noise gain of the extrapolation, plus
# the truncation error. Among windows whose bound is below 1e-6 of the local slope the shortest bound wins, otherwise
# the smallest ratio of bound to slope.
#
# *Noise or structure.* Deviations are noise where they are small against the change of ``f`` (2^-7, or 2^-10 where the
# fine levels are exactly flat), equally large at all levels over six to eight octaves, and of changing sign. Where both
# readings are open, the bound reaches from one to the other and the point has not converged. Waves shorter than 2^-14
# of the scale are such a case: they may be a ripple, or what a hash of the argument adds. Below 2^-27 of the scale they
# are noise: between two jumps of its rounded numerator ``(1 - cos(x)) / x**2`` at 1e-6 is ``c / x**2``, whose slope is
# -1e6 instead of -8e-8. A sharp result of wide steps is never replaced by finer steps that contradict it. Beside a kink
# they need not agree: there the slope lies between the secants of both sides at all wider steps.
#
# *Sides.* Where one side has no values the other is extrapolated alone. Where both are sharp and differ, down to the
# finest level that resolves the difference, there is a kink, for ``n`` of 2 and more one of a lower derivative: ``df``
# is the mean. Secants that grow without bound, as at a jump or at the foot of a square root, give NaN. A staircase such
# as ``floor(x)`` is taken for a rounded line: at its steps ``df`` is about the slope of that line, without success.
#
# *Polygons.* A mean of many functions with kinks, as a price by a binomial tree or over fixed draws, is straight between
# its kinks. Where finer steps alone show a second derivative of 0, the last search takes wider steps, too. If these show
# another one, the bound covers both, and the point has not converged. A few kinks show none.
#
# Sources
# -------
#
# L. F. Richardson (1911) for extrapolation. C. J. F. Ridders (1982) for differentiation by extrapolation with an error
# estimate. J. Berntsen and T. O. Espelid (1991) for errors from rates of convergence. J. J. More and S. M. Wild (2011)
# for estimating noise from differences.
