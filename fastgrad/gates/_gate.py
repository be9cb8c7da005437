"""Gates: a scalar formula with its partial derivatives."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numba.core import types
from numba.extending import typeof_impl

from .._typing import Array, Function, Interval
from ..arguments import argument, checked_out, common_shape, result_kind
from ..array_kinds import PLAIN, kinds
from ..compilation.operators import Uncompilable
from ..compilation.pipeline import jit
from ..compilation.references import Reading
from ..containers.registry import Layout, over_containers
from ..evaluation.functions import function
from ._formula import by_position, domain_of, partials_of, signature_of

Formulas = Sequence[Function] | Function
Domain = Sequence[Interval] | Interval | None


class Gate:
    """A function of a few numbers with its exact derivative, made by `gate`.

    A gate is called like a NumPy ufunc, ``g(x, y)``: arguments broadcast, ``out=`` takes the result. Results are
    float32 or float16 when the arguments are, else float64; integers and booleans count as float64; those of a logic
    gate are booleans. Results for xarray, pandas, Dask and masked arrays are of their kind. A gate runs as machine
    code, inside Numba functions too, and it can be pickled. NaN marks undefined values, without a warning.

    Attributes
    ----------
    formula : callable
        The Python function of numbers.
    partials : Partials
        ``g.partials(x, y)`` gives the tuple of exact partial derivatives, ``g.partials[i]`` is one of them.
    domain : tuple of (low, high)
        For each argument the open interval on which the gate is defined, in which `check` and `accuracy` sample it;
        values outside are computed as well.
    nin : int
        Number of arguments that have no default.
    ufunc : numpy.ufunc
        The NumPy ufunc behind the gate, for float64.
    kernel : numba dispatcher
        The compiled function of numbers behind the gate.

    Raises
    ------
    TypeError
        When an argument is no array of real numbers, when Numba cannot compile the formula, and for the partial
        derivatives of a logic gate, which has none.
    ValueError
        When arguments do not broadcast together, or `out` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgrad import gates
    >>> x = np.linspace(-3, 3, 7)
    >>> float(np.max(abs(gates.sigmoid(x) - 1 / (1 + np.exp(-x))))) < 1e-15
    True
    >>> gates.sigmoid(x.astype(np.float32)).dtype
    dtype('float32')
    """

    __name__: str
    __is_gate__ = True
    __not_differentiable__: str

    def __init__(
        self,
        formula: Function,
        partials: Formulas | None = None,
        domain: Domain = None,
        *,
        soft: str | None = None,
    ) -> None:
        self._signature = signature_of(formula)
        self.formula = self.__formula__ = formula
        names = [name for name, p in self._signature.parameters.items() if p.default is p.empty]
        self.nin = len(names)
        self._soft = soft
        self.domain = domain_of(domain, self.nin)
        self._partials = None if soft else Partials(partials_of(partials, names), self._signature)
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

    def __call__(self, *args: object, out: Array | None = None, **named: object) -> Any:
        """Return the values of the gate; arguments broadcast together."""
        for a in args:
            if hasattr(a, "__gate__"):  # a node of a circuit that is being traced
                return a.__gate__(self, args)
        operands = by_position(self._signature, args, named)
        return values(self, *operands, out=out, kind="?" if self._soft else "d")

    @property
    def ufunc(self) -> np.ufunc:
        """The NumPy ufunc behind the gate, with float64 arguments."""
        ufunc: np.ufunc = function(self, self.nin).ufunc
        return ufunc

    @functools.cached_property
    def kernel(self) -> Any:
        """The compiled scalar kernel, for use inside Numba functions."""
        return jit(Reading(self).linked)

    def __reduce__(self) -> str | tuple[Callable[..., Gate], tuple[object, ...]]:
        """Pickle gates of a module by name, others with their parts."""
        member: object = getattr(sys.modules.get(self.__module__), self.__name__, None)
        if member is self:
            return self.__name__
        parts = None if self._partials is None else self._partials.formulas
        return functools.partial(Gate, soft=self._soft), (self.formula, parts, self.domain)

    def __repr__(self) -> str:
        plain = (p.replace(annotation=p.empty) for p in self._signature.parameters.values())
        return f"<gate {self.__name__}({', '.join(map(str, plain))})>"


class Partials:
    """The partial derivatives of a gate: call it for all of them, index it for one.

    Arguments, types and errors are those of the gate.

    Examples
    --------
    >>> from fastgrad import gates
    >>> gates.multiply.partials(3.0, 4.0)
    (np.float64(4.0), np.float64(3.0))
    >>> gates.multiply.partials[0](3.0, 4.0)
    np.float64(4.0)
    """

    def __init__(self, formulas: tuple[Function, ...], signature: inspect.Signature) -> None:
        self.formulas = formulas
        self._signature = signature

    def __call__(self, *args: object, **named: object) -> tuple[Any, ...]:
        """Return all partial derivatives at `args`."""
        return tuple(partial(*args, **named) for partial in self)

    def __len__(self) -> int:
        return len(self.formulas)

    def __getitem__(self, i: int) -> Function:
        return functools.partial(_one_partial, self.formulas[operator.index(i)], self._signature)

    def __iter__(self) -> Iterator[Function]:
        return (self[i] for i in range(len(self)))


def _one_partial(
    formula: Function, signature: inspect.Signature, /, *args: object, out: Array | None = None, **named: object
) -> Any:
    """Values of one partial derivative; arguments are named as those of the gate."""
    return values(formula, *by_position(signature, args, named), out=out)


@overload
def gate(formula: Function, /, *, partials: Formulas, domain: Domain = None) -> Gate: ...
@overload
def gate(*, partials: Formulas, domain: Domain = None) -> Callable[[Function], Gate]: ...
def gate(
    formula: Function | None = None, /, *, partials: Formulas | None = None, domain: Domain = None
) -> Gate | Callable[[Function], Gate]:
    """Make a gate out of a formula and its partial derivatives; most often as a decorator of the formula.

    Parameters
    ----------
    formula : callable, optional
        ``formula(x, y, ...)``, a function of numbers that Numba can compile and that returns one. Left out where
        `gate` is a decorator: ``@fg.gate(partials=...)``.
    partials : tuple of callables, or a callable
        One function for each argument of the formula that has no default, each of the same arguments in the same order;
        or one function that returns all partial derivatives as a tuple, for one argument as a number. They are the
        derivatives that `check` tests, and that `circuit` and `Gate.partials` use.
    domain : (low, high), or a sequence of them, optional
        Open interval in which the formula is sampled, in units of the arguments: one for all of them, or one
        for each. The whole line by default.

    Returns
    -------
    Gate, or a decorator that makes one
        Called like a NumPy ufunc: see `help(type(fg.gates.add))`.

    Raises
    ------
    TypeError, ValueError
        When formula, partials and domain do not fit together: at once, before anything is compiled.

    See Also
    --------
    fastgrad.gates : the gates that there are.
    check : compares the partial derivatives of a gate with numerical ones.

    Examples
    --------
    >>> import math, fastgrad as fg
    >>> @fg.gate(partials=lambda x: (1 - math.log(x)) / x**2, domain=(0, math.inf))
    ... def log_over_x(x):
    ...     return math.log(x) / x
    >>> abs(float(log_over_x.partials(2.0)[0] - fg.derivative(log_over_x, 2.0))) < 1e-12
    True
    >>> bool(fg.check(log_over_x))
    True
    >>> arsinh = fg.gate(lambda x: math.asinh(x), partials=lambda x: 1 / math.hypot(1, x))
    >>> abs(float(arsinh.partials[0](0.75)) - 0.8) < 1e-15
    True
    """
    if partials is None:
        raise TypeError(
            "`partials` must be given by name; got none. Write `@fg.gate(partials=...)` above the formula, with one "
            "function for each of its arguments."
        )

    def decorate(formula: Function) -> Gate:
        return Gate(formula, partials, domain)

    return decorate if formula is None else decorate(formula)


def values(f: Function, *args: object, out: Array | None = None, kind: str = "d") -> Any:
    """Values of a scalar formula on arrays, with the dtype rules of a gate; ``kind="?"`` for truth values."""
    for a in args:
        if type(a) is not float and kinds[type(a)] is not PLAIN:
            points = {f"args[{i}]": a for i, a in enumerate(args)}
            return over_containers(values, f, points, {"out": out, "kind": kind}, Layout(probes_outputs=True))
    evaluator = function(f, len(args))
    operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
    if out is not None:
        checked_out(out, common_shape(operands), kinds="bfc" if kind == "?" else "fc")
    narrow = result_kind(operands)
    narrowed = out is None and kind != "?" and narrow != np.float64
    try:
        if out is None and not narrowed:
            return evaluator.values(operands, None)
        with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
            result = evaluator.values(operands, np.empty(common_shape(operands), narrow) if narrowed else out)
    except Uncompilable as err:
        reasons = [line for line in str(err).splitlines() if line and not line.startswith("Failed in nopython")]
        name = getattr(f, "__name__", "gate")
        raise TypeError(
            f"`{name}` must be a formula that Numba can compile; got one where {' '.join(reasons[:1])}. "
            "Use math and numpy functions."
        ) from err
    except ValueError:
        common_shape(operands)  # names the arguments when they do not broadcast
        raise
    return result[()] if narrowed else result


@typeof_impl.register(Gate)
def _typeof_gate(value: Gate, _context: object) -> types.Dispatcher:
    """Let Numba use the kernel of a gate."""
    return types.Dispatcher(value.kernel)
