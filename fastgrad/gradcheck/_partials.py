"""The partial derivatives of gates and circuits, and the points to check them at."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from ._sampling import sample, sample_vectors


def own_partials(f: Any, args: tuple[Any, ...], of: str) -> tuple[Any, Callable[..., Any], tuple[Any, ...], str, Any]:
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
        return f, _named(getattr(f, of), of, name), args or (sample_vectors(size),), of, 0
    if size is not None or multiple:
        return _of_vectors(f, args, of, name)
    if of != "derivative":
        raise ValueError(f"`of` must be left out for {name}, which has partial derivatives; got {of!r}.")
    nin = getattr(f, "nin", None) or len(inspect.signature(f).parameters)
    args = args or sample(getattr(f, "domain", None) or ((-inf, inf),) * nin)

    def all_partials(*args: Any) -> tuple[Any, ...]:
        result = partials(*args)
        return result if isinstance(result, tuple) else (result,)

    return f, _named(all_partials, "partials", name), args, of, tuple(range(nin))


def _of_vectors(
    f: Any, args: tuple[Any, ...], of: str, name: str
) -> tuple[Any, Callable[..., Any], tuple[Any, ...], str, Any]:
    """Join all arguments of a circuit to one vector, and all its results."""
    if of != "derivative":
        raise ValueError(f"`of` must be left out for {name}, a circuit of several arguments or results; got {of!r}.")
    sizes = (None,) * f.nin if f.n is None else tuple(f.n)
    ends = np.cumsum([s or 1 for s in sizes])

    def parts(x: Any) -> list[Any]:
        cut = np.split(np.asarray(x), ends[:-1], axis=-1)
        return [p if s else p[..., 0] for p, s in zip(cut, sizes, strict=True)]

    def values(x: Any) -> Any:
        result = f(*parts(x))
        result = np.stack(result, axis=-1) if isinstance(result, tuple) else np.asarray(result)
        return result if f.nout is None else result.reshape(*np.shape(x)[:-1], f.nout)

    def jacobian(x: Any) -> Any:
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


def _named(analytic: Callable[..., Any], what: str, name: str) -> Callable[..., Any]:
    """Wrap a function under a name of its own."""

    def titled(*args: Any) -> Any:
        return analytic(*args)

    titled.__name__ = f"{what} of {name}"
    return titled
