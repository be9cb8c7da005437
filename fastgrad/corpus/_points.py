"""Seeded lists of points, equal on every platform: no power or logarithm of the C library takes part."""

from __future__ import annotations

import math

import numpy as np


def uniform(lo: float, hi: float, n: int, seed: int) -> tuple[float, ...]:
    """Draw `n` points evenly from an interval."""
    u = np.random.default_rng(seed).random(n)
    return tuple((lo + (hi - lo) * u).tolist())


def decades(lo: float, hi: float, n: int, seed: int, sign: str = "+") -> tuple[float, ...]:
    """Draw `n` points of every magnitude from `lo` to `hi`; `sign` is "+", "-" or "+-"."""
    rng = np.random.default_rng(seed)
    first, last = math.frexp(lo)[1] - 1, math.frexp(hi)[1] - 1
    exponents = rng.integers(first, last, size=n)
    values = [math.ldexp(1 + u, int(e)) for u, e in zip(rng.random(n).tolist(), exponents, strict=True)]
    signs = {"+": [1.0], "-": [-1.0], "+-": [1.0, -1.0]}[sign]
    return tuple(signs[i % len(signs)] * v for i, v in enumerate(values))


def near(a: float, lo: float, hi: float, n: int, seed: int, sign: str = "+") -> tuple[float, ...]:
    """Draw `n` points at every distance from `lo` to `hi` from `a`."""
    return tuple(a + d for d in decades(lo, hi, n, seed, sign))
