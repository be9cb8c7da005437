"""Give a scalar function the reach of the NumPy function it stands in for: numbers of all types, arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.imputils import lower_builtin
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.typing.templates import AbstractTemplate, infer, infer_global, signature
from numba.extending import overload

from ._symbols import DOUBLE, written

#: Never `fastmath`; NumPy's error model, because Python's check of every division stops SIMD; inlined, because a loop
#: over a call is not vectorised; no wrapper for C, which nobody calls and which costs 10 ms of compiling.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True, "no_cfunc_wrapper": True}

#: For what only compiled code calls: a wrapper for Python costs another 20 ms.
_INSIDE: Any = {**_OPTIONS, "no_cpython_wrapper": True}

_REAL = (types.Float, types.Integer, types.Boolean)
_SCALAR = (types.Number, types.Boolean)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function that only compiled code calls."""
    return numba.njit(**_INSIDE)(function)


class Kernel(CPUDispatcher):
    """A Numba dispatcher when Python calls it, an overloaded function (like `np.exp`) inside compiled code.

    The second saves compiling and linking the dispatcher between caller and kernel: a loop over `exp` compiles in 200
    instead of 300 ms. Nothing is compiled before the first call.

    Parameters
    ----------
    entry : callable
        What Python calls.
    stub : callable
        What compiled code calls, overloaded.
    """

    def __init__(self, entry: Callable[..., Any], stub: Callable[..., Any]) -> None:
        super().__init__(entry, targetoptions={**_OPTIONS, "nopython": True, "boundscheck": None})
        self._stub = stub

    @property
    def _numba_type_(self) -> Any:
        return cpu_target.typing_context.resolve_value_type(self._stub)

    def __reduce__(self) -> Any:
        """Pickle by name."""
        return str(self.py_func.__qualname__)


def elementary(original: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a `Kernel` out of a function of one or two symbols.

    Real scalars go to what it writes, arrays of real numbers to a loop over it, everything else (complex numbers above
    all) to `original` as Numba knows it. The choice is made while typing and costs nothing at run time.
    """

    def decorate(kernel: Callable[..., Any]) -> Kernel:
        stub, entry = _stub_and_entry(kernel)
        _teach(stub, kernel)
        return _kernel(kernel, original, stub, entry, None)

    return decorate


def composed(original: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kernel]:
    """Do the same with a function of one to three scalars for Numba to read, made of kernels."""

    def decorate(scalar: Callable[..., Any]) -> Kernel:
        stub, entry = _stub_and_entry(scalar)
        return _kernel(scalar, original, stub, entry, scalar)

    return decorate


def _teach(stub: Callable[..., Any], kernel: Callable[..., Any]) -> None:
    """Tell Numba that `stub` takes real scalars, and that `kernel` writes what it does."""
    count = _arity(kernel)

    class Real(AbstractTemplate):
        """Types of real scalars."""

        key = stub

        def generic(self, args: Any, kws: Any) -> Any:
            """Return the signature for such arguments."""
            if not kws and len(args) == count and all(isinstance(a, _REAL) for a in args):
                return signature(types.float64, *[types.float64] * count)
            return None

    infer(Real)
    infer_global(stub, types.Function(Real))

    def lower(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        name = f"fastgrad_{kernel.__name__}"
        function = builder.module.globals.get(name)
        if function is None:  # once in a module: LLVM copies it into its callers
            kind = ir.FunctionType(DOUBLE, [DOUBLE] * count)
            function = ir.Function(builder.module, kind, name)
            function.linkage = "internal"
            function.attributes.add("alwaysinline")
            function.attributes.add("nounwind")
            written(context, function, kernel)
        return builder.call(function, args)

    lower_builtin(stub, *[types.float64] * count)(lower)


def _kernel(
    named: Callable[..., Any],
    original: Callable[..., Any],
    stub: Callable[..., Any],
    entry: Callable[..., Any],
    scalar: Callable[..., Any] | None,
) -> Kernel:
    """Give `stub` what it does with other things than real scalars, and with those if `scalar` is there."""
    implementation = (_unary_implementation, _binary_implementation, _ternary_implementation)[_arity(named) - 1]
    overload(stub, jit_options=_INSIDE, strict=False)(implementation(stub, scalar, original))
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(entry, name, getattr(named, name))
    return Kernel(entry, stub)


def _arity(function: Callable[..., Any]) -> int:
    return function.__code__.co_argcount


def _stub_and_entry(scalar: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Make what compiled code calls, which is yet to be overloaded, and what Python calls."""
    return (_unary, _binary, _ternary)[_arity(scalar) - 1](scalar)


# Numba reads the number of arguments off the code, so all that follows is there for one, two and three.


def _unary(scalar: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def stub(x: Any) -> Any:
        return scalar(x)

    def entry(x: Any) -> Any:
        return stub(x)

    return stub, entry


def _binary(scalar: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def stub(x: Any, y: Any) -> Any:
        return scalar(x, y)

    def entry(x: Any, y: Any) -> Any:
        return stub(x, y)

    return stub, entry


def _ternary(scalar: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def stub(x: Any, y: Any, z: Any) -> Any:
        return scalar(x, y, z)

    def entry(x: Any, y: Any, z: Any) -> Any:
        return stub(x, y, z)

    return stub, entry


def _unary_implementation(
    stub: Callable[..., Any], scalar: Callable[..., Any] | None, original: Callable[..., Any]
) -> Callable[..., Any]:
    def implement(x: Any) -> Any:
        if isinstance(x, _REAL):
            return scalar
        if isinstance(x, types.Array) and x.ndim and isinstance(x.dtype, _REAL):

            def loop(x: Any) -> Any:
                flat = x.ravel()
                out = np.empty(flat.size, np.float64)
                for i in range(flat.size):
                    out[i] = stub(flat[i])
                return out.reshape(x.shape)

            return loop
        return lambda x: original(x)

    return implement


def _binary_implementation(
    _stub: Callable[..., Any], scalar: Callable[..., Any] | None, original: Callable[..., Any]
) -> Callable[..., Any]:
    def implement(x: Any, y: Any) -> Any:
        if isinstance(x, _REAL) and isinstance(y, _REAL):
            return scalar
        return lambda x, y: original(x, y)

    return implement


def _ternary_implementation(
    _stub: Callable[..., Any], scalar: Callable[..., Any] | None, original: Callable[..., Any]
) -> Callable[..., Any]:
    def implement(x: Any, y: Any, z: Any) -> Any:
        if all(isinstance(a, _SCALAR) for a in (x, y, z)):
            return scalar
        return lambda x, y, z: original(x, y, z)

    return implement
