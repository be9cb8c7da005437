"""Circuits: a function run once on symbols, and its exact partial derivatives by the chain rule."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._arguments.operands import argument_index
from ._drawing import mermaid, program, svg
from ._gates import where
from ._graph import Node
from ._results import Results
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
        self._results = Results(f, self._sizes, self._outputs, self._kind)
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(self, name, getattr(f, name, getattr(type(f), name, None)))

    @property
    def _jacobian(self) -> list[list[Node]]:
        return self._results.jacobian

    def _compute(self, what: str, args: Any, out: Any, workers: Any, wrt: int = 0) -> tuple[Any, ...]:
        out = out if out is None or isinstance(out, tuple) else (out,)
        return self._results.compute(self, what, wrt, args, out, workers)

    # What is asked -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, out: Any = None, workers: int | None = None) -> Any:
        """Values at a batch of points; a tuple if the function returns one."""
        found = self._compute("values", args, out, workers)
        return found if self._results.several else found[0]

    def partials(self, *args: Any, out: Any = None, workers: int | None = None) -> tuple[Any, ...]:
        """Exact partial derivatives in every argument, as a tuple.

        For a vector argument its partial is the gradient, or the jacobian, with its components on the last axis. A
        function of numbers that returns a tuple gives a tuple of partials for each of its results.
        """
        found = self._compute("partials", args, out, workers)
        return self._sorted(found)

    def value_and_partials(self, *args: Any, out: Any = None, workers: int | None = None) -> tuple[Any, Any]:
        """Return the values and all partial derivatives, computed together."""
        count = len(self._outputs) if self._results.several else 1
        found = self._compute("both", args, out, workers)
        return (found[:count] if self._results.several else found[0]), self._sorted(found[count:])

    def _sorted(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._results.several:
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
        return self._compute("jacobian", args, out, workers, self._vector(name, wrt))[0]

    def hessian(self, *args: Any, wrt: int = 0, out: Any = None, workers: int | None = None) -> Any:
        """Hessian in a vector argument: ``(..., d) -> (..., d, d)``, symmetric to the last bit."""
        if self._kind is not None:
            raise TypeError("`hessian` is of a function with one result; this circuit has several. Trace one of them.")
        return self._compute("hessian", args, out, workers, self._vector("hessian", wrt))[0]

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
        integers count as float64. All take ``out=`` and ``workers=``. Arrays of xarray, pandas and Dask and masked ones
        give results of their kind, with their labels; as everywhere, the last axis is the vector.

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


def _find(module: str, name: str) -> Any:
    """Find a circuit by name when it is unpickled."""
    __import__(module)
    return getattr(sys.modules[module], name)
