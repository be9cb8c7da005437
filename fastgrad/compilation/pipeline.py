"""The one place that knows Numba's options: Python text and functions that Numba compiles into kernels."""

from __future__ import annotations

import hashlib
import linecache
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from types import FunctionType
from typing import Any

import numba
import numpy as np
from llvmlite.binding.ffi import ObjectRef
from numba.core import compiler, types
from numba.core.codegen import CodeLibrary
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.registry import cpu_target
from numba.core.typed_passes import NativeLowering, NopythonTypeInference
from numba.core.untyped_passes import GenericRewrites, InlineClosureLikes, IRProcessing

from .._typing import Function
from .captured import CapturedKind, numba_type
from .operators import NoOverflow, Operators, Uncompilable
from .slots import CapturedInlined, CapturedValues

#: Never `fastmath`: it folds ``(x + h) - x`` into ``h``. NumPy's error model, because Python's check of every
#: division stops SIMD. Indices are checked: beyond the end of a table the caller's function would read, or write, what
#: lies there. That takes 5 to 10 % of the time of Robertson's jacobian and nothing to be seen of eight other functions.
#: Forced inlining, because a loop over a call is not vectorised. No wrappers for Python and C, which are never called:
#: a third of the compile time.
OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "boundscheck": True,
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def without_loading(library: Any) -> None:
    """Have a library optimised when it is first linked into another, but not made machine code by Numba.

    That took a fifth of the time to compile the adaptive rule. And Numba's engine never unloads what it has loaded.
    """

    def finish() -> None:
        library._finalize_dynamic_globals()
        library._finalized = True

    library._finalize_final_module = finish


@contextmanager
def freed_passes() -> Iterator[None]:
    """Free LLVM's passes, which Numba makes for every function and module, when the block ends.

    llvmlite forgets to: classes of passes inherit a destructor that does nothing before their own. That is more than a
    megabyte for each of the caller's functions.
    """
    codegen: Any = cpu_target.target_context.codegen()
    names = ("_function_pass_manager", "_module_pass_manager")
    if not hasattr(codegen, "_pass_builder") or any(name in vars(codegen) for name in names):
        yield  # Numba before 0.62 has other passes; and a block inside another leaves them to that
        return
    thread, kept_passes = get_ident(), list[Any]()

    def keeping(make: Function) -> Function:
        def make_and_keep(**options: object) -> tuple[object, object]:
            passes, builder = make(**options)
            if get_ident() == thread:  # another may compile without this package
                kept_passes.append(passes)
            return passes, builder

        return make_and_keep

    vars(codegen).update({name: keeping(getattr(codegen, name)) for name in names})
    try:
        yield
    finally:
        for name in names:
            delattr(codegen, name)
        for passes in kept_passes:
            if type(passes)._dispose is ObjectRef._dispose:
                own = [kind for kind in type(passes).__mro__ if "_dispose" in vars(kind) and kind is not ObjectRef]
                own[0]._dispose(passes)  # type: ignore[attr-defined]


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerOnly(NativeLowering):
    """Make code to be linked into others, without loading it: half the time of the adaptive rule's hundred pieces."""

    _name = "fastgrad_lower_only"

    def run_pass(self, state: compiler.StateDict) -> bool:
        """Lower as Numba does."""

        def executable(library: CodeLibrary, *_: object) -> Function:
            without_loading(library)
            return [].append  # stands for what would be loaded, one of its own

        state.targetctx.get_executable = executable
        try:
            return bool(super().run_pass(state))  # type: ignore[no-untyped-call]
        finally:
            del state.targetctx.get_executable


def _lowering_only(passes: PassManager) -> list[PassManager]:
    passes.passes = [(_LowerOnly if p is NativeLowering else p, text) for p, text in passes.passes]
    passes.finalize()
    return [passes]


class Pipeline(compiler.CompilerBase):
    """Numba's pipeline with passes for captured data and for Python's operators."""

    def define_pipelines(self) -> list[PassManager]:
        """Return the passes, in order."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(Operators, GenericRewrites)
        passes.add_pass_after(CapturedValues, IRProcessing)  # before branches on constants are pruned
        passes.add_pass_after(CapturedInlined, InlineClosureLikes)  # what inlined functions refer to
        passes.add_pass_after(NoOverflow, NopythonTypeInference)
        return _lowering_only(passes)


class InnerPipeline(compiler.Compiler):
    """Numba's own passes."""

    def define_pipelines(self) -> list[PassManager]:
        """Return the passes, in order."""
        return _lowering_only(compiler.DefaultPassBuilder.define_nopython_pipeline(self.state))


def jit(function: Function) -> Any:
    """Compile `function` for use inside other kernels."""
    return numba.njit(**OPTIONS, pipeline_class=Pipeline)(function)


def function_from(source: str, name: str, namespace: Mapping[str, object]) -> FunctionType:
    """Make a function out of generated `source`, readable in tracebacks."""
    filename = f"<fastgrad {hashlib.sha1(source.encode()).hexdigest()[:12]}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    scope: dict[str, Any] = {"np": np, **namespace}
    exec(compile(source, filename, "exec"), scope)  # noqa: S102 (the text is our own)
    function: FunctionType = scope[name]
    return function


def return_type(kernel: Any, signature: tuple[types.Type, ...]) -> Any:
    """Compile `kernel` for arguments of a signature; return Numba's type of what it returns."""
    with quiet():
        kernel.compile(signature)
    return kernel.overloads[signature].signature.return_type


def letter_of_type(kind: types.Type) -> str:
    """Letter of NumPy's type for a type of numbers: ``"d"``, ``"f"``, ``"?"`` or ``"D"``."""
    kind = kind.literal_type if isinstance(kind, types.Literal) else kind
    if kind == types.float32:
        return "f"
    letters = {types.Boolean: "?", types.Float: "d", types.Integer: "d", types.Complex: "D"}
    for number, letter in letters.items():
        if isinstance(kind, number):
            return letter
    raise Uncompilable(f"returns {kind}")


def return_kind(kernel: Any, nargs: int, captured: Sequence[CapturedKind] = ()) -> str:
    """Letter of what `kernel` returns for float64 arguments, behind the tuple of values of the kinds `captured`."""
    first = (numba_type(captured),) if captured else ()
    return letter_of_type(return_type(kernel, (*first, *(types.float64,) * nargs)))


def quiet() -> AbstractContextManager[object]:
    """Silence warnings in a block: Numba's advice about the user's code is for people who called Numba."""
    return warnings.catch_warnings(action="ignore")
