"""Points at which a gate or a circuit is checked: inside its domain, at its edges, at zero, at ties."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The points are the same every time.
SEED = 2024

#: Points drawn in the middle of the domain, and over many powers of ten.
COUNT = 200

#: How large and how small: beyond, most functions are flat, and products of two overflow.
_DECADES = 6

#: Distances from an edge.
_NEAR = tuple(2.0**-k for k in (1, 4, 10, 20, 30, 40))

#: Where formulas branch: zero, wholes, halves.
_SPECIAL = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 10.0, -10.0)


def of_itself(f: Any, args: tuple[Any, ...], of: str) -> tuple[Any, Callable[..., Any], tuple[Any, ...], str, Any]:
    """Return what a gate or a circuit says of itself: function, partials, points, what they are, and in what."""
    partials, size = getattr(f, "partials", None), getattr(f, "n", None)
    if not callable(partials):
        raise TypeError(
            f"`analytic` must be given for a {type(f).__name__}; only gates and circuits bring their own partials. "
            "Call `check(f, analytic, x)`."
        )
    name = getattr(f, "__name__", type(f).__name__)
    several = getattr(f, "nout", None) is not None
    if isinstance(size, int):  # a circuit over vectors
        of = ("jacobian" if several else "gradient") if of == "derivative" else of
        return f, _titled(getattr(f, of), of, name), args or (_drawn(size),), of, 0
    if size is not None or several:
        return _packed(f, args, of, name)
    if of != "derivative":
        raise ValueError(f"`of` must be left out for {name}, which has partial derivatives; got {of!r}.")
    nin = getattr(f, "nin", None) or len(inspect.signature(f).parameters)
    args = args or sample(getattr(f, "domain", None) or ((-inf, inf),) * nin)

    def all_of_them(*args: Any) -> tuple[Any, ...]:
        found = partials(*args)
        return found if isinstance(found, tuple) else (found,)

    return f, _titled(all_of_them, "partials", name), args, of, tuple(range(nin))


def _packed(
    f: Any, args: tuple[Any, ...], of: str, name: str
) -> tuple[Any, Callable[..., Any], tuple[Any, ...], str, Any]:
    """Make one vector of all arguments of a circuit, and one of all its results."""
    if of != "derivative":
        raise ValueError(f"`of` must be left out for {name}, a circuit of several arguments or results; got {of!r}.")
    sizes = (None,) * f.nin if f.n is None else tuple(f.n)
    ends = np.cumsum([s or 1 for s in sizes])

    def parts(x: Any) -> list[Any]:
        cut = np.split(np.asarray(x), ends[:-1], axis=-1)
        return [p if s else p[..., 0] for p, s in zip(cut, sizes, strict=True)]

    def values(x: Any) -> Any:
        found = f(*parts(x))
        found = np.stack(found, axis=-1) if isinstance(found, tuple) else np.asarray(found)
        return found if f.nout is None else found.reshape(*np.shape(x)[:-1], f.nout)

    def slopes(x: Any) -> Any:
        rows = f.partials(*parts(x))
        rows = rows if isinstance(rows[0], tuple) else (rows,)
        shape = np.shape(x)[:-1] if f.nout is None else (*np.shape(x)[:-1], f.nout // len(rows))
        made = [
            np.concatenate([np.reshape(p, (*shape, s or 1)) for p, s in zip(row, sizes, strict=True)], axis=-1)
            for row in rows
        ]
        return made[0] if f.nout is None else np.concatenate(made, axis=-2)

    values.__name__ = name
    if args:
        given = [np.asarray(a, np.float64) for a in args]
        wide = [a if s else a[..., None] for a, s in zip(given, sizes, strict=True)]
        batch = np.broadcast_shapes(*[w.shape[:-1] for w in wide])
        points = np.concatenate([np.broadcast_to(w, (*batch, w.shape[-1])) for w in wide], axis=-1)
    else:
        points = np.stack(sample(((-inf, inf),) * int(ends[-1])), axis=-1)
    of = "gradient" if f.nout is None else "jacobian"
    return values, _titled(slopes, "partials", name), (points,), of, 0


def _titled(analytic: Callable[..., Any], what: str, name: str) -> Callable[..., Any]:
    """Name a function by what it is of; the function of the caller keeps its name."""

    def titled(*args: Any) -> Any:
        return analytic(*args)

    titled.__name__ = f"{what} of {name}"
    return titled


def _drawn(size: int) -> NDArray[np.float64]:
    """Draw vectors, as many as it takes to use every number once."""
    column = _column(np.random.default_rng(SEED), -inf, inf)
    count = max(-(-column.size // size), 10)
    return np.resize(column, (count, size))


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
    tiny = random.choice([-1.0, 1.0], COUNT) * 10.0 ** random.uniform(-_DECADES, _DECADES / 2, COUNT)
    start = low if isfinite(low) else high if isfinite(high) else 0.0
    wide = start + (np.abs(tiny) if isfinite(low) else -np.abs(tiny) if isfinite(high) else tiny)
    found = np.concatenate([inside, wide])
    return np.resize(found[(found > low) & (found < high)], 2 * COUNT)


def _special(low: float, high: float) -> NDArray[np.float64]:
    """Edges and their neighbourhood, and where formulas branch."""
    found = list(_SPECIAL)
    for edge, inward in ((low, 1.0), (high, -1.0)):
        if isfinite(edge):
            found += [edge, *(edge + inward * d * max(abs(edge), 1.0) for d in _NEAR)]
    return np.array([v for v in found if low <= v <= high])
