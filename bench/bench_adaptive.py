"""The adaptive rule beside the libraries it competes with: gates, corpus functions, a function nobody can compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import fastgrad as fg
from fastgrad import gates
from fastgrad.comparison import Method
from fastgrad.comparison._methods import INSTALLED, PEERS, method_of
from fastgrad.corpus import CASES, batched

CORPUS = {case.name: case for case in CASES}


def opaque(x: Any) -> Any:
    """Damp a Bessel function, which runs as it is, with arrays."""
    return special.j0(x) * np.exp(-0.1 * x)


def opaque_slope(x: Any) -> Any:
    return -(special.j1(x) + 0.1 * special.j0(x)) * np.exp(-0.1 * x)


#: What is differentiated, its slope, and where: the ranges that the functions are used on.
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[float, float]]] = {
    "gate sigmoid": (gates.sigmoid, gates.sigmoid.partials[0], (-8, 8)),
    "gate sin": (gates.sin, gates.sin.partials[0], (-8, 8)),
    "corpus normal_pdf": (
        CORPUS["normal_pdf"].f, lambda x: -x * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi), (-4, 4)
    ),
    "corpus cubic": (CORPUS["cubic"].f, lambda x: fg.derivative(CORPUS["cubic"].f, x, method="complex"), (-3, 3)),
    "opaque": (opaque, opaque_slope, (1, 30)),
}  # fmt: skip

LIBRARIES = {"fastgrad": "adaptive", "scipy": "scipy", "numdifftools": "numdifftools", "jacobi": "jacobi"}


def method_named(library: str) -> Method:
    word = LIBRARIES[library]
    if word in PEERS and word not in INSTALLED:
        pytest.skip(f"{library} is not installed")
    return method_of(word)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("size", [1, 10**3, 10**6])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_adaptive(name: str, size: int, library: str, points: Any, timed: Any) -> None:
    method = method_named(library)
    f, slope, interval = FUNCTIONS[name]
    # a library that takes points one by one gets fewer: its time per point does not depend on how many
    (x,) = points(min(size, method.limit or size), interval)
    args = (x if size > 1 else x[0],)
    g = f if method.ours else batched(f)
    rounds = {1: 50, 10**3: 20, 10**6: 5}[size] if library in ("fastgrad", "scipy") else 2
    timed(f"adaptive of {name}, {size:.0e} points", lambda: method.run(g, args, 0), slope(args[0]), rounds)
