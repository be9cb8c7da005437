"""Families of functions and derivatives: fastgrad beside SciPy and numdifftools, timed by turns in one run.

    python bench/bench_families.py                    print the table; a few minutes, after compiling
    python bench/bench_families.py noise "n=1 left"   only families with one of these words in their name
    pytest bench/bench_families.py                    the same as benchmarks, the figures in ``extra_info``

In every turn each library runs once, after a pause in which the threads of a BLAS come to rest. A ratio is the median
of the ratios of the turns, which take what else the machine does in their stride better than ratios of medians do.
Errors are medians over the points; that of a vector's derivative is its largest error over its largest entry; what is
not finite counts as an error of infinity. Rivals run with their defaults, which have steps for arguments of size 1: a
short time beside a great error is a refusal. Where a family says *step told*, SciPy and numdifftools are told the scale
to begin with, and fastgrad is told nothing.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from scipy import differentiate

import fastgrad as fg

LIBRARIES = ("fastgrad", "scipy", "numdifftools")

#: Seconds before a call in which the calling thread does no work: threads of a BLAS wait for more in a loop for some
#: 25 ms after the call that needed them, and take a core from whatever is timed next.
PAUSE = 0.05


@dataclass(frozen=True)
class Sizes:
    """How many points and vectors, how many of them for numdifftools, and how many turns."""

    points: int = 100_000
    vectors: int = 1000
    fewer_points: int = 10_000
    fewer_vectors: int = 200
    hessians: int = 10
    turns: int = 9

    #: Seconds after which three turns are enough; after five times as many, one is.
    patience: float = 4.0


SMALL = Sizes(points=5, vectors=1, turns=1)


def at(low: float, high: float) -> Callable[[Any, Any], Any]:
    """Points spread evenly over an interval, or all coordinates of vectors."""
    return lambda random, shape: random.uniform(low, high, shape)


@dataclass(frozen=True)
class Family:
    """A function, the derivative that is asked for and what it is, where, and how many times faster than whom."""

    f: Callable[..., Any]
    exact: Callable[..., Any]
    where: Callable[[Any, Any], Any] = at(-5, 5)
    n: int = 1
    side: str = "both"
    of: str = "derivative"
    d: int = 0
    goals: dict[str, float] = field(default_factory=dict)
    told: Callable[..., Any] | None = None

    def points(self, sizes: Sizes) -> Any:
        return self.where(np.random.default_rng(2024), (sizes.vectors, self.d) if self.d else sizes.points)

    def fewer(self, sizes: Sizes) -> int:
        return {"derivative": sizes.fewer_points, "hessian": sizes.hessians}.get(self.of, sizes.fewer_vectors)


# The same function for all; one of vectors is a function of one vector for fastgrad, and has batches behind for others.
POWER = -0.3 + 3j


def wave(x: Any) -> Any:
    return np.exp(-0.3 * x) * np.sin(3.0 * x)


def wave_slope(x: Any, n: int = 1) -> Any:
    return (POWER**n * np.exp(POWER * x)).imag


def single(x: Any) -> Any:
    """Compute the wave in single precision."""
    y = np.float32(x)
    return np.float64(np.exp(np.float32(-0.3) * y) * np.sin(np.float32(3.0) * y))


def noisy(amplitude: float) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        hashed = np.sin(x * 12.9898e5) * 43758.5453
        return np.exp(-0.3 * x) * np.sin(3.0 * x) + amplitude * (hashed - np.floor(hashed) - 0.5)

    return f


def kinked(x: Any) -> Any:
    return np.abs(x - 0.3) * np.exp(-0.1 * x)


def kinked_slope(x: Any) -> Any:
    return (np.sign(x - 0.3) - 0.1 * np.abs(x - 0.3)) * np.exp(-0.1 * x)


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


def rosenbrock_slope(x: Any) -> Any:
    slope, gap = np.zeros_like(x), x[:, 1:] - x[:, :-1] ** 2
    slope[:, :-1] = -400 * x[:, :-1] * gap - 2 * (1 - x[:, :-1])
    slope[:, 1:] += 200 * gap
    return slope


def rosenbrock_bend(x: Any) -> Any:
    bend, i = np.zeros((*x.shape, x.shape[1])), np.arange(x.shape[1] - 1)
    bend[:, i, i] = 1200 * x[:, :-1] ** 2 - 400 * x[:, 1:] + 2
    bend[:, i + 1, i + 1] += 200
    bend[:, i, i + 1] = bend[:, i + 1, i] = -400 * x[:, :-1]
    return bend


def ring(x: Any) -> Any:
    """Couple every coordinate with the next, the last with the first."""
    return np.sin(x) * np.concatenate((x[1:], x[:1])) + np.exp(-x * x)


def ring_slope(x: Any) -> Any:
    d = x.shape[1]
    slope, i = np.zeros((*x.shape, d)), np.arange(d)
    slope[:, i, i] = np.cos(x) * np.roll(x, -1, axis=1) - 2 * x * np.exp(-x * x)
    slope[:, i, (i + 1) % d] = np.sin(x)
    return slope


ONE_SIDED, VECTORS, ROUGH, HIGHER = {"scipy": 5.0}, {"scipy": 5.0}, {"scipy": 2.0}, {"numdifftools": 15.0}

TINY = Family(lambda x: np.exp(1e9 * x), lambda x: 1e9 * np.exp(1e9 * x), at(-3e-9, 3e-9), goals=ROUGH)
HUGE = Family(lambda x: np.sin(x / 1e6), lambda x: np.cos(x / 1e6) / 1e6, at(-3e6, 3e6), goals=ROUGH)
LOG = Family(np.log, lambda x: 1 / x, lambda random, shape: 10 ** random.uniform(-8, -1, shape))


def told(family: Family, step: Callable[..., Any]) -> Family:
    return Family(family.f, family.exact, family.where, goals=family.goals, told=step)


FAMILIES: dict[str, Family] = {
    "n=1 both sides": Family(wave, wave_slope, goals={"scipy": 12.0}),
    "n=1 left": Family(wave, wave_slope, side="left", goals=ONE_SIDED),
    "n=1 right": Family(wave, wave_slope, side="right", goals=ONE_SIDED),
    **{f"n={n}": Family(wave, partial(wave_slope, n=n), n=n, goals=HIGHER) for n in (2, 3, 4)},
    "float32": Family(single, wave_slope, goals=ROUGH),
    "float32 values": Family(lambda x: np.float64(np.float32(wave(x))), wave_slope, goals=ROUGH),
    **{f"noise {size:.0e}": Family(noisy(size), wave_slope, goals=ROUGH) for size in (1e-10, 1e-6, 1e-3)},
    "noise 1e-06, left": Family(noisy(1e-6), wave_slope, side="left"),
    "noise 1e-06, n=2": Family(noisy(1e-6), partial(wave_slope, n=2), n=2),
    "kinked abs": Family(kinked, kinked_slope, goals=ROUGH),
    "kinked maximum": Family(lambda x: np.maximum(x, 0.1 * x), lambda x: np.where(x > 0, 1.0, 0.1), goals=ROUGH),
    "sin(30 x)": Family(lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x)),
    "exp(1e9 x)": TINY,
    "exp(1e9 x), step told": told(TINY, lambda x: 5e-10),
    "sin(x / 1e6)": HUGE,
    "sin(x / 1e6), step told": told(HUGE, lambda x: 5e5),
    "exp": Family(np.exp, np.exp),
    "log near 0": LOG,
    "log near 0, step told": told(LOG, lambda x: x / 2),
    "sqrt": Family(np.sqrt, lambda x: 0.5 / np.sqrt(x), at(0, 4)),
    "tanh saturated": Family(np.tanh, lambda x: np.cosh(x) ** -2.0, at(3, 10)),
    "x**5": Family(lambda x: x**5, lambda x: 5 * x**4),
    "logistic loss": Family(lambda x: np.log1p(np.exp(-x)), lambda x: -1 / (1 + np.exp(x)), at(-8, 8)),
    "gradient d=10": Family(rosenbrock, rosenbrock_slope, at(-2, 2), of="gradient", d=10, goals=VECTORS),
    "jacobian d=3": Family(ring, ring_slope, at(-2, 2), of="jacobian", d=3, goals=VECTORS),
    "jacobian d=10": Family(ring, ring_slope, at(-2, 2), of="jacobian", d=10, goals=VECTORS),
    "hessian d=5": Family(rosenbrock, rosenbrock_bend, at(-2, 2), of="hessian", d=5, goals=VECTORS),
}


def by_fastgrad(family: Family, x: Any) -> Callable[[], Any]:
    if family.d:
        return partial(getattr(fg, family.of), family.f, x)
    plain = family.n == 1 and family.side == "both"
    method = "adaptive" if plain else fg.adaptive(n=family.n, side=family.side)
    return lambda: fg.derivative(family.f, x, method=method)


def by_scipy(family: Family, x: Any) -> Callable[[], Any] | None:
    """Use `scipy.differentiate`, where the vector is the first axis; it has no higher derivatives in one argument."""
    f = family.f
    if family.of == "hessian":
        return lambda: np.moveaxis(differentiate.hessian(f, x.T).ddf, -1, 0)
    if family.d:
        return lambda: np.moveaxis(differentiate.jacobian(f, x.T).df, -1, 0)
    if family.n > 1:
        return None
    options: dict[str, Any] = {"step_direction": {"both": 0, "left": -1, "right": 1}[family.side]}
    if family.told:
        options["initial_step"] = family.told(x)
    return lambda: differentiate.derivative(f, x, **options).df


def by_numdifftools(family: Family, x: Any) -> Callable[[], Any] | None:
    """Use `numdifftools`, all points in one call except for hessians, of which it takes one vector each."""
    if find_spec("numdifftools") is None:
        return None
    import numdifftools as nd

    f = family.f
    if family.of == "hessian":
        return lambda: np.stack([nd.Hessian(f)(v) for v in x])
    if family.of == "gradient":  # its Gradient takes one vector, and ten times as long for each
        return lambda: np.moveaxis(nd.Jacobian(lambda v: f(v)[None])(x.T)[0], -1, 0)
    if family.of == "jacobian":
        return lambda: np.moveaxis(nd.Jacobian(f)(x.T), -1, 0)
    method = {"both": "central", "left": "backward", "right": "forward"}[family.side]
    step = nd.MaxStepGenerator(base_step=family.told(x)) if family.told else None
    return lambda: nd.Derivative(f, n=family.n, method=method, step=step)(x)


def median_error(got: Any, exact: Any) -> float:
    axes = tuple(range(1, exact.ndim))
    error = np.max(np.abs(got - exact), axis=axes) / np.max(np.abs(exact), axis=axes)
    return float(np.median(np.where(np.isfinite(error), error, np.inf)))


def measured(family: Family, sizes: Sizes) -> dict[str, float]:
    """Warm all libraries up, which gives the errors, then time them by turns; times are for one point or vector."""
    x = family.points(sizes)
    some = x[: family.fewer(sizes)]
    tried = (by_fastgrad(family, x), x), (by_scipy(family, x), x), (by_numdifftools(family, some), some)
    calls = {name: pair for name, pair in zip(LIBRARIES, tried, strict=True) if pair[0] is not None}
    errors, turns = {}, []
    for name, (call, there) in calls.items():
        errors[name] = median_error(quietly(name, call)[1], family.exact(there))
    start = perf_counter()
    while len(turns) < sizes.turns and perf_counter() - start < sizes.patience * (1 if len(turns) >= 3 else 5):
        turns.append({name: quietly(name, call)[0] / len(there) for name, (call, there) in calls.items()})
    found = {f"{name}_error": error for name, error in errors.items()}
    for name in calls:
        found[f"{name}_ns"] = float(np.median([turn[name] for turn in turns])) * 1e9
        found[f"{name}_ratio"] = float(np.median([turn[name] / turn["fastgrad"] for turn in turns]))
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def quietly(name: str, call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call and what it returns; others warn where they leave the domain, fastgrad has no reason to."""
    with warnings.catch_warnings(), np.errstate(all="warn" if name == "fastgrad" else "ignore"):
        if name != "fastgrad":
            warnings.simplefilter("ignore")
        until = perf_counter() + PAUSE
        while perf_counter() < until:  # sleeping would let the clock of the core fall
            pass
        start = perf_counter()
        result = call()
        return perf_counter() - start, result


@pytest.mark.parametrize("name", FAMILIES)
def test_family(name: str, request: pytest.FixtureRequest, timed: Any, benchmark: Any) -> None:
    """Time fastgrad as every benchmark does, and keep beside it what the others took in turns with it."""
    family = FAMILIES[name]
    sizes = SMALL if request.config.getoption("benchmark_disable") else Sizes()
    found = measured(family, sizes)
    x = family.points(sizes)
    rounds = int(np.clip(sizes.patience / (found["fastgrad_ns"] * 1e-9 * len(x)), 2, 9))
    timed(f"families: {name}", by_fastgrad(family, x), family.exact(x), rounds)
    benchmark.extra_info.update(found)
    benchmark.extra_info["goals"] = dict(family.goals)


def row(name: str, found: dict[str, float], goals: dict[str, float]) -> str:
    line = f"{name:24}" + "".join(f"{found.get(f'{who}_ns', np.nan):13,.0f}" for who in LIBRARIES)
    for who in LIBRARIES[1:]:
        ratio, goal = found.get(f"{who}_ratio", np.nan), goals.get(who)
        line += f"{ratio:9.1f}" + (f" {'>=' if ratio >= goal else 'not':3} {goal:<3.0f}" if goal else " " * 8)
    line += "".join(f"{found.get(f'{who}_error', np.nan):9.0e}" for who in LIBRARIES)
    return line.replace("nan", "  -")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print ns/point, ratios with their goals, and median relative errors.")
    parser.add_argument("names", nargs="*", help="families with one of these in their name; all without")
    chosen, short = parser.parse_args(words).names, ("fastgrad", "scipy", "nd")
    print(f"{os.cpu_count()} cores, {fg.__file__}; a point is a vector where there are vectors")
    print(f"{'':24}{'ns/point':>13}{'':26}{'times as long as fastgrad':>31}{'':3}{'median relative error':>27}")
    print(f"{'family':24}" + "".join(f"{who:>13}" for who in short), end="")
    print("".join(f"{who:>9}{'':8}" for who in short[1:]) + "".join(f"{who:>9}" for who in short))
    for name, family in FAMILIES.items():
        if not chosen or any(word in name for word in chosen):
            print(row(name, measured(family, Sizes()), family.goals), flush=True)


if __name__ == "__main__":
    main()
