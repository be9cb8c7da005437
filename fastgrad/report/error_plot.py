"""The picture of one point: the error of differences against their step, and the result of the adaptive rule."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .._typing import FloatArray, Function
from ..adaptive_rule import Adaptive, adaptive
from ..arguments import argument, explains_keywords
from ..differentiation.derivatives import derivative
from ..estimates import Status
from ..evaluation.signatures import PerformanceWarning
from ..rules.stencils import Stencil, central, forward

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_error"]

#: Smaller errors are drawn here: a logarithm has no zero.
LEAST = 1e-17

#: Steps relative to ``max(|x|, 1)``, four in every octave from 1 down to the rounding of the argument.
STEPS = 2.0 ** -np.arange(0, 52.25, 0.25)


@explains_keywords
def plot_error(
    f: Function, x: float, *, n: int = 1, truth: Function | float | None = None, axes: Axes | None = None
) -> Axes:
    """Plot the error of differences against their step at one point, with the result of the adaptive rule.

    On the right the error of a difference is truncation, on the left it is rounding. A dot marks the step that fastgrad
    chooses for it. Ticks at the bottom mark the steps at which the adaptive rule evaluates `f`. The shaded band ends at
    its error bar.

    Parameters
    ----------
    f : callable
        A function of one number, as `derivative` takes it.
    x : float
        The point, in units of your own.
    n : int, default 1
        Order of the derivative, 1 to 8.
    truth : float or callable, optional
        The exact derivative at `x`, or a function that gives it. Left out, errors are distances from the result of
        the adaptive rule; inside the band such a distance says nothing.
    axes : matplotlib.axes.Axes, optional
        Where to draw. New axes by default, made with pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        The axes: both scales logarithmic, the step in units of `x`, the error in units of the derivative.

    Raises
    ------
    ImportError
        When matplotlib is not installed.
    ValueError
        When `x` is not one finite number, `f` has no finite derivative there and `truth` is left out, or `n` is not a
        whole number from 1 to 8.

    See Also
    --------
    accuracy : compares methods on many points.

    Examples
    --------
    >>> import matplotlib, numpy as np, fastgrad as fg
    >>> matplotlib.use("agg")
    >>> axes = fg.plot_error(np.sin, 1.0, truth=np.cos)
    >>> axes.get_xlabel(), axes.get_xscale()
    ('step h', 'log')
    """
    from .drawing import need_matplotlib

    need_matplotlib()
    if np.ndim(argument(x, "x")) or not math.isfinite(x):
        raise ValueError(f"`x` must be one finite number; got {x!r:.80}. Call this once for each point.")
    x = float(x)
    scale = max(abs(x), 1.0)
    estimate = derivative(f, x, method=adaptive(n), full_output=True)
    levels = _distances(f, x, adaptive(n))
    exact = float(estimate.df if truth is None else truth(x) if callable(truth) else truth)
    if not math.isfinite(exact):
        raise ValueError(f"`f` must have a finite derivative at `x`; got {exact}. Give the exact one as `truth`.")
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1]
    for rule in (forward(n=n), central(n=n), central(4, n)):
        _draw_curve(axes, f, x, rule, exact)
    status = Status(int(estimate.status)).name.lower().replace("_", " ")
    bar, error = float(estimate.error), abs(float(estimate.df) - exact)
    top = max(bar, LEAST) if math.isfinite(bar) else axes.get_ylim()[1]
    axes.axhspan(LEAST, top, color="0.5", alpha=0.2, linewidth=0, label=f"bar of adaptive: {bar:.0e}, {status}")
    if truth is not None:
        axes.axhline(max(error, LEAST), color="C3", linestyle="--", label=repr(adaptive(n)))
    axes.plot(levels, np.full(len(levels), 0.03), "|", color="C3", markersize=10, label="levels",
              transform=axes.get_xaxis_transform())  # fmt: skip
    sizes = [size for size in (bar / 100, error / 3) if 0 < size < math.inf]
    axes.set(xscale="log", yscale="log", xlabel="step h", ylabel="error", xlim=(STEPS[-1] * scale, scale))
    axes.set_ylim(bottom=max(min(sizes, default=LEAST), LEAST))
    axes.legend(fontsize="small")
    return axes


def _draw_curve(axes: Axes, f: Function, x: float, rule: Stencil, exact: float) -> None:
    """Draw the error of a difference against its step, with a dot at the chosen step."""
    steps = STEPS * max(abs(x), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)
        errors = np.abs(derivative(f, np.full_like(steps, x), method=rule, step=steps) - exact)
    line = axes.plot(steps, np.maximum(errors, LEAST), linewidth=1.2, label=repr(rule))[0]
    chosen = max(_distances(f, x, rule), default=math.nan) / float(max(abs(offset) for offset in rule.offsets))
    error = abs(float(derivative(f, x, method=rule)) - exact)
    axes.plot(chosen, max(error, LEAST), "o", color=line.get_color())


def _distances(f: Function, x: float, rule: Stencil | Adaptive) -> FloatArray:
    """Return the distances from `x` at which a rule evaluates `f`, both sides as one although each is rounded."""
    points: list[FloatArray] = []

    def recorded(t: FloatArray) -> Any:
        points.append(np.array(t, dtype=np.float64).ravel())
        return f(t)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)
        derivative(recorded, x, method=rule)
    distances = np.abs(np.concatenate(points) - x)
    return np.asarray(2.0 ** np.unique(np.round(np.log2(distances[distances > 0]), 4)), np.float64)
