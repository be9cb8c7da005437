"""Trying every method on one function: its errors, its time, its evaluations, and whether its bar holds."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from textwrap import shorten
from typing import Any

import numpy as np

from ..differentiation.derivatives import derivative
from ..report.results import FACTORS, SLACK, TOLERANCE, Curve, Point, Profile, Row
from ._formula import formula_of
from ._method import Counted, Method
from ._problems import Floats, Problem, filled, head, name_of, size_of
from ._running import affordable, quietly, timed
from ._truth import truth_of

#: A method that takes longer than so many seconds is run on fewer points.
PATIENCE = 0.5

#: Letters of what a method that failed had to say.
SAID = 300

#: Points of a row that are shown: the worst, and those without a result.
SHOWN = 3

#: Points that a curve is the median of; parts of a domain that a profile is of.
CURVED, PARTS = 200, 48


class Trial:
    """One problem with its points and its truth, for method after method."""

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem = problem
        self.args = problem.points(count)
        self.size = size_of(self.args)
        #: Relative errors of every method that has its row, at the first points.
        self.errors: dict[str, Floats] = {}
        with quietly():
            self.on_arrays = _on_arrays(problem.f, self.args)
            self.df, self.scale, self.origin = truth_of(problem, self.args, self.on_arrays)

    def row(self, method: Method) -> Row:
        """Measure one method."""
        named: dict[str, Any] = {
            "function": self.problem.name,
            "group": self.problem.group,
            "method": method.name,
            "label": method.label,
            "truth": self.origin,
            "formula": formula_of(self.problem.f),
        }
        f = self.problem.f if method.ours or method.traced else self.on_arrays
        try:
            with quietly():
                return Row(**named, **self._measured(f, method))
        except Exception as problem:  # a method that cannot do it loses its row, not the report
            return Row(**named, failure=shorten(f"{type(problem).__name__}: {problem}", SAID, placeholder=" ..."))

    def _measured(self, f: Callable[..., Any], method: Method) -> dict[str, Any]:
        """Run a method on as many points as are affordable, and take all its figures."""

        def run(count: int) -> tuple[float, Any]:
            return timed(lambda: method.run(f, head(self.args, count), self.problem.wrt))

        most = min(self.size, method.limit or self.size)
        # A first call compiles, our rules only what so many points are worth; the second tells whether the whole batch
        # would take too long.
        small = min(most, 1000)
        run(small if method.ours or method.traced else min(64, small))
        best, result = run(small)
        count = affordable(most, best / small, PATIENCE)
        if count > small:
            best, result = run(count)
        for _ in range(2 if best < 0.1 or method.traced else 0):
            best = min(best, run(count)[0])
        found = filled(result, count)
        return {
            **self._errors(found, method.name),
            "timed": count,
            "nanoseconds": best / count * 1e9,
            "evaluations": self._evaluations(method, small),
            "worst": self._worst(f, method, found),
            **self._bars(f, method, min(count, method.barred)),
        }

    def _errors(self, found: Floats, name: str) -> dict[str, Any]:
        """Quantiles of the error; the derivative must exist for a point to count."""
        count = min(found.size, self.df.size)
        df, scale = self.df[:count], self.scale[:count]
        absolute = np.abs(found[:count] - df)
        relative = absolute / scale
        exists = np.isfinite(df)
        if not exists.any():
            raise ValueError("the derivative exists at none of the points")
        bad = exists & ~np.isfinite(relative)
        absolute[bad] = relative[bad] = inf
        self.errors[name] = np.where(exists, relative, nan)
        places = [self._at(i) for i in np.flatnonzero(bad)[:SHOWN]]
        absolute, relative, ulps = absolute[exists], relative[exists], (absolute / np.spacing(scale))[exists]
        middle, high = (relative.size - 1) // 2, int(0.99 * (relative.size - 1))
        ranked, ranked_ulps = (np.partition(a, (middle, high)) for a in (relative, ulps))
        return {
            "points": relative.size,
            "max_error": float(relative.max()),
            "p99_error": float(ranked[high]),
            "median_error": float(ranked[middle]),
            "max_ulp": float(ulps.max()),
            "p99_ulp": float(ranked_ulps[high]),
            "median_ulp": float(ranked_ulps[middle]),
            "off": float(np.count_nonzero(relative > TOLERANCE) / relative.size),
            "missing": int(np.count_nonzero(bad)),
            "missing_at": tuple(places),
            "max_absolute": float(absolute.max()),
            "median_absolute": float(np.partition(absolute, middle)[middle]),
        }

    def _at(self, index: int) -> tuple[float, ...]:
        """All arguments at a point."""
        return tuple(float(a[index]) if np.ndim(a) else float(a) for a in self.args)

    def _worst(self, f: Callable[..., Any], method: Method, found: Floats) -> tuple[Point, ...]:
        """List the points with the largest errors, with the bars given for them."""
        errors = self.errors[method.name]
        shown = np.nan_to_num(errors, nan=-1.0, posinf=inf)
        ranked = np.argpartition(-shown, min(SHOWN, shown.size - 1))[:SHOWN]
        ranked = ranked[np.argsort(-shown[ranked], kind="stable")]
        ranked = ranked[errors[ranked] > 0]
        bars = np.full(ranked.size, nan)
        if method.estimate is not None and ranked.size:
            args = tuple(a[ranked] if np.ndim(a) else a for a in self.args)
            bars = filled(method.estimate(f, args, self.problem.wrt).error, ranked.size)
        return tuple(
            Point(self._at(i), float(found[i]), float(self.df[i]), float(errors[i]), float(bar))
            for i, bar in zip(ranked, bars, strict=True)
        )

    def _bars(self, f: Callable[..., Any], method: Method, count: int) -> dict[str, Any]:
        """Shares of points whose error is within the bar, or a multiple of it, where the method gives one."""
        count = min(count, self.df.size)
        if method.estimate is None:
            return {}
        answer = method.estimate(f, head(self.args, count), self.problem.wrt)
        df, error = filled(answer.df, count), filled(answer.error, count)
        counted = np.isfinite(self.df[:count]) & np.isfinite(df)
        made = {} if method.ours else {"evaluations": float(np.mean(filled(answer.nfev, count)))}
        if not counted.any() or np.isnan(error).all():
            return made
        off, bar = np.abs(df - self.df[:count])[counted], error[counted]
        slack = SLACK * self.scale[:count][counted]
        shares = [float(np.mean(off <= factor * bar + slack)) for factor in (1.0, *FACTORS)]
        return made | {"covered": shares[0], "calibration": tuple(shares[1:])}

    def _evaluations(self, method: Method, count: int) -> float:
        """Count evaluations per point of our own: the size of every call of a function that nobody can compile."""
        if not method.ours:
            return nan  # other libraries are counted when they are asked for their bars
        counted = Counted(self.on_arrays)
        for _ in range(2):  # the first call also finds out how the function can be called
            counted.count = 0
            method.run(counted, head(self.args, count), self.problem.wrt)
        return counted.count / count

    def profile(self, method: Method) -> Profile | None:
        """Errors along the domain, once the method has its row; None when it failed, or all points are one."""
        errors = self.errors.get(method.name)
        if errors is None:
            return None
        x = filled(self.args[self.problem.wrt], self.size)[: errors.size]
        low, high = float(np.min(x)), float(np.max(x))
        if not low < high:
            return None
        logarithmic = low > 0 and high > 1e3 * low
        edges = (np.geomspace if logarithmic else np.linspace)(low, high, PARTS + 1)
        part = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, PARTS - 1)
        parts = [errors[(part == k) & ~np.isnan(errors)] for k in range(PARTS)]
        worst, median = ([float(reduce(v)) if v.size else nan for v in parts] for reduce in (np.max, np.median))
        return Profile(
            self.problem.name, method.name, method.label, tuple(edges.tolist()), tuple(worst), tuple(median)
        )

    def curve(self, method: Method) -> Curve | None:
        """Median error against step, over a few points; None for a rule without a step.

        A backward rule gets none either: its curve is that of the forward rule.
        """
        rule, wrt = method.stencil, self.problem.wrt
        if rule is None or rule.offsets[-1] <= 0:
            return None
        count = min(CURVED, self.df.size)
        args, df, scale = head(self.args, count), self.df[:count], self.scale[:count]
        steps = 2.0 ** np.arange(-48.0, 2.0)

        def error(**step: Any) -> Any:
            found = derivative(self.problem.f, *args, wrt=wrt, method=rule, **step)
            return np.nanmedian(np.nan_to_num(np.abs(found - df) / scale, nan=inf), axis=-1)

        with quietly():
            errors = error(rel_step=steps[:, None])
            chosen = float(error())
        # what is chosen is a share of the binade of max(|x|, 1)
        size = np.maximum(np.abs(np.asarray(args[wrt])), 1.0)
        taken = rule.step_for(float(np.finfo(np.float64).eps)) * np.median(2.0 ** np.floor(np.log2(size)) / size)
        return Curve(
            self.problem.name, method.name, method.label, tuple(steps.tolist()), tuple(errors.tolist()),
            float(taken), chosen,
        )  # fmt: skip


def _on_arrays(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """Return `f` if it takes arrays, else a loop over it."""
    ends = [np.asarray(a, dtype=np.float64).ravel()[[0, -1]] if np.ndim(a) else a for a in args]

    def one(*row: Any) -> Any:
        try:
            value = f(*row)
        except (ValueError, ZeroDivisionError, OverflowError):
            return nan
        if np.size(value) != 1 or np.asarray(value).dtype.kind not in "fiub":
            shown = f"shape {np.shape(value)}" if np.size(value) != 1 else f"{value!r:.80}"
            raise ValueError(f"`{name_of(f)}` must return one real number for one point; got {shown}.")
        return value

    apart = [one(*(float(e[i]) if np.ndim(e) else e for e in ends)) for i in (0, 1)]
    try:
        together = np.asarray(f(*ends), dtype=np.float64)
    except Exception:  # whatever a function written for one number does with two
        together = np.empty(0)
    if together.shape in ((2,), ()) and np.allclose(together, apart, rtol=1e-6, atol=0, equal_nan=True):
        return f
    return np.vectorize(one, otypes=[np.float64])
