"""What a gate is: a scalar formula with its partial derivatives beside it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

import numpy as np
from numba.core import types
from numba.extending import typeof_impl

from ._arguments.containers import over_containers
from ._arguments.kinds import PLAIN, kinds
from ._arguments.operands import argument, checked_out, common_shape, result_kind
from ._compiling.kernels import jit
from ._compiling.operators import Uncompilable
from ._engines.functions import function
from ._reading.references import Reading

Interval = tuple[float, float]


class Gate:
    """A function of a few numbers that knows its own exact derivative.

    A gate is called like a NumPy ufunc: arguments broadcast, `out=` takes the result, float32 stays float32, integers
    and booleans count as float64, arrays of xarray, pandas, Dask and masked ones stay what they are. It runs as machine
    code, inside Numba functions too, and it can be pickled.
    NaN marks what is undefined; no warning is given.

    Attributes
    ----------
    formula : callable
        The plain Python function of scalars it was made from.
    partials : Partials
        ``gate.partials(*args)`` gives the tuple of exact partial derivatives, ``gate.partials[i]`` is one of them.
    domain : tuple of (low, high)
        For each argument the open interval on which the gate is defined.
    nin : int
        Number of arguments.
    ufunc : numpy.ufunc
        The NumPy ufunc behind the gate.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgrad import gates
    >>> x = np.linspace(-3, 3, 7)
    >>> float(np.max(abs(gates.sigmoid(x) - 1 / (1 + np.exp(-x))))) < 1e-15
    True
    """

    __name__: str
    __not_differentiable__: str

    def __init__(
        self,
        formula: Callable[..., Any],
        partials: Sequence[Callable[..., Any]] | Callable[..., Any] | None = None,
        domain: Sequence[Interval] | Interval | None = None,
        *,
        soft: str | None = None,
    ) -> None:
        if not callable(formula):
            raise TypeError(
                f"`formula` must be a function of scalars; got {formula!r:.80}. "
                "Write `@gate(partials=...)` above a `def`."
            )
        self.formula = self.__formula__ = formula
        self._parameters = inspect.signature(formula).parameters
        required = [p for p in self._parameters.values() if p.default is p.empty]
        self.nin = len(required)
        self._soft = soft
        self.domain = _domain(domain, self.nin)
        self._partials = None if soft else Partials(self, partials)
        functools.update_wrapper(self, formula)
        if soft:
            self.__not_differentiable__ = (
                f"`{self.__name__}` is a logic gate: its values are true and false, it has no derivative. "
                f"Use the differentiable `{soft}`."
            )

    @property
    def partials(self) -> Partials:
        """The exact partial derivatives."""
        if self._partials is None:
            raise TypeError(self.__not_differentiable__)
        return self._partials

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """Value of the gate; arguments broadcast together."""
        for a in args:
            if hasattr(a, "__gate__"):  # a node of a circuit being traced: it takes the gate down
                return a.__gate__(self, args)
        if named:
            args = inspect.Signature(list(self._parameters.values())).bind(*args, **named).args
        return _apply(self, args, out, "?" if self._soft else "d")

    @property
    def ufunc(self) -> Any:
        """The NumPy ufunc behind the gate, with float64 arguments."""
        return function(self, self.nin).ufunc

    @functools.cached_property
    def kernel(self) -> Any:
        """The compiled scalar kernel, for use inside Numba functions."""
        return jit(Reading(self).linked)

    def __reduce__(self) -> Any:
        """Gates of a module travel by name; others take their parts along."""
        module = sys.modules.get(self.formula.__module__)
        if getattr(module, self.__name__, None) is self:
            return _find, (self.formula.__module__, self.__name__)
        parts = None if self._partials is None else self._partials.formulas
        return _rebuild, (self.formula, parts, self.domain, self._soft)

    def __repr__(self) -> str:
        return f"<gate {self.__name__}({', '.join(map(str, self._parameters.values()))})>"


class Partials:
    """The partial derivatives of a gate: call it for all of them, index it for one.

    Examples
    --------
    >>> from fastgrad import gates
    >>> gates.multiply.partials(3.0, 4.0)
    (np.float64(4.0), np.float64(3.0))
    >>> gates.multiply.partials[0](3.0, 4.0)
    np.float64(4.0)
    """

    def __init__(self, gate: Gate, partials: Any) -> None:
        if partials is None:
            raise TypeError("`partials` must be given; got None. Pass one function for each argument of the formula.")
        if callable(partials):
            together = partials
            partials = [together] if gate.nin == 1 else [_nth(together, i) for i in range(gate.nin)]
        self.formulas: tuple[Callable[..., Any], ...] = tuple(partials)
        self._nin = gate.nin
        if len(self.formulas) != gate.nin or not all(map(callable, self.formulas)):
            raise ValueError(
                f"`partials` must be one function for each of the {gate.nin} arguments; got {len(self.formulas)}. "
                "Pass a tuple of functions, or one function that returns a tuple."
            )

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """Return all partial derivatives at `args`."""
        return tuple(partial(*args) for partial in self)

    def __len__(self) -> int:
        return len(self.formulas)

    def __getitem__(self, i: int) -> Callable[..., Any]:
        formula = self.formulas[i]

        def partial(*args: Any, out: Any = None) -> Any:
            return _apply(formula, args, out, "d")

        return partial

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return (self[i] for i in range(len(self)))


def gate(
    partials: Sequence[Callable[..., Any]] | Callable[..., Any], domain: Any = None
) -> Callable[[Callable[..., Any]], Gate]:
    """Make a gate out of a scalar formula and its partial derivatives.

    Parameters
    ----------
    partials : sequence of callables, or a callable
        One function of the same arguments for each argument; or one that returns all partials as a tuple.
    domain : (low, high), or a sequence of them, optional
        Open interval on which the formula is defined, for each argument; the whole line by default.

    Returns
    -------
    callable
        A decorator that turns the formula into a `Gate`.

    Raises
    ------
    TypeError, ValueError
        When partials or domain do not fit the formula.

    Examples
    --------
    >>> import math, fastgrad as fg
    >>> @fg.gate(partials=lambda x: (1 - math.log(x)) / x**2, domain=(0, math.inf))
    ... def log_over_x(x):
    ...     return math.log(x) / x
    >>> abs(float(log_over_x.partials(2.0)[0] - fg.derivative(log_over_x, 2.0))) < 1e-9
    True
    """

    def decorate(formula: Callable[..., Any]) -> Gate:
        return Gate(formula, partials, domain)

    return decorate


def _apply(f: Any, args: tuple[Any, ...], out: Any, kind: Any) -> Any:
    """Values of a scalar formula on arrays, with the dtype rules of a gate."""
    name = getattr(f, "__name__", "gate")
    for a in args:
        if type(a) is not float and kinds[type(a)] is not PLAIN:
            points = {f"args[{i}]": a for i, a in enumerate(args)}
            return over_containers(values, f, points, {"out": out, "kind": kind}, telling=True)
    known = function(f, len(args))
    operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
    if out is not None:
        checked_out(out, common_shape(operands), kinds="bfc" if kind == "?" else "fc")
    narrow = result_kind(operands)
    own = out is None and kind != "?" and narrow != np.float64
    try:
        if out is None and not own:
            return known.values(operands, None)
        with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
            result = known.values(operands, np.empty(common_shape(operands), narrow) if own else out)
    except Uncompilable as err:
        raise TypeError(
            f"`{name}` must be a formula that Numba can compile; got one where {err}. Use math and numpy functions."
        ) from err
    except ValueError:
        common_shape(operands)  # names the arguments when they do not broadcast
        raise
    return result[()] if own else result


def values(f: Any, *args: Any, kind: Any) -> Any:
    """Values of a formula on what was in containers."""
    return _apply(f, args, None, kind)


def _nth(together: Callable[..., Any], i: int) -> Callable[..., Any]:
    """One entry of a function that returns all partials."""

    def partial(*args: Any) -> Any:
        return together(*args)[i]

    return partial


def _domain(domain: Any, nin: int) -> tuple[Interval, ...]:
    """Check the domain and return one interval for each argument."""
    if domain is None:
        return ((-inf, inf),) * nin
    intervals = (domain,) if np.ndim(domain) == 1 else tuple(domain)
    intervals = intervals * nin if len(intervals) == 1 else intervals
    if len(intervals) != nin or not all(len(i) == 2 and i[0] < i[1] for i in intervals):
        raise ValueError(f"`domain` must be one (low, high) for each of {nin} arguments; got {domain!r}.")
    return tuple((float(low), float(high)) for low, high in intervals)


def _find(module: str, name: str) -> Any:
    """Find a gate by name when it is unpickled."""
    __import__(module)
    return getattr(sys.modules[module], name)


def _rebuild(formula: Any, partials: Any, domain: Any, soft: str | None) -> Gate:
    """Make a gate anew when it is unpickled."""
    return Gate(formula, partials, domain, soft=soft)


@typeof_impl.register(Gate)
def _typeof_gate(value: Gate, _context: Any) -> Any:
    """Inside Numba functions a gate is its kernel."""
    return types.Dispatcher(value.kernel)
