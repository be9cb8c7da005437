"""What checks of gradients find: 20 gradients with 12 mistakes each, by fastgrad, JAX and SciPy at their defaults.

``python -m bench.mistakes`` prints the table as Markdown, and what fastgrad misses or has no name for.

- fastgrad: `check` at six points disagrees; *named* when it has a pattern.
- JAX: `jax.test_util.check_grads` raises at one of the points. The gradient under test is the backward pass of a
  `custom_vjp`; both functions are called back. By default JAX computes in float32.
- SciPy: `scipy.optimize.check_grad` returns an error above 1e-5 at one of the points; it gives no verdict of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.test_util import check_grads
from scipy.optimize import check_grad

import fastgrad as fg

from .gradients import CASES, MISTAKES, Case, planted

#: SciPy's error that counts as a mistake.
THRESHOLD = 1e-5


def jax_disagrees(case: Case, df: Callable[[Any], Any], x64: bool = False) -> bool:
    """Tell whether JAX finds a mistake in `df`."""
    with jax.enable_x64(x64):
        dtype = np.float64 if x64 else np.float32
        shape = np.shape(case.f(np.ones(case.dim)))

        def back(function: Callable[[Any], Any], result: tuple[int, ...], x: Any) -> Any:
            call = lambda x: np.asarray(function(np.asarray(x, np.float64)), dtype)  # noqa: E731
            return jax.pure_callback(call, jax.ShapeDtypeStruct(result, dtype), x)

        @jax.custom_vjp
        def f(x: Any) -> Any:
            return back(case.f, shape, x)

        f.defvjp(lambda x: (f(x), x), lambda x, g: (g @ back(df, (*shape, case.dim), x) if shape else
                                                    g * back(df, (case.dim,), x),))  # fmt: skip
        for x in case.points():
            try:
                check_grads(f, (jax.numpy.asarray(x, dtype),), order=1, modes=["rev"])
            except AssertionError:
                return True
    return False


def scipy_disagrees(case: Case, df: Callable[[Any], Any]) -> bool:
    """Tell whether SciPy finds a mistake in `df`."""
    with np.errstate(all="ignore"):
        return any(not check_grad(case.f, df, x) <= THRESHOLD for x in case.points())


def measure(case: Case) -> dict[str, Any]:
    """Return what was found in a case, and false alarms on its right gradient, by method."""
    counts = {name: 0 for name in ("fastgrad", "named", "JAX", "JAX, 64 bits", "SciPy")}
    right = fg.check(case.f, case.df, case.points(), of=case.of)
    alarms = {
        "fastgrad": bool(right.counts["DISAGREES"]), "JAX": jax_disagrees(case, case.df),
        "JAX, 64 bits": jax_disagrees(case, case.df, x64=True), "SciPy": scipy_disagrees(case, case.df),
    }  # fmt: skip
    missed, unnamed = [], []
    for mistake in MISTAKES:
        df = planted(case, mistake)
        result = fg.check(case.f, df, case.points(), of=case.of)
        counts["fastgrad"] += result.counts["DISAGREES"] > 0
        counts["named"] += bool(result.patterns)
        counts["JAX"] += jax_disagrees(case, df)
        counts["JAX, 64 bits"] += jax_disagrees(case, df, x64=True)
        counts["SciPy"] += scipy_disagrees(case, df)
        if not result.counts["DISAGREES"]:
            missed.append(mistake)
        elif not result.patterns:
            unnamed.append(mistake)
    return {"counts": counts, "alarms": alarms, "missed": missed, "unnamed": unnamed}


def main() -> None:
    """Print the table."""
    names = ("fastgrad", "named", "JAX", "JAX, 64 bits", "SciPy")
    print(f"| found, of {len(MISTAKES)} | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}")
    measured = {}
    for case in CASES:
        measured[case.f.__name__] = one = measure(case)
        cells = [f"{one['counts'][n]}{', false alarm' * one['alarms'].get(n, False)}" for n in names]
        print(f"| {case.f.__name__.replace('_', ' ')} | {' | '.join(cells)} |", flush=True)
    total = {n: sum(one["counts"][n] for one in measured.values()) for n in names}
    print(f"| all {len(CASES) * len(MISTAKES)} | {' | '.join(str(total[n]) for n in names)} |")
    alarms = {n: sum(one["alarms"].get(n, False) for one in measured.values()) for n in names}
    print(f"| false alarms, of {len(CASES)} | {' | '.join(str(alarms[n]) if n != 'named' else '' for n in names)} |\n")
    for what in ("missed", "unnamed"):
        print(f"{what}: " + "; ".join(f"{name}: {', '.join(m[what])}" for name, m in measured.items() if m[what]))


if __name__ == "__main__":
    main()
