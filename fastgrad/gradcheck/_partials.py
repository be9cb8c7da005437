"""The partial derivatives of gates and circuits, and the points to check them at."""

from __future__ import annotations

import inspect
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Array, FloatArray, Function

#: The points are the same every time.
SEED = 2024

#: Points drawn in the middle of the domain, and as many over powers of ten.
COUNT = 200

#: Powers of ten of the smallest and the largest: beyond, most functions are flat, and products of two overflow.
DECADES = (-6.0, 3.0)

#: Distances from an edge, and where formulas branch: zero, integers, halves.
NEAR = tuple(2.0**-k for k in (1, 4, 10, 20, 30, 40))
SPECIAL = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 10.0, -10.0)


#: What `check` is called with: `f`, `analytic`, `args`, `of` and `wrt`.
CheckArguments = tuple[Function, Function, tuple[object, ...], str, int | tuple[int, ...]]


def own_partials(f: Any, args: tuple[object, ...], of: str) -> CheckArguments:
    """Return the arguments of the check of a gate or a circuit: `f`, `analytic`, `args`, `of` and `wrt`."""
    partials, size = getattr(f, "partials", None), getattr(f, "n", None)
    if not callable(partials):
        raise TypeError(
            f"`analytic` must be given for a {type(f).__name__}; only gates and circuits have partials of their own. "
            "Call `check(f, analytic, x)`."
        )
    name = getattr(f, "__name__", type(f).__name__)
    multiple = getattr(f, "nout", None) is not None
    if isinstance(size, int):  # a circuit over vectors
        of = ("jacobian" if multiple else "gradient") if of == "derivative" else of
        if not args:  # as many vectors as it takes to use every number once
            column = _column(np.random.default_rng(SEED), -inf, inf)
            args = (np.resize(column, (max(-(-column.size // size), 10), size)),)
        return f, _named(getattr(f, of), of, name), args, of, 0
    if size is not None or multiple:
        return _of_vectors(f, args, of, name)
    if of != "derivative":
        raise ValueError(f"`of` must be left out for {name}, which has partial derivatives; got {of!r}.")
    nin = getattr(f, "nin", None) or len(inspect.signature(f).parameters)
    args = args or sample(getattr(f, "domain", None) or ((-inf, inf),) * nin)

    def all_partials(*args: object) -> tuple[object, ...]:
        result = partials(*args)
        return result if isinstance(result, tuple) else (result,)

    return f, _named(all_partials, "partials", name), args, of, tuple(range(nin))


def _of_vectors(f: Any, args: tuple[object, ...], of: str, name: str) -> CheckArguments:
    """Join all arguments of a circuit to one vector, and all its results."""
    if of != "derivative":
        raise ValueError(f"`of` must be left out for {name}, a circuit of several arguments or results; got {of!r}.")
    sizes = (None,) * f.nin if f.n is None else tuple(f.n)
    ends = np.cumsum([s or 1 for s in sizes])

    def parts(x: ArrayLike) -> list[Array]:
        cut = np.split(np.asarray(x), ends[:-1], axis=-1)
        return [p if s else p[..., 0] for p, s in zip(cut, sizes, strict=True)]

    def values(x: ArrayLike) -> Array:
        result = f(*parts(x))
        result = np.stack(result, axis=-1) if isinstance(result, tuple) else np.asarray(result)
        return result if f.nout is None else result.reshape(*np.shape(x)[:-1], f.nout)

    def jacobian(x: ArrayLike) -> Array:
        rows = f.partials(*parts(x))
        rows = rows if isinstance(rows[0], tuple) else (rows,)
        shape = np.shape(x)[:-1] if f.nout is None else (*np.shape(x)[:-1], f.nout // len(rows))
        joined = [
            np.concatenate([np.reshape(p, (*shape, s or 1)) for p, s in zip(row, sizes, strict=True)], axis=-1)
            for row in rows
        ]
        return joined[0] if f.nout is None else np.concatenate(joined, axis=-2)

    values.__name__ = name
    if args:
        arrays = [np.asarray(a, np.float64) for a in args]
        wide = [a if s else a[..., None] for a, s in zip(arrays, sizes, strict=True)]
        batch = np.broadcast_shapes(*[w.shape[:-1] for w in wide])
        points = np.concatenate([np.broadcast_to(w, (*batch, w.shape[-1])) for w in wide], axis=-1)
    else:
        points = np.stack(sample(((-inf, inf),) * int(ends[-1])), axis=-1)
    of = "gradient" if f.nout is None else "jacobian"
    return values, _named(jacobian, "partials", name), (points,), of, 0


def _named(analytic: Function, what: str, name: str) -> Function:
    """Wrap a function under a name of its own."""

    def titled(*args: object) -> object:
        return analytic(*args)

    titled.__name__ = f"{what} of {name}"
    return titled


def sample(domain: tuple[tuple[float, float], ...]) -> tuple[FloatArray, ...]:
    """Draw points from a domain, one array for each argument, the same ones every time."""
    random = np.random.default_rng(SEED)
    columns = [_column(random, low, high) for low, high in domain]
    # every argument at random, then each in turn on its special points, then all at ties
    samples = [random.permutation(c) for c in columns]
    for i, (low, high) in enumerate(domain):
        special = _special(low, high)
        for k, column in enumerate(columns):
            samples[k] = np.append(samples[k], special if k == i else random.choice(column, special.size))
    low, high = max(d[0] for d in domain), min(d[1] for d in domain)
    if len(domain) > 1 and low < high:
        ties = np.concatenate([_column(random, low, high)[:COUNT], _special(low, high)])
        samples = [np.append(column, ties) for column in samples]
    return tuple(samples)


def _column(random: np.random.Generator, low: float, high: float) -> FloatArray:
    """Half of the points even over the middle of the domain, half over powers of ten of either sign."""
    inside = random.uniform(max(low, min(-3.0, high - 6.0)), min(high, max(3.0, low + 6.0)), COUNT)
    powers = random.choice([-1.0, 1.0], COUNT) * 10.0 ** random.uniform(*DECADES, COUNT)
    start = low if isfinite(low) else high if isfinite(high) else 0.0
    wide = start + (np.abs(powers) if isfinite(low) else -np.abs(powers) if isfinite(high) else powers)
    values = np.concatenate([inside, wide])
    return np.resize(values[(values > low) & (values < high)], 2 * COUNT)


def _special(low: float, high: float) -> FloatArray:
    """Edges and their neighbourhood, and where formulas branch."""
    values = list(SPECIAL)
    for edge, inward in ((low, 1.0), (high, -1.0)):
        if isfinite(edge):
            values += [edge, *(edge + inward * d * max(abs(edge), 1.0) for d in NEAR)]
    return np.array([v for v in values if low <= v <= high])
