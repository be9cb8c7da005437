"""Traced functions: their values and derivatives, and their drawings."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .._typing import Array, Function
from ..arguments import argument_index, threads
from ..array_kinds import PLAIN, kinds
from ..containers.registry import Layout, over_containers
from ..tracing import Node
from .drawing import mermaid, program, svg
from .fused import Targets
from .signature import component_names, components, sizes_of
from .template import Quantity, Template, template_of

#: `out` and `workers` as they were passed.
Options = Mapping[str, object]
#: One array may be passed as it is.
Out = Array | Targets


class Circuit:
    """A function with its exact derivatives: a graph of gates, each with its partial derivatives; made by `circuit`.

    A circuit is called like the function, over any batch. Values, partials, gradient, jacobian and hessian are each
    compiled into one NumPy ufunc at the first call, and kept on disk; circuits of the same code over other floats and
    arrays share it. A circuit of a module pickles by its name, any other with its function.

    Attributes
    ----------
    formula : callable
        The function that was traced.
    n : int, tuple of int or None, or None
        Lengths of the vectors, as passed to `circuit`.
    nin : int
        Number of arguments.
    nout : int or None
        Number of results; None for a single number.

    Notes
    -----
    Shapes: arguments that are numbers broadcast together. The last axis of a vector argument is the vector, of length
    `n`; the axes in front broadcast: they are the batch, and come first in every result.

    Types: results of float32 and float16 have the same type, computed in float64; integers and booleans count as
    float64. Results for xarray, pandas, Dask and masked arrays are of their kind. NaN marks a missing derivative.

    Options of all methods: ``out=`` takes an array of the result's shape, or a tuple of one for each result;
    ``workers=1`` uses the calling thread only; ``wrt=`` is the position of the vector that `gradient`, `jacobian` and
    `hessian` differentiate in, the first argument by default.

    Errors: TypeError for arguments that are no real numbers or too few, for a `wrt` that is no vector, for the gradient
    and the hessian of several results, and for the hessian of a caller's gate whose partials cannot be traced;
    ValueError where vectors have another length than `n`, batches do not broadcast or `out` does not fit. Exceptions of
    a caller's gate are raised unchanged.

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

    def __init__(self, f: Function, n: int | Sequence[int | None] | None = None) -> None:
        self.formula = f
        if inspect.isroutine(f):
            self.__formula__ = f
        self._sizes = sizes_of(f, n)
        self.n = None if n is None else self._sizes if isinstance(n, (tuple, list)) else self._sizes[0]
        self.nin = len(self._sizes)
        self._template, self._numbers = template_of(f, self._sizes)
        self.nout = None if self._template.arrangement is None else len(self._template.outputs)
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(self, name, getattr(f, name, getattr(type(f), name, None)))

    @functools.cached_property
    def _outputs(self) -> list[Node]:
        """Nodes of the results, with captured numbers as constants."""
        return self._template.nodes(self._numbers)

    def _compute(
        self, quantity: Quantity, args: Sequence[object], out: Out, workers: int | None, wrt: int = 0
    ) -> tuple[Any, ...]:
        out = out if out is None or isinstance(out, tuple) else (out,)
        for a in args:
            if kinds[type(a)] is not PLAIN:
                options = {"out": out, "workers": workers}
                return _over_containers(self, self._template, quantity, wrt, args, options)
        plan = self._template.plan(quantity, wrt, getattr(self.formula, "__name__", "f"))
        return plan.compute(self.formula, self._numbers, args, out, None if workers is None else threads(workers))

    # Numbers ---------------------------------------------------------------------------------------------------

    def __call__(self, *args: object, out: Out = None, workers: int | None = None) -> Any:
        """Values of the function at a batch of points, of the shape of the batch, then that of the function's result.

        They are a tuple if the function takes numbers and returns several; a vector's function gives one array of them.
        """
        results = self._compute("values", args, out, workers)
        return results if self._template.is_tuple else results[0]

    def partials(self, *args: object, out: Out = None, workers: int | None = None) -> tuple[Any, ...]:
        """Exact partial derivatives, computed together: a tuple with one entry for each argument.

        For a number it has the shape of the values; for a vector it is the gradient or the jacobian, components on the
        last axis. A function of numbers that returns several gives a tuple of such tuples, one for each result.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> by_x, by_y = fg.circuit(np.hypot).partials(3.0, 4.0)
        >>> float(abs(by_x - 0.6) + abs(by_y - 0.8)) < 1e-15
        True
        """
        return self._by_result(self._compute("partials", args, out, workers))

    def value_and_partials(self, *args: object, out: Out = None, workers: int | None = None) -> tuple[Any, Any]:
        """Values, as from calling the circuit, and `partials`: what they share is computed once.

        A tuple `out` holds first the arrays for the values, then those for the partials.
        """
        count = len(self._template.outputs) if self._template.is_tuple else 1
        results = self._compute("both", args, out, workers)
        return (results[:count] if self._template.is_tuple else results[0]), self._by_result(results[count:])

    def _by_result(self, results: tuple[Any, ...]) -> tuple[Any, ...]:
        """Group partials by the results that they belong to."""
        if not self._template.is_tuple:
            return results
        return tuple(results[k : k + self.nin] for k in range(0, len(results), self.nin))

    def gradient(self, *args: object, wrt: int = 0, out: Out = None, workers: int | None = None) -> Any:
        """Gradient of the one result in a vector argument: ``(..., d) -> (..., d)``.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> c = fg.circuit(lambda v: np.sum(v**2) / 2, n=3)
        >>> x = np.linspace(-1, 1, 12).reshape(4, 3)
        >>> float(abs(c.gradient(x) - x).max())
        0.0
        """
        if self.nout is not None:
            raise TypeError("`gradient` is of a function with one result; this circuit has several. Use `jacobian`.")
        return self._compute("jacobian", args, out, workers, self._vector("gradient", wrt))[0]

    def jacobian(self, *args: object, wrt: int = 0, out: Out = None, workers: int | None = None) -> Any:
        """Jacobian in a vector argument: ``(..., d) -> (..., m, d)``; of one result it is the gradient.

        Row `i` holds the partial derivatives of result `i`; results that are a matrix keep both of its axes.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> a = np.arange(6.0).reshape(2, 3)
        >>> c = fg.circuit(lambda v: a @ v**2, n=3)
        >>> x = np.linspace(-1, 1, 12).reshape(4, 3)
        >>> float(abs(c.jacobian(x) - 2 * a * x[:, None, :]).max())
        0.0
        """
        return self._compute("jacobian", args, out, workers, self._vector("jacobian", wrt))[0]

    def hessian(self, *args: object, wrt: int = 0, out: Out = None, workers: int | None = None) -> Any:
        """Hessian of the one result in a vector argument: ``(..., d) -> (..., d, d)``, symmetric to the last bit.

        The chain rule is applied to the gradient's own gates. One triangle is computed; the other repeats it.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> c = fg.circuit(lambda v: np.exp(v[0]) * v[1] ** 2, n=2)
        >>> float(abs(c.hessian([0.0, 3.0]) - [[9.0, 6.0], [6.0, 2.0]]).max())
        0.0
        """
        if self.nout is not None:
            raise TypeError("`hessian` is of a function with one result; this circuit has several. Trace one of them.")
        return self._compute("hessian", args, out, workers, self._vector("hessian", wrt))[0]

    def _vector(self, name: str, wrt: int) -> int:
        """Check that argument `wrt` is a vector, and return its position."""
        wrt = argument_index(wrt, self.nin)
        if self._sizes[wrt] is None:
            raise TypeError(f"`{name}` is of a vector; argument {wrt} is a number. Use `partials`, or trace with `n=`.")
        return wrt

    # Drawings ---------------------------------------------------------------------------------------------------------

    def to_text(self, *at: object) -> str:
        """Return the numbered program: node, gate, operands, and the partial of the gate in each of them.

        With the numbers of one point `at`, values and partials are numbers; without it, partials are formulas.

        Examples
        --------
        >>> import fastgrad as fg
        >>> print(fg.circuit(lambda x: x * x).to_text(3.0))
        circuit <lambda>: 1 input, 1 gate, 1 result
          n1  x                 = 3
          n2  multiply  n1, n1  = 9  d/dn1 = 3
          result n2
        """
        return program(self.__name__, self._outputs, *self._inputs_at(at))

    def to_mermaid(self, *at: object) -> str:
        """Return the graph in Mermaid's language, which GitHub and many editors draw; `at` as for `to_text`."""
        return mermaid(self._outputs, *self._inputs_at(at))

    def to_svg(self, *at: object) -> str:
        """Return the graph as a self-contained SVG drawing, which notebooks show; `at` as for `to_text`."""
        return svg(self._outputs, *self._inputs_at(at))

    def _inputs_at(self, at: tuple[object, ...]) -> tuple[list[str], list[float] | None]:
        """Names of all inputs, and their numbers at the point, if there is one."""
        return component_names(self.formula, self._sizes), components(at, self._sizes) if at else None

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def __repr__(self) -> str:
        return self.to_text()

    def __reduce__(self) -> str | tuple[type[Circuit], tuple[object, ...]]:
        """Pickle circuits of a module by name, others with their function, which is traced anew."""
        member: object = getattr(sys.modules.get(self.__module__ or ""), self.__name__, None)
        if member is self:
            return self.__name__
        return Circuit, (self.formula, self.n)


def _over_containers(
    circuit: Circuit, template: Template, quantity: Quantity, wrt: int, args: Sequence[object], options: Options
) -> tuple[Any, ...]:
    """Compute over containers; results whose axes are different vectors one after the other."""
    if not template.is_scalar and quantity in ("partials", "both"):
        requests: list[tuple[Quantity, int]] = [("values", 0)] if quantity == "both" else []
        requests += [("jacobian", i) for i in range(len(template.sizes))]
        return tuple(_over_containers(circuit, template, *one, args, options)[0] for one in requests)
    groups = template.groups(quantity, wrt)
    shape = groups[0].shape
    axes = "de" if quantity == "hessian" else "md" if quantity == "jacobian" and template.sizes[wrt] else "m"
    axes = axes[len(axes) - len(shape) :] if len(shape) < len(axes) else axes
    if len(shape) > len(axes):
        raise TypeError(
            f"`f` must return a number or one row of them for containers; got shape {template.shape}. "
            "Return it raveled, or pass arrays, `numpy.asarray(x)`."
        )
    names = [f"args[{i}]" for i in range(len(args))]
    vectors = {n: 0 if size is None else i for i, (n, size) in enumerate(zip(names, template.sizes, strict=False), 1)}
    results = over_containers(
        _compute_plain,
        circuit,
        dict(zip(names, args, strict=True)),
        {"quantity": quantity, "wrt": wrt, **options},
        Layout(
            axes,
            vectors=vectors if any(vectors.values()) else False,
            fields=len(groups),
            probes_outputs=True,
            along=wrt + 1,
        ),
    )
    return results if len(groups) > 1 else (results,)


def _compute_plain(circuit: Circuit, *args: object, quantity: Quantity, wrt: int, workers: int | None) -> Any:
    """Results of a circuit, which is pickled where workers compute, on the arrays of containers."""
    results = circuit._compute(quantity, args, None, workers, wrt)
    return results if len(results) > 1 else results[0]
