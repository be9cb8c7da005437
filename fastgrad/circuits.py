"""Circuits: a function run once on symbols, and its exact partial derivatives by the chain rule."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._accumulate import jacobian
from ._containers import over_containers
from ._drawing import mermaid, program, svg
from ._formulas import where
from ._fused import Fused, Group
from ._graph import Node
from ._kinds import PLAIN, kinds
from ._operands import argument_index, threads
from ._signature import argument_names, sizes_of
from ._tracing import trace


class Circuit:
    """A function as a graph of gates, each of which knows its own partial derivatives.

    Made by `circuit`. It is called like the function, over any batch, and gives exact derivatives by the chain rule.
    Everything asked of it is compiled into one fused ufunc when it is asked for the first time.

    Attributes
    ----------
    formula : callable
        The function that was traced.
    n : int, tuple or None
        As given to `circuit`.
    nin : int
        Number of arguments.
    nout : int or None
        Number of results; None for a single number.
    """

    __name__: str

    def __init__(self, f: Callable[..., Any], n: int | Sequence[int | None] | None = None) -> None:
        self.formula = f
        if inspect.isroutine(f):
            self.__formula__ = f
        self.n = n
        self._sizes = sizes_of(f, n)
        self.nin = len(self._sizes)
        self._outputs, self._kind = trace(f, self._sizes)
        self.nout = None if self._kind is None else len(self._outputs)
        self._made: dict[Any, Fused] = {}
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(self, name, getattr(f, name, getattr(type(f), name, None)))

    # What is computed ----------------------------------------------------------------------------------------------

    @property
    def _several(self) -> bool:
        """Whether there are several results of their own, not one array."""
        return self._kind is not None and all(size is None for size in self._sizes)

    @functools.cached_property
    def _jacobian(self) -> list[list[Node]]:
        return jacobian(self._outputs, sum(1 if size is None else size for size in self._sizes))

    def _columns(self, wrt: int) -> slice:
        widths = [1 if size is None else size for size in self._sizes]
        return slice(sum(widths[:wrt]), sum(widths[: wrt + 1]))

    def _shape(self) -> tuple[int, ...]:
        """Shape of the values at one point."""
        return () if self._kind is None else (len(self._outputs),) if self._kind == "tuple" else self._kind

    def _value_groups(self) -> list[Group]:
        if self._several:
            return [Group([node]) for node in self._outputs]
        return [Group(self._outputs, self._shape())]

    def _partial_groups(self, wrt: int) -> list[Group]:
        size, columns = self._sizes[wrt], self._columns(wrt)
        own = () if size is None else (size,)
        if self._several:
            return [Group(row[columns], own) for row in self._jacobian]
        return [Group([node for row in self._jacobian for node in row[columns]], self._shape() + own)]

    def _run(self, what: Any, groups: Callable[[], list[Group]], args: Any, out: Any, workers: Any) -> tuple[Any, ...]:
        for a in args:
            if kinds[type(a)] is not PLAIN and self._sizes == (None,) * len(args):
                return self._over_containers(what, len(groups()), args, out, workers)
        fused = self._made.get(what)
        if fused is None:
            fused = self._made.setdefault(what, Fused(self.formula, self._sizes, groups()))
        return fused(args, out, 1 if workers == 1 else threads(workers))

    def _over_containers(self, what: Any, fields: int, args: Any, out: Any, workers: Any) -> tuple[Any, ...]:
        points = {f"args[{i}]": a for i, a in enumerate(args)}
        named = {"what": what, "out": out, "workers": workers}
        found = over_containers(_results, self, points, named, fields=fields, telling=True)
        return found if fields > 1 else (found,)

    def _groups(self, what: str) -> list[Group]:
        """Return what is to be computed: values, partials or both."""
        values = self._value_groups() if what in ("values", "both") else []
        return values + (self._all_partials() if what in ("partials", "both") else [])

    # What is asked -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, out: Any = None, workers: int | None = None) -> Any:
        """Values at a batch of points; a tuple if the function returns one."""
        found = self._run("values", lambda: self._groups("values"), args, _tuple(out), workers)
        return found if self._several else found[0]

    def partials(self, *args: Any, out: Any = None, workers: int | None = None) -> tuple[Any, ...]:
        """Exact partial derivatives in every argument, as a tuple.

        For a vector argument its partial is the gradient, or the jacobian, with its components on the last axis. A
        function of numbers that returns a tuple gives a tuple of partials for each of its results.
        """
        found = self._run("partials", lambda: self._groups("partials"), args, _tuple(out), workers)
        return self._sorted(found)

    def value_and_partials(self, *args: Any, out: Any = None, workers: int | None = None) -> tuple[Any, Any]:
        """Return the values and all partial derivatives, computed together."""
        count = len(self._outputs) if self._several else 1
        found = self._run("both", lambda: self._groups("both"), args, _tuple(out), workers)
        return (found[:count] if self._several else found[0]), self._sorted(found[count:])

    def _all_partials(self) -> list[Group]:
        columns = [self._partial_groups(i) for i in range(self.nin)]
        return [group for row in zip(*columns, strict=True) for group in row]

    def _sorted(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._several:
            return found
        return tuple(found[k : k + self.nin] for k in range(0, len(found), self.nin))

    def gradient(self, *args: Any, wrt: int = 0, out: Any = None, workers: int | None = None) -> Any:
        """Gradient in a vector argument: ``(..., d) -> (..., d)``.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> c = fg.circuit(lambda v: np.sum(v**2) / 2, n=3)
        >>> x = np.linspace(-1, 1, 12).reshape(4, 3)
        >>> float(abs(c.gradient(x) - x).max())
        0.0
        """
        if self._kind is not None:
            raise TypeError("`gradient` is of a function with one result; this circuit has several. Use `jacobian`.")
        return self._derivative("gradient", args, wrt, out, workers)

    def jacobian(self, *args: Any, wrt: int = 0, out: Any = None, workers: int | None = None) -> Any:
        """Jacobian in a vector argument: ``(..., d) -> (..., m, d)``."""
        return self._derivative("jacobian", args, wrt, out, workers)

    def _derivative(self, name: str, args: Any, wrt: int, out: Any, workers: Any) -> Any:
        wrt = self._vector(name, wrt)

        def groups() -> list[Group]:
            nodes = [node for row in self._jacobian for node in row[self._columns(wrt)]]
            return [Group(nodes, (*self._shape(), int(self._sizes[wrt] or 1)))]

        return self._run(("jacobian", wrt), groups, args, _tuple(out), workers)[0]

    def hessian(self, *args: Any, wrt: int = 0, out: Any = None, workers: int | None = None) -> Any:
        """Hessian in a vector argument: ``(..., d) -> (..., d, d)``, symmetric to the last bit."""
        if self._kind is not None:
            raise TypeError("`hessian` is of a function with one result; this circuit has several. Trace one of them.")
        wrt = self._vector("hessian", wrt)
        columns = self._columns(wrt)

        def groups() -> list[Group]:
            slopes, width = self._jacobian[0][columns], sum(1 if s is None else s for s in self._sizes)
            rows = [row[columns] for row in jacobian(slopes, width)]
            size = len(rows)
            return [Group([rows[max(i, j)][min(i, j)] for i in range(size) for j in range(size)], (size, size))]

        return self._run(("hessian", wrt), groups, args, _tuple(out), workers)[0]

    def _vector(self, name: str, wrt: int) -> int:
        wrt = argument_index(wrt, self.nin)
        if self._sizes[wrt] is None:
            raise TypeError(f"`{name}` is of a vector; argument {wrt} is a number. Use `partials`, or trace with `n=`.")
        return wrt

    # What is shown -------------------------------------------------------------------------------------------------

    def to_text(self, *at: Any) -> str:
        """Return the numbered program: node, gate, operands, partials; with numbers at a point if one is given."""
        return program(self.__name__, self._outputs, self._names(), self._point(at))

    def to_mermaid(self, *at: Any) -> str:
        """Return the graph in Mermaid's language; at a point with values, and the local partial on each edge."""
        return mermaid(self._outputs, self._names(), self._point(at))

    def to_svg(self, *at: Any) -> str:
        """Return the graph as a drawing; at a point with values, and the local partial on each edge."""
        return svg(self._outputs, self._names(), self._point(at))

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def __repr__(self) -> str:
        return self.to_text()

    def _names(self) -> list[str]:
        """Names of all inputs, those of vectors with an index."""
        names = argument_names(self.formula, self.nin)
        return [
            name if size is None else f"{name}[{i}]"
            for name, size in zip(names, self._sizes, strict=True)
            for i in range(1 if size is None else size)
        ]

    def _point(self, at: tuple[Any, ...]) -> list[float] | None:
        if not at:
            return None
        if len(at) != self.nin:
            raise TypeError(f"`at` must be {self.nin} arguments; got {len(at)}.")
        point: list[float] = []
        for value, size in zip(at, self._sizes, strict=True):
            array = np.asarray(value, np.float64)
            if array.shape != (() if size is None else (size,)):
                raise ValueError(f"`at` must be one point, numbers or vectors of length n; got shape {array.shape}.")
            point += array.ravel().tolist()
        return point

    def __reduce__(self) -> Any:
        """Circuits of a module travel by name; others take their function along and are traced anew."""
        module, name = getattr(self.formula, "__module__", None), self.__name__
        if getattr(sys.modules.get(module or ""), name, None) is self:
            return _find, (module, name)
        return circuit, (self.formula, self.n)


__all__ = ["Circuit", "circuit", "where"]


def circuit(f: Callable[..., Any], n: int | Sequence[int | None] | None = None) -> Circuit:
    """Trace a function once on symbols, for its exact derivatives by the chain rule.

    `f` may use gates, Python's operators, NumPy's and `math`'s functions, helpers, loops of fixed length and, on
    vectors, everything that NumPy does to arrays of objects: slices, sums, ``@``, reshaping, stacking. Choices are
    written ``fg.where(condition, a, b)``. At ties and kinks the partials are those of the branch taken.

    Parameters
    ----------
    f : callable
        Function of numbers that broadcast, or of vectors. Arguments with defaults keep them.
    n : int, or sequence of int or None, optional
        Length of the vector that `f` takes; for several arguments one entry each, None for a number. Left out, all
        arguments are numbers.

    Returns
    -------
    Circuit
        Called like `f`; ``c.partials(*args)`` is the tuple of partial derivatives, ``c.gradient(x)``,
        ``c.jacobian(x)`` and ``c.hessian(x)`` are for vectors, with the batch in front. float32 stays float32,
        integers count as float64. All take ``out=`` and ``workers=``. With numbers for arguments, arrays of xarray,
        pandas and Dask and masked ones give results of their kind.

    Raises
    ------
    TypeError
        When `f` cannot be traced: it branches on a value, its loops depend on one, or it calls into code that wants
        numbers. The message names the line.

    Notes
    -----
    Reverse accumulation for few results, forward accumulation where they outnumber the inputs (Griewank and Walther
    2008). Loops are unrolled, up to 10,000 nodes. A thousand are traced and differentiated in a tenth of a second; to
    compile them, once per machine, takes one second for arithmetic and up to ten for functions such as `exp`.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> c = fg.circuit(lambda x, y: np.exp(x * y) * np.sin(x))
    >>> x, y = np.linspace(0.1, 1, 5), 2.0
    >>> by_x, by_y = c.partials(x, y)
    >>> float(abs(by_y - x * np.exp(x * y) * np.sin(x)).max()) < 1e-15
    True
    """
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {f!r:.80}. Pass the function itself, not its value.")
    return Circuit(f, n)


def _tuple(out: Any) -> Any:
    return out if out is None or isinstance(out, tuple) else (out,)


def _results(c: Circuit, *args: Any, what: str, workers: int | None) -> Any:
    """Results of a circuit on what was in containers."""
    found = c._run(what, lambda: c._groups(what), args, None, workers)
    return found if len(found) > 1 else found[0]


def _find(module: str, name: str) -> Any:
    """Find a circuit by name when it is unpickled."""
    __import__(module)
    return getattr(sys.modules[module], name)
