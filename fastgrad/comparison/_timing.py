"""Timing of methods: each for no longer than anybody would wait, and in turns, so that other load meets them all."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import NamedTuple, TypeVar

import numpy as np

from .._parallel import cores
from .._typing import Argument, Arguments
from ..report.model import Speed
from ..report.results import Pace
from ._catalogue import logistic, network, normal
from ._methods import NUMPY, SCIPY, Elementwise, Method, method_of
from ._problems import head

T = TypeVar("T")

#: Seconds that a run may take, else it gets fewer points (fewer than 100,000 would count what SciPy takes for any
#: number of them); turns of a method, unless it has had `ENOUGH` seconds. The run that shows how many points are
#: affordable is the first of them: a slow method runs once.
RUN, TURNS, ENOUGH = 0.2, 5, 0.03

#: Points of a first run.
FEW = 1000

#: A larger run is given up without a second measurement from so many times the patience on: an interruption that
#: multiplies a time by more is rare, and the second measurement of slow methods took half of their time.
NEAR = 3.0

#: Points of a run of `speed`; the arrays leave the caches of most machines then.
SPEED_POINTS = 2_000_000

#: The least that an array costs: to be read and to be written once.
COPY = Method("plain copy", "copy", lambda f, args, wrt: args[0].copy())


#: Features of processors in the order of preference, and their names.
VECTORS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("neon", "NEON"))


def about(count: int | None) -> dict[str, str]:
    """Return points of a function (None: the caller's own), machine and versions, in words."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return {
        "points": f"{count:,}" if count else "given",
        "cores": str(cores()),
        "vectors": next((words for name, words in VECTORS if features.get(name)), "no wide vectors"),
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: import_module(name).__version__ for name in ("fastgrad", "numpy", "scipy", "numba")}


@contextmanager
def quietly() -> Iterator[None]:
    """Run without warnings: a report says itself what there is to say."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def time_call(run: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that a call takes, and its result."""
    start = perf_counter()
    result = run()
    return perf_counter() - start, result


def grow(run: Callable[[int], T], count: int, most: int, patience: float) -> tuple[int, float, T]:
    """Call ``run(count)`` for ten times as many points, again and again, while that takes at most `patience` seconds.

    Returns the last count, the seconds that it took, and its result.
    """
    while True:
        seconds, result = time_call(partial(run, count))
        larger = min(10 * count, most)
        if seconds <= patience < seconds * larger / count <= NEAR * patience:  # perhaps interrupted: once more
            seconds, result = time_call(partial(run, count))
        if larger == count or seconds * larger / count > patience:
            return count, seconds, result
        count = larger


class Workload(NamedTuple):
    """A function to time methods on, the same function for methods that need arrays, its points, its argument."""

    f: Elementwise
    on_arrays: Elementwise
    args: Arguments
    wrt: int = 0

    def function(self, method: Method) -> Elementwise:
        """Return the function that a method gets."""
        return self.f if method.ours or method.traced else self.on_arrays


def time_in_turns(
    methods: Sequence[Method], functions: Sequence[Workload], count: int, patience: float = RUN
) -> dict[str, Pace]:
    """Time methods on `count` points of every function, or on as many as take at most `patience` seconds."""
    times: dict[str, list[float]] = {method.name: [] for method in methods}
    points = dict.fromkeys(times, 0)
    with quietly():
        for function in functions:
            runs = {method.name: _run(method, function, count, patience) for method in methods}
            best = {name: seconds for name, (_, _, seconds) in runs.items()}
            spent = best.copy()
            for _ in range(TURNS):
                for name, (run, _, _) in runs.items():
                    if spent[name] < ENOUGH:
                        seconds, _result = time_call(run)
                        spent[name] += seconds
                        best[name] = min(best[name], seconds)
            for name, (_, size, _) in runs.items():
                points[name] = max(points[name], size)
                times[name].append(best[name] / size * 1e9)
    reference = np.array(times.get(SCIPY.name, [np.nan] * len(functions)))
    return {
        name: Pace(float(np.median(values)), points[name], float(np.median(reference / np.array(values))))
        for name, values in times.items()
        if values
    }


def _run(method: Method, function: Workload, count: int, patience: float) -> tuple[Callable[[], object], int, float]:
    """Warm a method up; return a call of it on as many points as are affordable, their number and its seconds."""
    f, most = function.function(method), min(count, method.limit or count)
    args = tuple(np.resize(a, most) if np.ndim(a) and len(a) < most else a for a in function.args)

    def run(size: int) -> object:
        return method.run(f, head(args, size), function.wrt)

    few = most if method.traced else min(most, FEW)  # jax compiles once more for every number of points
    run(few if method.traced or not method.limit else 1)
    count, seconds, _ = grow(run, few, most, patience)
    return partial(run, count), count, seconds


def cubic(x: Argument) -> Argument:
    """Polynomial: hardly more than reading and writing."""
    return x * x * x - 2.0 * x


def speed(count: int = SPEED_POINTS, progress: Callable[[int, int, str], None] | None = None) -> Speed:
    """Time `central`, `adaptive`, NumPy, SciPy and a plain copy on a few functions."""
    functions = {"x*x*x - 2*x": (cubic, 3.0), "sigmoid": (logistic, 8.0), "normal density": (normal, 4.0),
                 "small network": (network, 6.0)}  # fmt: skip
    methods = (method_of("central"), method_of("adaptive"), NUMPY, SCIPY, COPY)
    times: dict[str, dict[str, float]] = {}
    for done, (name, (f, largest)) in enumerate(functions.items()):
        if progress:
            progress(done, len(functions), name)
        x = np.random.default_rng(1).uniform(-largest, largest, 10_000)
        paces = time_in_turns(methods, [Workload(f, f, (x,))], count, patience=RUN)
        times[name] = {method.label: paces[method.name].nanoseconds for method in methods}
    return Speed(times, about(count))
