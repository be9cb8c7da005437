"""Give a scalar function the domain of the NumPy function that it replaces: numbers of all types, arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from typing import overload as typed_overload

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.cpu import CPUContext
from numba.core.imputils import lower_builtin
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.typing.templates import AbstractTemplate, Signature, infer, infer_global, signature
from numba.extending import overload
from numpy.typing import NDArray

from .._typing import Function
from ._symbols import DOUBLE, write_body

#: Never `fastmath`; NumPy's error model, because Python's check of every division stops SIMD; inlined, because a loop
#: over a call is not vectorised; no wrapper for C, which nobody calls and which costs 10 ms of compiling.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True, "no_cfunc_wrapper": True}

#: For what only compiled code calls: a wrapper for Python costs another 20 ms.
_INSIDE: Any = {**_OPTIONS, "no_cpython_wrapper": True}

_REAL = (types.Float, types.Integer, types.Boolean)
_SCALAR = (types.Number, types.Boolean)

_SECTIONS = """

Parameters
----------
{} : float
    Any real number.

Returns
-------
float
"""


def inlined(function: Function) -> Any:
    """Compile a function that only compiled code calls."""
    return numba.njit(**_INSIDE)(function)


class Kernel(CPUDispatcher):
    """A Numba dispatcher when Python calls it, an overloaded function (like `np.exp`) inside compiled code.

    The second saves compiling and linking the dispatcher between caller and kernel: a loop over `exp` compiles in 200
    instead of 300 ms. Nothing is compiled before the first call.

    Compiled code calls `stub`, which is overloaded. The kernel replaces `originals`, functions of NumPy and math, of
    which the first has its values for other types, and the function of `scipy.special` of the name `scipy`.
    """

    __name__: str

    def __init__(self, scalar: Function, stub: Function, originals: tuple[Function, ...], scipy: str) -> None:
        names = _names(scalar)
        self.nin, entry = len(names), _caller(stub, names)
        for attribute in ("__name__", "__qualname__", "__module__"):
            setattr(entry, attribute, getattr(scalar, attribute))
        summary, _, notes = (scalar.__doc__ or "").partition("\n\n")
        lines = "\n".join(line.removeprefix("    ") for line in notes.rstrip().splitlines())
        entry.__doc__ = summary + _SECTIONS.format(", ".join(names))
        entry.__doc__ += f"\nNotes\n-----\n{lines}\n" if lines else ""
        super().__init__(entry, targetoptions={**_OPTIONS, "nopython": True, "boundscheck": None})
        self._stub, self.original, self.originals, self.scipy = stub, originals[0], originals, scipy

    if TYPE_CHECKING:  # Numba's method has no types

        @typed_overload
        def __call__(self, *args: float) -> float: ...
        @typed_overload
        def __call__(self, *args: Any) -> Any: ...
        def __call__(self, *args: Any) -> Any: ...

    @property
    def _numba_type_(self) -> Any:
        return cpu_target.typing_context.resolve_value_type(self._stub)

    def __reduce__(self) -> Any:
        """Pickle by name."""
        return str(self.py_func.__qualname__)


#: All kernels by name, in the order of their definitions.
KERNELS: dict[str, Kernel] = {}


def elementary(*originals: Function, scipy: str = "") -> Callable[[Function], Kernel]:
    """Make a `Kernel` out of a function of one or two symbols.

    Real scalars go to what it writes, arrays of real numbers to a loop over it, everything else (complex numbers above
    all) to the first of `originals` as Numba knows it. The choice is made while typing and costs nothing at run time.
    The kernel replaces `originals`, and the function of the name `scipy` in `scipy.special`.
    """

    def decorate(kernel: Function) -> Kernel:
        stub = _caller(kernel, _names(kernel))
        _lower(stub, kernel, len(_names(kernel)))
        return _kernel(kernel, stub, originals, scipy, None)

    return decorate


def composed(*originals: Function) -> Callable[[Function], Kernel]:
    """Do the same with a function of one to three scalars for Numba to read, made of kernels."""

    def decorate(scalar: Function) -> Kernel:
        return _kernel(scalar, _caller(scalar, _names(scalar)), originals, "", scalar)

    return decorate


def _names(function: Function) -> tuple[str, ...]:
    """Names of the arguments."""
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def _caller(inner: Function, arguments: tuple[str, ...]) -> Function:
    """Write a function that calls another; Numba reads the arguments off the code."""
    names = ", ".join(arguments)
    scope = {"inner": inner}
    exec(f"def caller({names}):\n    return inner({names})\n", scope)  # noqa: S102 (the text is our own)
    return scope["caller"]


def _lower(stub: Function, kernel: Function, count: int) -> None:
    """Tell Numba that `stub` takes real scalars, and that `kernel` writes its machine code."""

    class Real(AbstractTemplate):
        """Types of real scalars."""

        key = stub

        def generic(self, args: Sequence[types.Type], kws: Mapping[str, types.Type]) -> Any:
            """Return the signature for such arguments."""
            if not kws and len(args) == count and all(isinstance(a, _REAL) for a in args):
                return signature(types.float64, *[types.float64] * count)
            return None

    infer(Real)
    infer_global(stub, types.Function(Real))

    def lower(context: CPUContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        name = f"fastgrad_{kernel.__name__}"
        function = builder.module.globals.get(name)
        if function is None:  # once in a module: LLVM copies it into its callers
            kind = ir.FunctionType(DOUBLE, [DOUBLE] * count)
            function = ir.Function(builder.module, kind, name)
            function.linkage = "internal"
            function.attributes.add("alwaysinline")
            function.attributes.add("nounwind")
            write_body(context, function, kernel)
        return builder.call(function, args)

    lower_builtin(stub, *[types.float64] * count)(lower)


def _kernel(
    named: Function, stub: Function, originals: tuple[Function, ...], scipy: str, scalar: Function | None
) -> Kernel:
    """Overload `stub` for arrays and for what `originals` take, and for scalars by `scalar` if there is one."""
    count = len(_names(named))
    accepted = _REAL if count < 3 else _SCALAR
    fallback = _caller(originals[0], _names(named))

    def loop(x: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = x.ravel()
        out = np.empty(flat.size, np.float64)
        for i in range(flat.size):
            out[i] = stub(flat[i])
        return out.reshape(x.shape)

    def implement(*args: types.Type) -> Function | None:
        if all(isinstance(a, accepted) for a in args):
            return scalar
        x = args[0]
        is_array = count == 1 and isinstance(x, types.Array) and x.ndim and isinstance(x.dtype, _REAL)
        return loop if is_array else fallback

    overload(stub, jit_options=_INSIDE, strict=False)(implement)
    kernel = KERNELS[named.__name__] = Kernel(named, stub, originals, scipy)
    return kernel
