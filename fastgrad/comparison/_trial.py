"""A trial: methods judged on one problem, then timed, with evaluations and the share of bounds that hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf, nan
from textwrap import shorten
from typing import Any

import numpy as np

from .._signals import reraise_if_signal
from .._typing import Argument, Arguments, Array, FloatArray
from ..differentiation.derivatives import derivative
from ..report.results import FACTORS, SLACK, TOLERANCE, Curve, Point, Profile, Row
from ._methods import Answer, Counted, Elementwise, Method
from ._problems import JUDGED, Problem, broadcast, formula_of, head, name_of, size_of, truth_of
from ._timing import FEW, Workload, grow, quietly, time_in_turns

#: Seconds that the errors of a method may take, else it gets fewer points.
PATIENCE = 0.1

#: Letters of the message of a method that failed.
MESSAGE = 300

#: Points of a row that are shown: the worst, and those without a result.
SHOWN = 3

#: Points that a curve is the median of; parts of a domain that a profile is of.
CURVED, PARTS = 200, 48

#: Fields of a row by their names.
Fields = dict[str, Any]


class Trial:
    """One problem with its points and its truth, for method after method.

    The clock is apart from the errors: a report judges in several processes, and times when the machine is idle.
    """

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem = problem
        self.size = problem.size(count)
        self.args = tuple(np.array(a) for a in problem.points(min(count, JUDGED)))
        #: Relative errors of every method that has its row, at the first points.
        self.errors: dict[str, FloatArray] = {}
        #: Points of every method that has its row.
        self._counts: dict[str, int] = {}
        with quietly():
            self.work = Workload(problem.f, _on_arrays(problem.f, self.args), self.args, problem.wrt)
            self.df, self.scale, self.origin = truth_of(problem, self.args, self.work.on_arrays)

    def judge(self, method: Method, is_called: bool = False) -> Row:
        """Measure all but the time of a method; with `is_called` it calls the function, and nothing is compiled."""
        problem = self.problem
        f = Counted(problem.f) if is_called else self.work.function(method)
        names = (problem.name, problem.group, method.name, method.label, self.origin)
        try:
            with quietly():
                figures = self._figures(f, method)
        except Exception as error:  # a method that raises loses its row, not the report
            reraise_if_signal(error)
            figures = {"failure": shorten(f"{type(error).__name__}: {error}", MESSAGE, placeholder=" ...")}
        return Row(*names, formula=formula_of(problem.f), **figures)

    def times(self, methods: Iterable[Method]) -> dict[str, Fields]:
        """Time methods that have been judged: figures of their rows by the name of the method."""
        judged = [method for method in methods if method.name in self._counts]
        work = self.work._replace(args=tuple(map(np.array, self.problem.points(self.size))))
        paces = time_in_turns([replace(m, limit=self._timed(m)) for m in judged], [work], self.size)
        return {name: {"timed": pace.points, "nanoseconds": pace.nanoseconds} for name, pace in paces.items()}

    def _timed(self, method: Method) -> int | None:
        """Return the largest count of points of a timed run."""
        if method.traced:  # another count is another compilation
            return self._counts[method.name]
        is_pointwise = method.limit is not None and method.run is method.estimate
        return method.barred if is_pointwise else method.limit  # one call takes one point: a few give the time

    def _figures(self, f: Elementwise, method: Method) -> Fields:
        """Return all figures but the time."""
        most = min(self.df.size, method.limit or JUDGED)
        few = most if method.traced else min(most, FEW)

        def run(count: int) -> Array | Answer:
            return method.run(f, head(self.args, count), self.problem.wrt)

        # The first call compiles, the rules of fastgrad only what so many points are worth.
        run(few if method.ours or method.traced else 1)
        count, _, result = grow(run, few, most, PATIENCE)
        answer = result if isinstance(result, Answer) else None
        df = broadcast(answer.df if answer else result, count)
        figures = {
            **self._errors(df, method.name),
            "evaluations": self._evaluations(method, min(count, FEW)),
            "worst": self._worst(f, method, df, answer),
            **self._bounds(f, method, count if answer else min(count, method.barred), answer),
        }
        self._counts[method.name] = count
        return figures

    def _errors(self, estimates: FloatArray, name: str) -> Fields:
        """Return quantiles of the error over the points where the derivative exists."""
        count = min(estimates.size, self.df.size)
        df, scale = self.df[:count], self.scale[:count]
        absolute = np.abs(estimates[:count] - df)
        relative = absolute / scale
        exists = np.isfinite(df)
        if not exists.any():
            raise ValueError("the derivative exists at none of the points")
        missing = exists & ~np.isfinite(relative)
        absolute[missing] = relative[missing] = inf
        self.errors[name] = np.where(exists, relative, nan)
        absolute, relative, ulps = absolute[exists], relative[exists], (absolute / np.spacing(scale))[exists]
        figures: Fields = {}
        for suffix, values in (("error", relative), ("ulp", ulps)):
            quantiles = np.quantile(values, (1.0, 0.99, 0.5), method="lower").tolist()
            figures |= {f"{word}_{suffix}": q for word, q in zip(("max", "p99", "median"), quantiles, strict=True)}
        return figures | {
            "points": relative.size,
            "off": float(np.count_nonzero(relative > TOLERANCE) / relative.size),
            "missing": int(np.count_nonzero(missing)),
            "missing_at": tuple(self._at(i) for i in np.flatnonzero(missing)[:SHOWN]),
            "max_absolute": float(absolute.max()),
            "median_absolute": float(np.quantile(absolute, 0.5, method="lower")),
        }

    def _at(self, index: int) -> tuple[float, ...]:
        """Return all arguments at a point."""
        return tuple(float(a[index]) if np.ndim(a) else float(a) for a in self.args)

    def _worst(self, f: Elementwise, method: Method, estimates: FloatArray, answer: Answer | None) -> tuple[Point, ...]:
        """List the points with the largest errors, with their bounds."""
        errors = self.errors[method.name]
        order = np.nan_to_num(errors, nan=-1.0, posinf=inf)
        ranked = np.argpartition(-order, min(SHOWN, order.size - 1))[:SHOWN]
        ranked = ranked[np.argsort(-order[ranked], kind="stable")]
        ranked = ranked[errors[ranked] > 0]
        bounds = np.full(ranked.size, nan)
        if answer is not None:
            bounds = broadcast(answer.error, estimates.size)[ranked]
        elif method.estimate is not None and ranked.size:
            args = tuple(a[ranked] if np.ndim(a) else a for a in self.args)
            bounds = broadcast(method.estimate(f, args, self.problem.wrt).error, ranked.size)
        return tuple(
            Point(self._at(i), float(estimates[i]), float(self.df[i]), float(errors[i]), float(bound))
            for i, bound in zip(ranked, bounds, strict=True)
        )

    def _bounds(self, f: Elementwise, method: Method, count: int, answer: Answer | None) -> Fields:
        """Return shares of points whose error is within the bound, or a multiple of it, where the method has one.

        Without `answer`, that of the run, the bounds are computed at the first `count` points.
        """
        count = min(count, self.df.size)
        if answer is None:
            if method.estimate is None:
                return {}
            answer = method.estimate(f, head(self.args, count), self.problem.wrt)
        df, error, nfev = (broadcast(part, count) for part in (answer.df, answer.error, answer.nfev))
        counted = np.isfinite(self.df[:count]) & np.isfinite(df)
        figures = {} if method.ours else {"evaluations": float(np.mean(nfev))}
        if not counted.any() or np.isnan(error).all():
            return figures
        off, bound = np.abs(df - self.df[:count])[counted], error[counted]
        slack = SLACK * self.scale[:count][counted]
        covered, *calibration = (float(np.mean(off <= factor * bound + slack)) for factor in (1.0, *FACTORS))
        return figures | {"covered": covered, "calibration": tuple(calibration)}

    def _evaluations(self, method: Method, count: int) -> float:
        """Count evaluations per point of a rule of fastgrad, by the sizes of the calls of a function."""
        if not method.ours:
            return nan  # `_bounds` has those of other libraries
        counted = Counted(self.work.on_arrays)
        for _ in range(3):  # the first calls also determine how the function can be called, and with how many points
            counted.count = 0
            method.run(counted, head(self.args, count), self.problem.wrt)
        return counted.count / count

    def release(self) -> None:
        """Free the memory of the points; the times need it no longer."""
        self.args, self.df, self.scale = (), np.empty(0), np.empty(0)
        self.work = self.work._replace(args=())
        self.errors.clear()

    def profile(self, method: Method) -> Profile | None:
        """Return errors along the domain; None for a method without a row, or where all points are one."""
        errors = self.errors.get(method.name)
        if errors is None:
            return None
        x = broadcast(self.args[self.problem.wrt], size_of(self.args))[: errors.size]
        low, high = float(np.min(x)), float(np.max(x))
        if not low < high:
            return None
        logarithmic = low > 0 and high > 1e3 * low
        edges = (np.geomspace if logarithmic else np.linspace)(low, high, PARTS + 1)
        part = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, PARTS - 1)
        parts = [errors[(part == k) & ~np.isnan(errors)] for k in range(PARTS)]
        worst, median = (
            tuple(float(reduce(values)) if values.size else nan for values in parts) for reduce in (np.max, np.median)
        )
        return Profile(self.problem.name, method.name, method.label, tuple(edges.tolist()), worst, median)

    def curve(self, method: Method) -> Curve | None:
        """Return the median error against the step, over a few points; None for a rule without a step.

        A backward rule gets none either: its curve is that of the forward rule.
        """
        rule, wrt = method.stencil, self.problem.wrt
        if rule is None or rule.offsets[-1] <= 0:
            return None
        count = min(CURVED, self.df.size)
        args, df, scale = head(self.args, count), self.df[:count], self.scale[:count]
        steps = 2.0 ** np.arange(-48.0, 2.0)

        f = Counted(self.work.on_arrays)  # a rule with a step of the caller's would be compiled once more

        def error(**step: Any) -> FloatArray:
            estimates = derivative(f, *args, wrt=wrt, method=rule, **step)
            medians: FloatArray = np.nanmedian(np.nan_to_num(np.abs(estimates - df) / scale, nan=inf), axis=-1)
            return medians

        with quietly():
            errors, chosen_error = error(rel_step=steps[:, None]), float(error())
        # the step that the rule chooses is a share of the binade of max(|x|, 1)
        size = np.maximum(np.abs(np.asarray(args[wrt])), 1.0)
        chosen = rule.step_for(float(np.finfo(np.float64).eps)) * np.median(2.0 ** np.floor(np.log2(size)) / size)
        points = tuple(steps.tolist()), tuple(errors.tolist())
        return Curve(self.problem.name, method.name, method.label, *points, float(chosen), chosen_error)


def _on_arrays(f: Elementwise, args: Arguments) -> Elementwise:
    """Return `f` if it takes arrays, else a loop over it."""
    ends = [np.asarray(a, dtype=np.float64).ravel()[[0, -1]] if np.ndim(a) else a for a in args]

    def one(*row: Argument) -> Argument:
        try:
            value = f(*row)
        except (ValueError, ZeroDivisionError, OverflowError):
            return nan
        if np.size(value) != 1 or np.asarray(value).dtype.kind not in "fiub":
            text = f"shape {np.shape(value)}" if np.size(value) != 1 else f"{value!r:.80}"
            raise ValueError(f"`{name_of(f)}` must return one real number for one point; got {text}.")
        return value

    apart = [one(*(float(e[i]) if np.ndim(e) else e for e in ends)) for i in (0, 1)]
    try:
        together = np.asarray(f(*ends), dtype=np.float64)
    except Exception as raised:  # whatever a function written for one number does with two
        reraise_if_signal(raised)
        together = np.empty(0)
    if together.shape in ((2,), ()) and np.allclose(together, apart, rtol=1e-6, atol=0, equal_nan=True):
        return f
    return np.vectorize(one, otypes=[np.float64])
