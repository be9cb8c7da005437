"""Give a scalar kernel the reach of the NumPy function it stands in for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.registry import CPUDispatcher, cpu_target
from numba.extending import overload

#: Never `fastmath`; NumPy's error model, because Python's check of every division stops SIMD; inlined,
#: because a loop over a call is not vectorised; no wrapper for C, which nobody calls and which costs 10 ms of
#: compiling.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True, "no_cfunc_wrapper": True}

_REAL = (types.Float, types.Integer, types.Boolean)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a part that kernels share."""
    options: Any = {**OPTIONS, "no_cpython_wrapper": True}  # a wrapper costs 20 ms of compiling
    return numba.njit(**options)(function)


class Kernel(CPUDispatcher):
    """A Numba dispatcher when Python calls it, an overloaded function (like `np.exp`) inside compiled code.

    The second saves compiling and linking the dispatcher between caller and kernel: a loop over `exp`
    compiles in 200 instead of 300 ms. Nothing is compiled before the first call.
    """

    def __init__(self, entry: Callable[..., Any], stub: Callable[..., Any]) -> None:
        super().__init__(entry, targetoptions={**OPTIONS, "nopython": True, "boundscheck": None})
        self._stub = stub

    @property
    def _numba_type_(self) -> Any:
        return cpu_target.typing_context.resolve_value_type(self._stub)

    def __reduce__(self) -> Any:
        """Pickle by name."""
        return str(self.py_func.__qualname__)


def elementary(original: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a `Kernel` out of a scalar function of one or two arguments.

    Real scalars go to the scalar function, arrays of real numbers to a loop over it, everything else (complex
    numbers above all) to `original` as Numba knows it. The choice is made while typing and costs nothing at
    run time.
    """

    def decorate(scalar: Callable[..., Any]) -> Kernel:
        one = scalar.__code__.co_argcount == 1
        stub, entry = _unary(scalar) if one else _binary(scalar)
        implement = (
            _unary_implementation(scalar, original) if one else _binary_implementation(scalar, original)
        )
        options: Any = {**OPTIONS, "no_cpython_wrapper": True}
        overload(stub, jit_options=options, strict=False)(implement)
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            setattr(entry, name, getattr(scalar, name))
        return Kernel(entry, stub)

    return decorate


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


def _unary_implementation(scalar: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    def implement(x: Any) -> Callable[..., Any]:
        if isinstance(x, _REAL):
            return scalar
        if isinstance(x, types.Array) and x.ndim and isinstance(x.dtype, _REAL):
            kernel = inlined(scalar)

            def loop(x: Any) -> Any:
                flat = x.ravel()
                out = np.empty(flat.size, np.float64)
                for i in range(flat.size):
                    out[i] = kernel(flat[i])
                return out.reshape(x.shape)

            return loop
        return lambda x: original(x)

    return implement


def _binary_implementation(scalar: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    def implement(x: Any, y: Any) -> Callable[..., Any]:
        if isinstance(x, _REAL) and isinstance(y, _REAL):
            return scalar
        return lambda x, y: original(x, y)

    return implement
