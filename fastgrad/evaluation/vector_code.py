"""A function of a vector as machine code: one small piece for each function, which all rules call by its address.

The piece evaluates one vector. Loops over points, coordinates and steps are in `loops`, compiled once for all
functions: a call by address costs two nanoseconds, compiling a loop for every function and rule half a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numba.core import types
from numba.core.typing.templates import Signature

from .._typing import Arguments, FloatArray, Function
from ..compilation.caches import KEPT, Recent, Versions, clearable
from ..compilation.captured import CapturedKind, Words, numba_type, unpack, view
from ..compilation.kernels import Native, native
from ..compilation.memory import WORDS, pointer
from ..compilation.operators import Uncompilable
from ..compilation.pipeline import function_from, jit, letter_of_type, return_type
from ..compilation.references import Reading
from .signatures import code_of

#: C signature of the piece: address of the vector, address of the results, words; returns one of the codes below.
ONE = types.intp(types.intp, types.intp, WORDS)

#: What it returns: the results are there, `f` raised, or it returned another number of results than before.
FINE, RAISED, OTHER_SIZE = 0, 1, 2

#: The words: coordinates of the vector, results, then those of the arguments and of captured values.
COORDINATES, OUTPUTS, ARGUMENTS = range(3)

#: Words, or numbers, that machine code reads.
Memory = bytearray | FloatArray

_versions = Versions()
_compiled: dict[bytes, Native] = clearable(Recent(KEPT))


def argument_types(args: Arguments) -> tuple[CapturedKind, ...] | None:
    """Types of arguments that can be handed to machine code; None if there is one that cannot."""
    kinds: list[CapturedKind] = []
    for a in args:
        if isinstance(a, (bool, np.bool_)):
            kinds.append("?")
        elif isinstance(a, (int, np.integer)) and -(1 << 63) <= a < 1 << 63:
            kinds.append("l")
        elif isinstance(a, (float, np.floating)):
            kinds.append("d")
        elif isinstance(a, np.ndarray) and a.ndim and a.dtype.kind in "fiub" and a.dtype.isnative:
            kinds.append((a.dtype.char, a.ndim))
        else:
            return None
    return tuple(kinds)


def words_of(
    d: int, m: int, args: Arguments, captured: Sequence[CapturedKind] = (), data: Sequence[object] = ()
) -> tuple[Memory, object]:
    """Words for one call, and what they point into; `data` are the values of the kinds `captured`."""
    words = Words(("l", "l", *(argument_types(args) or ()), *captured))
    kept = words.fill((d, m, *args, *data) if captured else (d, m, *args))
    return words.memory, kept


def machine_code(f: Function, reading: Reading, kinds: tuple[CapturedKind, ...], fills: bool) -> Native:
    """Compile `f(x, *args)`, or `f(x, *args, out)` if it fills an array; `Uncompilable` when Numba refuses.

    The vector cannot be written to. If the function does so, it gets a copy.
    """
    key = reading.key + repr((kinds, fills)).encode()
    if key not in _compiled:
        if not _versions.admit(code_of(f), key):
            raise Uncompilable("it captures other values every time")
        captured = tuple(reading.captured)

        def code(writes: bool) -> Native:
            name = b"own vector" if writes else b"vector"
            return native(name + key, lambda: _one(reading.linked, kinds, fills, writes, captured))

        try:
            _compiled[key] = code(writes=False)
        except Uncompilable as err:
            if not re.search("readonly|read-only|Cannot assign", str(err)):
                raise
            _compiled[key] = code(writes=True)
    return _compiled[key]


_VECTOR = types.Array(types.float64, 1, "C", readonly=True)
_OWN = types.Array(types.float64, 1, "C")


def _one(
    linked: Function, kinds: tuple[CapturedKind, ...], fills: bool, writes: bool, captured: Sequence[CapturedKind]
) -> tuple[Function, Signature, str]:
    """Make the piece for a function, for `native`; the words for values of the kinds `captured` are the last."""
    kernel = jit(linked)
    parameters: list[types.Type] = [_OWN if writes else _VECTOR, *numba_type(kinds).types]
    namespace: dict[str, object] = {"kernel": kernel, "pointer": pointer, "vector": view(_VECTOR)}
    call = ["x.copy()" if writes else "x", *(f"arguments[{i}]" for i in range(len(kinds)))]
    text, names, word = unpack(kinds, ARGUMENTS)
    namespace |= names
    lines = [f"arguments = {text}"] if kinds else []
    if fills:
        parameters.append(_OWN)
        namespace["output"] = view(_OWN)
        call.append("a_out")
        lines.append(f"a_out = output(result, (words[{OUTPUTS}],))")
    if captured:
        text, names, _ = unpack(captured, word)
        namespace |= names
        parameters.insert(0, numba_type(captured))
        call.insert(0, "captured")
        lines.append(f"captured = {text}")
    returned, letter, store = _store(kernel, tuple(parameters), fills)
    body = "\n    ".join(lines)
    source = f"""
def one(place, result, words):
    x = vector(place, (words[{COORDINATES}],))
    out = pointer(result, {letter!r})
    {body or "pass"}
    if {fills}:
        for i in range(words[{OUTPUTS}]):
            out[i] = np.nan
    try:
        value = kernel({", ".join(call)})
    except Exception:
        for i in range(words[{OUTPUTS}]):
            out[i] = np.nan
        return {RAISED}
    {store}
    return {FINE}
"""
    return function_from(source, "one", namespace), ONE, returned


def _store(kernel: Function, parameters: tuple[types.Type, ...], fills: bool) -> tuple[str, str, str]:
    """Letter of what `kernel` returns, letter of what is stored, and the text that stores it."""
    kind = return_type(kernel, parameters)
    clear = f"for i in range(words[{OUTPUTS}]):\n            out[i] = np.nan\n        "
    check = f"if %s != words[{OUTPUTS}]:\n        {clear}return {OTHER_SIZE}\n    "
    many = check % "len(value)" + "for i in range(len(value)):\n        out[i] = value[i]"
    if fills and isinstance(kind, types.NoneType):
        return "d", "d", "pass"
    if isinstance(kind, (types.Tuple, types.UniTuple)):
        number = max(map(_number, kind.types), key=lambda n: "fdD".index(n), default="d")
        text = check % str(len(kind)) + "; ".join(["pass"] + [f"out[{i}] = value[{i}]" for i in range(len(kind))])
    elif isinstance(kind, types.Array) and kind.ndim == 0:
        number, text = _number(kind.dtype), check % "1" + "out[0] = value[()]"
    elif (isinstance(kind, types.Array) and kind.ndim == 1) or isinstance(kind, types.List):
        number, text = _number(kind.dtype), many
    else:
        number, text = _number(kind), check % "1" + "out[0] = value"
    return number, "D" if number == "D" else "d", text


def _number(kind: types.Type) -> str:
    """Letter of a type of numbers; booleans are stored as float64."""
    return letter_of_type(kind).replace("?", "d")
