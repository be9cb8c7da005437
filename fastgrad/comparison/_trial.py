"""Measuring one function: its points, its truth, and every method in turn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import inf, nan
from textwrap import shorten
from time import perf_counter
from typing import Any

import numpy as np

from .._report.results import FACTORS, SLACK, TOLERANCE, Curve, Point, Profile, Row
from ..derivatives import derivative
from ._method import Counted, Method
from ._problems import Floats, Problem, name_of

#: Points at which errors are taken: more would move no quantile, and take longer than what is measured.
JUDGED = 100_000

#: A method that takes longer than so many seconds is run on fewer points.
PATIENCE = 0.5

#: Letters of what a method that failed had to say.
SAID = 300

#: Points of a row that are shown: the worst, and those without a result. Parts of a domain.
SHOWN, PARTS = 3, 48


class Bench:
    """One problem, with its points and its truth, ready to be measured."""

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem = problem
        self.args = problem.points(count)
        self.size = max(np.size(a) for a in self.args)
        self.x = self.args[problem.wrt]
        self.arrays = _on_arrays(problem.f, self.args)
        #: Relative errors of every method that has its row, at the first points.
        self.errors: dict[str, Floats] = {}
        with np.errstate(all="ignore"):
            self.df, self.scale, self.truth = self._truth()

    def _truth(self) -> tuple[Floats, Floats, str]:
        """Find derivative and slope scale, at the first points or at all, and say where they are from."""
        problem, known = self.problem, self.problem.exact
        if known is not None:
            args = self._head(JUDGED)
            df, values = (_filled(g(*args), min(self.size, JUDGED)) for g in (known, self.arrays))
            return df, self._scale(df, values, known, args), "closed form"
        from ._highprecision import POINTS, true_derivative
        from ._translation import Untranslatable

        few = self._head(POINTS)
        values = _filled(self.arrays(*few), max(np.size(a) for a in few))
        try:
            return *true_derivative(problem.f, few, problem.wrt, values), "mpmath, 1000 bits"
        except Untranslatable as problem_met:
            why = f" (mpmath: {problem_met})"
        except ImportError:
            why = " (mpmath is not installed)"

        def best(*args: Any) -> Any:
            return self._quietly(lambda: derivative(problem.f, *args, wrt=problem.wrt))

        df = _filled(best(*few), values.size)
        return df, self._scale(df, values, best, few), f"adaptive, itself inexact{why}"

    def _scale(self, df: Floats, values: Floats, exact: Callable[..., Any], args: tuple[Any, ...]) -> Floats:
        """Slope scale: see `DEFINITION`."""
        wrt = self.problem.wrt
        x = np.asarray(args[wrt], dtype=np.float64)
        apart = np.where(x == 0.0, 2.0**-10, x * 2.0**-10)
        around = [np.abs(exact(*args[:wrt], x + d, *args[wrt + 1 :])) for d in (-apart, apart)]
        mean = np.nan_to_num(_filled(around[0] + around[1], df.size) / 2, nan=0.0, posinf=0.0)
        feigned = 1e-9 * np.abs(values) / np.maximum(np.abs(x), 1.0)
        scale: Floats = np.maximum.reduce([np.abs(df), mean, np.nan_to_num(feigned, nan=0.0, posinf=0.0)])
        return np.maximum(scale, 1e-300)

    def row(self, method: Method) -> Row:
        """Measure one method."""
        head: dict[str, Any] = {
            "function": self.problem.name,
            "group": self.problem.group,
            "method": method.name,
            "label": method.label,
            "truth": self.truth,
        }
        f = self.problem.f if method.ours or method.traced else self.arrays
        try:
            with np.errstate(all="ignore"):
                return Row(**head, **self._measured(f, method))
        except Exception as problem:  # a method that cannot do it loses its row, not the report
            return Row(**head, failure=shorten(f"{type(problem).__name__}: {problem}", SAID, placeholder=" ..."))

    def _measured(self, f: Callable[..., Any], method: Method) -> dict[str, Any]:
        wrt = self.problem.wrt
        count = min(self.size, method.limit or self.size)
        # A first call compiles, our rules only what so many points are worth; the second tells whether the whole batch
        # would take too long.
        small = min(count, 1000)
        self._quietly(lambda: method.run(f, self._head(small if method.ours or method.traced else min(64, small)), wrt))
        best, result = _timed(lambda: self._quietly(lambda: method.run(f, self._head(small), wrt)))
        while count > 1000 and best / small * count > PATIENCE:
            count //= 10
        if count > small:
            args = self._head(count)
            best, result = _timed(lambda: self._quietly(lambda: method.run(f, args, wrt)))
        for _ in range(2 if best < 0.1 or method.traced else 0):
            best = min(best, _timed(lambda: self._quietly(lambda: method.run(f, self._head(count), wrt)))[0])
        found = _filled(result, count)
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
        bars, estimate = np.full(ranked.size, nan), method.estimate
        if estimate is not None and ranked.size:
            args = tuple(a[ranked] if np.ndim(a) else a for a in self.args)
            bars = _filled(self._quietly(lambda: estimate(f, args, self.problem.wrt)).error, ranked.size)
        return tuple(
            Point(self._at(i), float(found[i]), float(self.df[i]), float(errors[i]), float(bar))
            for i, bar in zip(ranked, bars, strict=True)
        )

    def _bars(self, f: Callable[..., Any], method: Method, count: int) -> dict[str, Any]:
        """Shares of points whose error is within the bar, or a multiple of it, where the method gives one."""
        count, estimate = min(count, self.df.size), method.estimate
        if estimate is None:
            return {}
        answer = self._quietly(lambda: estimate(f, self._head(count), self.problem.wrt))
        df, error = _filled(answer.df, count), _filled(answer.error, count)
        counted = np.isfinite(self.df[:count]) & np.isfinite(df)
        made = {} if method.ours else {"evaluations": float(np.mean(_filled(answer.nfev, count)))}
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
        counted = Counted(self.arrays)
        args = self._head(count)
        for _ in range(2):  # the first call also finds out how the function can be called
            counted.count = 0
            self._quietly(lambda: method.run(counted, args, self.problem.wrt))
        return counted.count / count

    def profile(self, method: Method) -> Profile | None:
        """Errors along the domain, once the method has its row; None when it failed, or all points are one."""
        errors = self.errors.get(method.name)
        if errors is None:
            return None
        x = np.broadcast_to(np.asarray(self.x, dtype=np.float64), self.size)[: errors.size]
        low, high = float(np.min(x)), float(np.max(x))
        if not low < high:
            return None
        logarithmic = low > 0 and high > 1e3 * low
        edges = (np.geomspace if logarithmic else np.linspace)(low, high, PARTS + 1)
        part = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, PARTS - 1)
        parts = [values[~np.isnan(values)] for k in range(PARTS) for values in (errors[part == k],)]
        worst, median = ([float(reduce(v)) if v.size else nan for v in parts] for reduce in (np.max, np.median))
        name = self.problem.name
        return Profile(name, method.name, method.label, tuple(edges.tolist()), tuple(worst), tuple(median))

    def curve(self, method: Method, count: int = 200) -> Curve | None:
        """Median error against step, over a few points; None for a rule without a step.

        A backward rule gets none either: its curve is that of the forward rule.
        """
        rule, wrt = method.stencil, self.problem.wrt
        if rule is None or rule.offsets[-1] <= 0:
            return None
        args = self._head(min(count, self.df.size))
        steps = 2.0 ** np.arange(-48.0, 2.0)
        df, scale = self.df[:count], self.scale[:count]

        def error(**step: Any) -> Any:
            found = self._quietly(lambda: derivative(self.problem.f, *args, wrt=wrt, method=rule, **step))
            return np.nanmedian(np.nan_to_num(np.abs(found - df) / scale, nan=inf), axis=-1)

        with np.errstate(all="ignore"):
            errors = error(rel_step=steps[:, None])
            chosen = float(error())
        # what is chosen is a share of the binade of max(|x|, 1)
        size = np.maximum(np.abs(np.asarray(args[wrt])), 1.0)
        taken = rule.step_for(float(np.finfo(np.float64).eps)) * np.median(2.0 ** np.floor(np.log2(size)) / size)
        return Curve(
            self.problem.name, method.name, method.label, tuple(steps.tolist()), tuple(errors.tolist()),
            float(taken), chosen,
        )  # fmt: skip

    def _head(self, count: int) -> tuple[Any, ...]:
        return tuple(a[:count] if np.ndim(a) else a for a in self.args)

    @staticmethod
    def _quietly(run: Callable[[], Any]) -> Any:
        """Run without warnings: the report says what there is to say."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run()


def _on_arrays(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    """Return `f` if it takes arrays, else a loop over it."""
    ends = [np.asarray(a, dtype=np.float64).ravel()[[0, -1]] if np.ndim(a) else a for a in args]

    def one(*row: Any) -> Any:
        try:
            value = f(*row)
        except (ValueError, ZeroDivisionError, OverflowError):
            return nan
        if np.size(value) != 1 or np.asarray(value).dtype.kind not in "fiub":
            shown = f"shape {np.shape(value)}" if np.size(value) != 1 else repr(value)
            raise ValueError(f"`{name_of(f)}` must return one real number for one point; got {shown}.")
        return value

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apart = [one(*(float(e[i]) if np.ndim(e) else e for e in ends)) for i in (0, 1)]
        try:
            together = np.asarray(f(*ends), dtype=np.float64)
        except Exception:  # whatever a function written for one number does with two
            together = np.empty(0)
    if together.shape in ((2,), ()) and np.allclose(together, apart, rtol=1e-6, atol=0, equal_nan=True):
        return f
    return np.vectorize(one, otypes=[np.float64])


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    result = run()
    return perf_counter() - start, result


def _filled(values: Any, size: int) -> Floats:
    """One float64 for every point, in memory of its own."""
    return np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), size))
