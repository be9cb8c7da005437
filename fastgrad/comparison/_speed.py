"""How fast this machine is: a few ordinary functions, timed in turns with what people would use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..corpus import Case
from ..corpus._points import uniform
from ..report.speed import Speed
from ._about import about
from ._catalogue import logistic, network, normal
from ._method import Method
from ._methods import method_of
from ._peers import NUMPY, SCIPY
from ._race import race

#: Points of a run; the arrays leave the caches of most machines then.
COUNT = 2_000_000


def cubic(x: Any) -> Any:
    """Polynomial: hardly more than reading and writing."""
    return x * x * x - 2.0 * x


#: What is timed, and the largest argument.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "x*x*x - 2*x": (cubic, 3.0),
    "sigmoid": (logistic, 8.0),
    "normal density": (normal, 4.0),
    "small network": (network, 6.0),
}

#: The least that an array costs: to be read and to be written once.
COPY = Method("plain copy", "copy", lambda f, args, wrt: args[0].copy())


def speed(count: int = COUNT, progress: Callable[[int, int, str], None] | None = None) -> Speed:
    """Time `central`, `adaptive`, NumPy, SciPy and a plain copy on a few functions."""
    methods = (method_of("central"), method_of("adaptive"), NUMPY, SCIPY, COPY)
    times: dict[str, dict[str, float]] = {}
    for done, (name, (f, largest)) in enumerate(FUNCTIONS.items()):
        if progress:
            progress(done, len(FUNCTIONS), name)
        case = Case(name, "", f, uniform(-largest, largest, 10_000, 1), lambda m, x: x)
        paces = race(methods, [case], count)
        times[name] = {method.label: paces[method.name].nanoseconds for method in methods}
    return Speed(times, about(count))
