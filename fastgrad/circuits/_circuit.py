"""What a traced function is: called like the function, asked for its derivatives, shown as a program or a picture."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import argument_index
from ..tracing import Node, trace
from ._drawing import mermaid, program, svg
from ._gates import kept, through_gate
from ._results import Results
from ._signature import component_names, components, sizes_of


class Circuit:
    """A function that knows its exact derivatives: a graph of gates, each with its own partial derivatives.

    Made by `circuit`. It is called like the function, over any batch. Values, partials, gradient, jacobian and hessian
    are each compiled into one NumPy ufunc when they are asked for the first time, and kept on disk for the next
    process. A circuit of a module pickles by its name, any other together with its function, to be traced anew.

    Attributes
    ----------
    formula : callable
        The function that was traced.
    n : int, tuple of int or None, or None
        Lengths of the vectors that it takes, as given to `circuit`.
    nin : int
        Number of arguments.
    nout : int or None
        Number of results; None for a single number.

    Notes
    -----
    What holds for all methods that compute:

    *Shapes.* Arguments that are numbers broadcast together; of vectors the last axis is the vector, of length `n`, and
    the axes in front broadcast: they are the batch, and come first in every result.

    *Types.* float32 and float16 stay what they are, computed in float64; integers and booleans count as float64.
    Complex arrays, objects and text are refused. Arrays of xarray, pandas and Dask and masked ones give results of
    their kind. NaN marks where there is no derivative; no warning is given.

    *Options.* ``out=`` takes an array of the result's shape, or a tuple of one for each result. ``workers=1`` stays on
    the calling thread; left out, large batches are spread over all cores.

    *Errors.* TypeError for arguments that are no real numbers or too few, ValueError where vectors have another length
    than `n`, batches do not broadcast or `out` does not fit. What a gate of the caller's raises comes unchanged.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> c = fg.circuit(lambda x, y: x * y + np.sin(x))
    >>> c
    circuit <lambda>: 2 inputs, 3 gates, 1 result
      n1  x
      n2  y
      n3  multiply  n1, n2  d/dn1 = n2,  d/dn2 = n1
      n4  sin       n1      d/dn1 = cos(n1)
      n5  add       n3, n4  d/dn3 = 1,  d/dn4 = 1
      result n5
    >>> x = np.linspace(-3, 3, 7)
    >>> float(abs(c.partials(x, 2.0)[0] - (2.0 + np.cos(x))).max()) < 1e-15
    True
    """

    __name__: str

    def __init__(self, f: Callable[..., Any], n: int | Sequence[int | None] | None = None) -> None:
        self.formula = f
        if inspect.isroutine(f):
            self.__formula__ = f
        self._sizes = sizes_of(f, n)
        self.n = None if n is None else self._sizes if isinstance(n, (tuple, list)) else self._sizes[0]
        self.nin = len(self._sizes)
        self._outputs, self._kind = trace(f, self._sizes, kept, through_gate)
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
        """Values at a batch of points: what the function itself gives, compiled.

        Parameters
        ----------
        *args : array_like
            One for each argument of the function; shapes, types, `out`, `workers` and errors as for `Circuit`.

        Returns
        -------
        scalar, ndarray or tuple
            Of the shape of the batch, then that of the function's result. A tuple, if the function takes numbers and
            returns several; a vector's function that returns several gives one array of them.
        """
        found = self._compute("values", args, out, workers)
        return found if self._results.several else found[0]

    def partials(self, *args: Any, out: Any = None, workers: int | None = None) -> tuple[Any, ...]:
        """Exact partial derivatives in every argument, computed together.

        Parameters
        ----------
        *args : array_like
            One for each argument of the function; shapes, types, `out`, `workers` and errors as for `Circuit`.

        Returns
        -------
        tuple
            One entry for each argument. For a number it has the shape of the values; for a vector it is the gradient,
            or the jacobian, with the components on the last axis. A function of numbers that returns several gives a
            tuple of such tuples, one for each result.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> by_x, by_y = fg.circuit(np.hypot).partials(3.0, 4.0)
        >>> float(abs(by_x - 0.6) + abs(by_y - 0.8)) < 1e-15
        True
        """
        found = self._compute("partials", args, out, workers)
        return self._sorted(found)

    def value_and_partials(self, *args: Any, out: Any = None, workers: int | None = None) -> tuple[Any, Any]:
        """Values and all partial derivatives, computed together: what they share is computed once.

        Parameters
        ----------
        *args : array_like
            One for each argument of the function; shapes, types, `workers` and errors as for `Circuit`.
        out : tuple of ndarray, optional
            First those for the values, then those for the partials.

        Returns
        -------
        values, partials
            As from calling the circuit, and as from `partials`.
        """
        count = len(self._outputs) if self._results.several else 1
        found = self._compute("both", args, out, workers)
        return (found[:count] if self._results.several else found[0]), self._sorted(found[count:])

    def _sorted(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._results.several:
            return found
        return tuple(found[k : k + self.nin] for k in range(0, len(found), self.nin))

    def gradient(self, *args: Any, wrt: int = 0, out: Any = None, workers: int | None = None) -> Any:
        """Gradient in a vector argument: ``(..., d) -> (..., d)``.

        Parameters
        ----------
        *args : array_like
            One for each argument of the function; shapes, types, `out`, `workers` and errors as for `Circuit`.
        wrt : int, default 0
            The argument to differentiate in, a vector.

        Returns
        -------
        ndarray
            The partial derivatives of the one result in each component.

        Raises
        ------
        TypeError
            Also when the argument is a number, or the function has several results.

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
        """Jacobian in a vector argument: ``(..., d) -> (..., m, d)``.

        Parameters
        ----------
        *args : array_like
            One for each argument of the function; shapes, types, `out`, `workers` and errors as for `Circuit`.
        wrt : int, default 0
            The argument to differentiate in, a vector.

        Returns
        -------
        ndarray
            Row `i` holds the partial derivatives of result `i`; results that are a matrix keep both of its axes. For a
            function with one result it is the gradient.

        Raises
        ------
        TypeError
            Also when the argument is a number.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> a = np.arange(6.0).reshape(2, 3)
        >>> c = fg.circuit(lambda v: a @ v**2, n=3)
        >>> x = np.linspace(-1, 1, 12).reshape(4, 3)
        >>> float(abs(c.jacobian(x) - 2 * a * x[:, None, :]).max())
        0.0
        """
        return self._derivative("jacobian", args, wrt, out, workers)

    def _derivative(self, name: str, args: Any, wrt: int, out: Any, workers: Any) -> Any:
        return self._compute("jacobian", args, out, workers, self._vector(name, wrt))[0]

    def hessian(self, *args: Any, wrt: int = 0, out: Any = None, workers: int | None = None) -> Any:
        """Hessian in a vector argument: ``(..., d) -> (..., d, d)``, symmetric to the last bit.

        Parameters
        ----------
        *args : array_like
            One for each argument of the function; shapes, types, `out`, `workers` and errors as for `Circuit`.
        wrt : int, default 0
            The argument to differentiate in, twice; a vector.

        Returns
        -------
        ndarray
            The second derivatives of the one result: the chain rule, applied to the gradient's own gates. One triangle
            is computed; the other repeats it.

        Raises
        ------
        TypeError
            Also when the argument is a number, the function has several results, or a gate of the caller's has partials
            that cannot be traced.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> c = fg.circuit(lambda v: np.exp(v[0]) * v[1] ** 2, n=2)
        >>> found = c.hessian([0.0, 3.0])
        >>> float(abs(found - [[9.0, 6.0], [6.0, 2.0]]).max())
        0.0
        """
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
        """Return the numbered program: node, gate, operands, and the partial of the gate in each of them.

        Parameters
        ----------
        *at : float, or sequence of float
            One point, an entry for each argument: then values and partials are numbers, of four digits. Left out, the
            partials are formulas.

        Examples
        --------
        >>> import fastgrad as fg
        >>> print(fg.circuit(lambda x: x * x).to_text(3.0))
        circuit <lambda>: 1 input, 1 gate, 1 result
          n1  x                 = 3
          n2  multiply  n1, n1  = 9  d/dn1 = 3
          result n2
        """
        return program(self.__name__, self._outputs, *self._shown(at))

    def to_mermaid(self, *at: Any) -> str:
        """Return the graph in Mermaid's language, which GitHub and many editors draw.

        Parameters
        ----------
        *at : float, or sequence of float
            One point, an entry for each argument: then nodes show their values, and edges the partial of the gate that
            they enter.
        """
        return mermaid(self._outputs, *self._shown(at))

    def to_svg(self, *at: Any) -> str:
        """Return the graph as a drawing, a page of SVG that stands by itself; notebooks show it.

        Parameters
        ----------
        *at : float, or sequence of float
            One point, an entry for each argument: then nodes show their values, and edges the partial of the gate that
            they enter.

        Notes
        -----
        Drawn in layers, after Sugiyama, Tagawa and Toda (1981).
        """
        return svg(self._outputs, *self._shown(at))

    def _shown(self, at: tuple[Any, ...]) -> tuple[list[str], list[float] | None]:
        """Names of all inputs, and their numbers at the point, if there is one."""
        return component_names(self.formula, self._sizes), components(at, self._sizes) if at else None

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def __repr__(self) -> str:
        return self.to_text()

    def __reduce__(self) -> Any:
        """Circuits of a module travel by name; others take their function along and are traced anew."""
        module, name = getattr(self.formula, "__module__", None), self.__name__
        if getattr(sys.modules.get(module or ""), name, None) is self:
            return _find, (module, name)
        return Circuit, (self.formula, self.n)


def _find(module: str, name: str) -> Any:
    """Find a circuit by name when it is unpickled."""
    __import__(module)
    return getattr(sys.modules[module], name)
