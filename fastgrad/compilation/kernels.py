"""Machine code: from memory, else from disk, else compiled.

The disk holds plain object code, so that a second process starts without running Numba's front end at all. Every unit
has an LLVM engine of its own, which can be closed; Numba's never unloads anything (numba issues 3464 and 5976).
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
import weakref
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import llvmlite
import numba
import numpy as np
from llvmlite import binding
from numba.core.ccallback import CFunc
from numba.core.codegen import CodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from numba.core.typing.templates import Signature

from .._signals import deferred_signals, reraise_if_signal
from .._typing import Function
from . import disk_cache as disk
from .caches import after_clearing
from .operators import Uncompilable
from .pipeline import InnerPipeline, freed_passes, quiet, without_loading
from .word_loops import module_of

#: Compilation is one at a time (Numba's own lock is global too); everything that fills a memo holds this lock.
LOCK = threading.RLock()


@dataclass(frozen=True)
class Native:
    """Machine code: an address, and what it returns. It is loaded as long as something refers to it."""

    address: int
    result: str


#: Makes a function that Numba compiles, its C signature in Numba's types, and the kind of its result.
Build = Callable[[], tuple[Function, Signature, str]]

#: Sources of packages that write machine code or decide what is in it; a change of any other leaves kept kernels valid.
GENERATORS = tuple(
    f"{package}/*.py" for package in (
        "compilation", "elementary", "tracing", "circuits", "gates", "rules", "adaptive_rule", "evaluation",
        "differentiation", "numba_support",
    )
)  # fmt: skip

#: Machine code by digest: that of this package for good, that of the caller's functions as long as something uses it.
_loaded: dict[bytes, Native] = {}
_loaded_for_callers: WeakValueDictionary[bytes, Native] = WeakValueDictionary()

#: Engines that hold machine code, and references to code that is gone. An engine is closed where no handler of a signal
#: runs, because Python drops what a handler raises in a destructor; the callback of a reference only fills a list.
_engines: dict[int, tuple[weakref.ref[Native], binding.ExecutionEngine]] = {}
_gone: list[weakref.ref[Native]] = []


@after_clearing
def close_engines() -> None:
    """Unload machine code that nothing refers to any more."""
    with LOCK, deferred_signals():
        while _gone:
            _engines.pop(id(_gone.pop()))


def native(key: bytes, build: Build) -> Native:
    """Machine code for `key`, from memory, from disk, or from ``build() -> (function, C signature, result kind)``.

    It is that of a caller's function, and unloaded when nothing refers to the result any more. Raises Uncompilable when
    Numba refuses; the disk remembers that, too.
    """
    return _find(key, lambda digest: _compile(digest, build), _loaded_for_callers)


def native_from_text(key: bytes, write: Callable[[str], str]) -> Native:
    """Machine code for `key`, or from ``write(name)``: text of LLVM that defines a function of this name.

    That takes a tenth of the time that Numba needs for a function of the same size. Kernels are straight-line code, in
    which no operation occurs twice: passes that optimise it take twice the time and make it faster by 2 % at most.
    """
    return _find(key, lambda digest: _compile_text(digest, write, is_loop=False), _loaded)


def native_loop(key: bytes, function: Function, signature: Signature) -> Native:
    """Machine code for `key`, or of a loop over words, see `word_loops`, of a C signature of Numba's types."""

    def write(name: str) -> str:
        return str(module_of(function, signature, name))

    return _find(key, lambda digest: _compile_text(digest, write, is_loop=True), _loaded)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(_toolchain() + key).digest()


def _in_memory(digest: bytes) -> Native | None:
    return _loaded.get(digest) or _loaded_for_callers.get(digest)


def _find(key: bytes, compile_it: Callable[[bytes], Native], loaded: MutableMapping[bytes, Native]) -> Native:
    with LOCK:
        digest = _digest(key)
        code = _in_memory(digest)
        if code is None:
            if _gone:
                close_engines()
            loaded[digest] = code = _from_disk(digest) or compile_it(digest)
        return code


def needs_compiling(key: bytes) -> bool:
    """Tell whether `native` would compile, or find that Numba refuses, without loading anything."""
    digest = _digest(key)
    return _in_memory(digest) is None and not disk.contains(digest)


def _compile(digest: bytes, build: Build) -> Native:
    try:
        with quiet(), freed_passes():
            with deferred_signals():  # in three parts: each may take half a second
                function, signature, result = build()
            with deferred_signals():
                callback: Any = CFunc(
                    function, (signature.args, signature.return_type), {}, {"error_model": "numpy"}, InnerPipeline
                )
                with global_compiler_lock:  # `compile` would load the code too, into an engine that never unloads it
                    code = callback._compile_uncached()
                    without_loading(code.library)
                    code.library.finalize()
            with deferred_signals():
                needs = _needs(code.library)
                with global_compiler_lock:
                    machine_code = code.library._codegen._tm.emit_object(code.library._final_module)
                return _keep(digest, machine_code, code.fndesc.llvm_cfunc_wrapper_name, result, needs)
    except Exception as err:
        reraise_if_signal(err)
        # Numba reports what it cannot do by many exception types, some of them from deep inside; `f` itself does not
        # run while it is compiled, so none of them is the user's.
        if isinstance(err, (NumbaError, Uncompilable)):
            disk.write(digest, {"refused": str(err)[:2000]})
        _drop_frames(err)
        raise Uncompilable(str(err)) from err


def _drop_frames(error: BaseException) -> None:
    """Drop the tracebacks of an exception: Numba keeps it, and the frames would keep the caller's function alive."""
    chain = [error]
    for link in chain:
        link.__traceback__ = None
        chain += [e for e in (link.__cause__, link.__context__) if e is not None and e not in chain]


@deferred_signals()
def _compile_text(digest: bytes, write: Callable[[str], str], is_loop: bool) -> Native:
    rtsys.initialize(cpu_target.target_context)
    name = f"fastgrad_{digest.hex()}"
    text = write(name)
    with global_compiler_lock:
        machine, module = _machine(2 if is_loop else 1), binding.parse_assembly(text)
        if is_loop:
            options = binding.create_pipeline_tuning_options(speed_level=2)
            options.loop_vectorization = options.slp_vectorization = False  # whole rows are vectors already
            passes = binding.create_pass_builder(machine, options)
            passes.getModulePassManager().run(module, passes)
        code = machine.emit_object(module)
    return _keep(digest, code, name, "d", _outside(text.splitlines()))


def _keep(digest: bytes, code: bytes, symbol: str, result: str, needs: list[str]) -> Native:
    """Keep object code on disk, and load it."""
    disk.write(digest, {"symbol": symbol, "result": result, "needs": needs}, code)
    return _load(code, symbol, result)


def _machine(level: int) -> binding.TargetMachine:
    """Return LLVM's target for this processor, at a level of optimisation."""
    options: dict[str, object] = {}
    cpu_target.target_context.codegen()._customize_tm_options(options)
    return binding.Target.from_triple(binding.get_process_triple()).create_target_machine(**{**options, "opt": level})


def _load(code: bytes, symbol: str, result: str) -> Native:
    """Load object code into an engine of its own, which unloads it when it is closed."""
    with global_compiler_lock:
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine(3))
        engine.add_object_file(binding.ObjectFileRef.from_data(code))
        engine.finalize_object()
        code_loaded = Native(engine.get_function_address(symbol), result)
        reference = weakref.ref(code_loaded, _gone.append)
        _engines[id(reference)] = reference, engine
        return code_loaded


def _needs(library: CodeLibrary) -> list[str]:
    """Symbols that machine code takes from the process it runs in.

    Code that reads Numba's environment, as `print` does, is bound to Numba's own engine.
    """
    lines = library.get_llvm_str().splitlines()
    if any("NumbaEnv" in line and not line.startswith("@") for line in lines):
        raise Uncompilable("prints, or needs Python objects")
    return _outside(lines)


def _outside(lines: list[str]) -> list[str]:
    """Names of what lines of LLVM declare and do not define, but for what LLVM itself provides."""
    outside = [line for line in lines if line.startswith("declare ") or " external " in line]
    names = {match[1] for line in outside if (match := re.search(r'@"?([^"( ]+)', line))}
    return sorted(name for name in names if not name.startswith("llvm."))


@deferred_signals()
def _from_disk(digest: bytes) -> Native | None:
    entry = disk.read(digest)
    if entry is None:
        return None
    about, code = entry
    if "refused" in about:
        raise Uncompilable(about["refused"])
    rtsys.initialize(cpu_target.target_context)
    if not all(binding.address_of_symbol(name) for name in about["needs"]):
        return None  # LLVM would end the process over a missing symbol
    return _load(code, about["symbol"], about["result"])


@cache
def _toolchain() -> bytes:
    """Everything outside the function that decides what machine code comes out, and of our own sources those."""
    target = cpu_target.target_context.codegen().magic_tuple()
    own = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(path for pattern in GENERATORS for path in package.glob(pattern)):
        own.update(path.read_bytes())
    versions = numba.__version__, llvmlite.__version__, np.__version__, sys.version_info[:2]
    return repr((versions, target, own.hexdigest())).encode()
