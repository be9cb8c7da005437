"""Points at which a gate or a circuit is checked: inside its domain, at its edges, at zero, at ties."""

from __future__ import annotations

from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

#: The points are the same every time.
SEED = 2024

#: Points drawn in the middle of the domain, and as many over powers of ten.
COUNT = 200

#: Powers of ten of the smallest and the largest: beyond, most functions are flat, and products of two overflow.
DECADES = (-6.0, 3.0)

#: Distances from an edge, and where formulas branch: zero, integers, halves.
NEAR = tuple(2.0**-k for k in (1, 4, 10, 20, 30, 40))
SPECIAL = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 10.0, -10.0)


def sample_vectors(size: int) -> NDArray[np.float64]:
    """Draw vectors, as many as it takes to use every number once."""
    column = _column(np.random.default_rng(SEED), -inf, inf)
    return np.resize(column, (max(-(-column.size // size), 10), size))


def sample(domain: tuple[tuple[float, float], ...]) -> tuple[NDArray[np.float64], ...]:
    """Draw points from a domain, one array for each argument, the same ones every time."""
    random = np.random.default_rng(SEED)
    columns = [_column(random, low, high) for low, high in domain]
    # every argument at random, then each in turn on its special points, then all at ties
    drawn = [random.permutation(c) for c in columns]
    for i, (low, high) in enumerate(domain):
        special = _special(low, high)
        for k, column in enumerate(columns):
            drawn[k] = np.append(drawn[k], special if k == i else random.choice(column, special.size))
    low, high = max(d[0] for d in domain), min(d[1] for d in domain)
    if len(domain) > 1 and low < high:
        ties = np.concatenate([_column(random, low, high)[:COUNT], _special(low, high)])
        drawn = [np.append(column, ties) for column in drawn]
    return tuple(drawn)


def _column(random: np.random.Generator, low: float, high: float) -> NDArray[np.float64]:
    """Half of the points even over the middle of the domain, half over powers of ten of either sign."""
    inside = random.uniform(max(low, min(-3.0, high - 6.0)), min(high, max(3.0, low + 6.0)), COUNT)
    powers = random.choice([-1.0, 1.0], COUNT) * 10.0 ** random.uniform(*DECADES, COUNT)
    start = low if isfinite(low) else high if isfinite(high) else 0.0
    wide = start + (np.abs(powers) if isfinite(low) else -np.abs(powers) if isfinite(high) else powers)
    values = np.concatenate([inside, wide])
    return np.resize(values[(values > low) & (values < high)], 2 * COUNT)


def _special(low: float, high: float) -> NDArray[np.float64]:
    """Edges and their neighbourhood, and where formulas branch."""
    values = list(SPECIAL)
    for edge, inward in ((low, 1.0), (high, -1.0)):
        if isfinite(edge):
            values += [edge, *(edge + inward * d * max(abs(edge), 1.0) for d in NEAR)]
    return np.array([v for v in values if low <= v <= high])
