"""A function of a vector as machine code: one small piece for each function, which all rules call by its address.

The piece evaluates one vector. Loops over points, coordinates and steps are in `loops`, compiled once for all
functions: a call by address costs two nanoseconds, compiling a loop for every function and rule half a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numba.core import types

from ..compilation.caches import KEPT, Recent, clearable
from ..compilation.captured import Words, array_type, bits_to_double, numba_type, unpacked, view
from ..compilation.kernels import Native, native
from ..compilation.memory import WORDS, pointer
from ..compilation.operators import Uncompilable
from ..compilation.pipeline import function_from, jit, quiet
from ..compilation.references import Reading
from .functions import VERSIONS
from .signatures import code_of

#: C signature of the piece: address of the vector, address of the results, words; returns one of the codes below.
ONE = types.intp(types.intp, types.intp, WORDS)

#: What it returns: the results are there, `f` raised, or it returned another number of results than before.
FINE, RAISED, OTHER_SIZE = 0, 1, 2

#: The words: coordinates of the vector, results, then the arguments: a number, or address and lengths of an array.
COORDINATES, OUTPUTS, ARGUMENTS = range(3)

_versions: WeakKeyDictionary[Any, int] = clearable(WeakKeyDictionary())
_compiled: dict[Any, Native] = clearable(Recent(KEPT))


def argument_types(args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Types of arguments that can be handed to machine code; None if there is one that cannot."""
    kinds: list[Any] = []
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
    d: int, m: int, args: tuple[Any, ...], captured: Sequence[Any] = (), data: Sequence[Any] = ()
) -> tuple[Any, Any]:
    """Words for one call, and what they point into; `data` are the values of the kinds `captured`."""
    words: list[int] = [d, m]
    kept: list[Any] = []
    for a in args:
        if isinstance(a, np.ndarray):
            a = np.ascontiguousarray(a)
            kept.append(a)
            words += [a.ctypes.data, *a.shape]
        elif isinstance(a, (float, np.floating)):
            words.append(int(np.float64(a).view(np.int64)))
        else:
            words.append(int(a))
    if captured:
        more = Words(captured)
        kept.append(more.fill(data))
        words += np.frombuffer(more.memory, np.int64).tolist()
    return np.array(words, dtype=np.int64), kept


def machine_code(f: Any, reading: Reading, kinds: tuple[Any, ...], fills: bool) -> Native:
    """Compile `f(x, *args)`, or `f(x, *args, out)` if it fills an array; `Uncompilable` when Numba refuses.

    The vector cannot be written to. If the function does so, it gets a copy.
    """
    key = reading.key + repr((kinds, fills)).encode()
    if key not in _compiled:
        origin = code_of(f)
        if origin is not None:
            _versions[origin] = _versions.get(origin, 0) + 1
            if _versions[origin] > VERSIONS:
                raise Uncompilable("it captures other values every time")
        captured = tuple(reading.captured)
        try:
            _compiled[key] = native(b"vector" + key, lambda: _one(reading.linked, kinds, fills, False, captured), True)
        except Uncompilable as err:
            if not re.search("readonly|read-only|Cannot assign", str(err)):
                raise
            _compiled[key] = native(
                b"own vector" + key, lambda: _one(reading.linked, kinds, fills, True, captured), True
            )
    return _compiled[key]


_VECTOR = types.Array(types.float64, 1, "C", readonly=True)
_OWN = types.Array(types.float64, 1, "C")


def _one(
    linked: Any, kinds: tuple[Any, ...], fills: bool, writes: bool, captured: Sequence[Any]
) -> tuple[Any, Any, str]:
    """Make the piece for a function, for `native`; the words for values of the kinds `captured` are the last."""
    kernel = jit(linked)
    parameters: list[Any] = [_OWN if writes else _VECTOR]
    lines: list[str] = []
    namespace: dict[str, Any] = {"kernel": kernel, "pointer": pointer, "bits": bits_to_double, "vector": view(_VECTOR)}
    call, word = ["x.copy()" if writes else "x"], ARGUMENTS
    for i, kind in enumerate(kinds):
        call.append(f"a{i}")
        if isinstance(kind, tuple):
            parameters.append(array_type(kind))
            namespace[f"array{i}"] = view(parameters[-1])
            lengths = "".join(f"words[{word + 1 + k}], " for k in range(kind[1]))
            lines.append(f"a{i} = array{i}(words[{word}], ({lengths}))")
            word += 1 + kind[1]
        else:
            parameters.append({"d": types.float64, "l": types.int64, "?": types.boolean}[kind])
            lines.append(f"a{i} = {({'d': 'bits(%s)', 'l': 'np.int64(%s)', '?': '%s != 0'}[kind]) % f'words[{word}]'}")
            word += 1
    if fills:
        parameters.append(_OWN)
        namespace["output"] = view(_OWN)
        call.append("a_out")
        lines.append(f"a_out = output(result, (words[{OUTPUTS}],))")
    if captured:
        text, more = unpacked(captured, word)
        namespace |= more
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


def _store(kernel: Any, parameters: tuple[Any, ...], fills: bool) -> tuple[str, str, str]:
    """Letter of what `kernel` returns, letter of what is stored, and the text that stores it."""
    with quiet():
        kernel.compile(parameters)
    kind: Any = kernel.overloads[parameters].signature.return_type
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


def _number(kind: Any) -> str:
    """Letter of a number type."""
    kind = kind.literal_type if isinstance(kind, types.Literal) else kind
    if kind == types.float32:
        return "f"
    if isinstance(kind, types.Complex):
        return "D"
    if isinstance(kind, (types.Float, types.Integer, types.Boolean)):
        return "d"
    raise Uncompilable(f"returns {kind}")

