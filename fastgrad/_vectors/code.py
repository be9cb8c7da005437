"""A function of a vector as machine code: one small piece for each function, which all rules call by its address.

The piece evaluates one vector. Loops over points, coordinates and steps are in `loops`, compiled once for all
functions: a call by address costs two nanoseconds, compiling a loop for every function and rule half a second.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from .._compiling.kernels import Native, function_from, jit, native, quiet
from .._compiling.memory import WORDS, pointer
from .._compiling.operators import Uncompilable
from .._reading.references import Reading

#: C signature of the piece: address of the vector, address of the results, words; returns one of the codes below.
ONE = types.intp(types.intp, types.intp, WORDS)

#: What it returns: the results are there, `f` raised, or it returned another number of results than before.
FINE, RAISED, OTHER_SIZE = 0, 1, 2

#: The words: coordinates of the vector, results, then the arguments: a number, or address and lengths of an array.
COORDINATES, OUTPUTS, ARGUMENTS = range(3)

#: Compiled versions of one piece of code before it is called as it is; see `functions`.
_VERSIONS = 16
_versions: Counter[Any] = Counter()
_compiled: dict[Any, Native] = {}


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


def words_of(d: int, m: int, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """Words for one call, and what they point into."""
    words, kept = [d, m], []
    for a in args:
        if isinstance(a, np.ndarray):
            a = np.ascontiguousarray(a)
            kept.append(a)
            words += [a.ctypes.data, *a.shape]
        elif isinstance(a, (float, np.floating)):
            words.append(int(np.float64(a).view(np.int64)))
        else:
            words.append(int(a))
    return np.array(words, dtype=np.int64), kept


def code_of(f: Any) -> Any:
    """Code that a function shares with others, such as its other closures."""
    f = getattr(f, "func", f)
    return getattr(f, "__code__", f)


def machine_code(f: Any, reading: Reading, kinds: tuple[Any, ...], fills: bool) -> Native:
    """Compile `f(x, *args)`, or `f(x, *args, out)` if it fills an array; `Uncompilable` when Numba refuses.

    The vector cannot be written to. If the function does so, it gets a copy.
    """
    key = reading.key + repr((kinds, fills)).encode()
    if key not in _compiled:
        origin = code_of(f)
        _versions[origin] += 1
        if _versions[origin] > _VERSIONS:
            raise Uncompilable("it captures other values every time")
        try:
            _compiled[key] = native(b"vector" + key, lambda: _one(reading.linked, kinds, fills, False))
        except Uncompilable as err:
            if not re.search("readonly|read-only|Cannot assign", str(err)):
                raise
            _compiled[key] = native(b"own vector" + key, lambda: _one(reading.linked, kinds, fills, True))
    return _compiled[key]


def _array_type(kind: tuple[str, int]) -> Any:
    return types.Array(from_dtype(np.dtype(kind[0])), kind[1], "C", readonly=True)


_VECTOR = types.Array(types.float64, 1, "C", readonly=True)
_OWN = types.Array(types.float64, 1, "C")


def _view(array: Any) -> Any:
    """Make the function that turns an address and lengths into an array of a type; Numba's own makes writable ones."""

    @intrinsic
    def view(_typing: Any, address: Any, lengths: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            from numba.np.arrayobj import make_array, populate_array  # 30 ms of start-up for all who have no vectors

            item = context.get_data_type(array.dtype)
            size = context.get_constant(types.intp, context.get_abi_sizeof(item))
            shape = cgutils.unpack_tuple(builder, args[1])
            strides: list[Any] = []
            step = size
            for length in reversed(shape):
                strides.insert(0, step)
                step = builder.mul(step, length)
            made = make_array(array)(context, builder)
            place = builder.inttoptr(args[0], item.as_pointer())
            populate_array(made, data=place, shape=shape, strides=strides, itemsize=size, meminfo=None)
            return made._getvalue()

        return array(types.intp, lengths), code

    return view


@intrinsic
def bits_to_double(_typing: Any, word: Any) -> Any:
    """Take a word for the bits of a float64."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.intp), code


def _one(linked: Any, kinds: tuple[Any, ...], fills: bool, writes: bool) -> tuple[Any, Any, str]:
    """Make the piece for a function, for `native`."""
    kernel = jit(linked)
    parameters: list[Any] = [_OWN if writes else _VECTOR]
    lines: list[str] = []
    namespace: dict[str, Any] = {"kernel": kernel, "pointer": pointer, "bits": bits_to_double, "vector": _view(_VECTOR)}
    call, word = ["x.copy()" if writes else "x"], ARGUMENTS
    for i, kind in enumerate(kinds):
        call.append(f"a{i}")
        if isinstance(kind, tuple):
            parameters.append(_array_type(kind))
            namespace[f"array{i}"] = _view(parameters[-1])
            lengths = "".join(f"words[{word + 1 + k}], " for k in range(kind[1]))
            lines.append(f"a{i} = array{i}(words[{word}], ({lengths}))")
            word += 1 + kind[1]
        else:
            parameters.append({"d": types.float64, "l": types.int64, "?": types.boolean}[kind])
            lines.append(f"a{i} = {({'d': 'bits(%s)', 'l': 'np.int64(%s)', '?': '%s != 0'}[kind]) % f'words[{word}]'}")
            word += 1
    if fills:
        parameters.append(_OWN)
        namespace["room"] = _view(_OWN)
        call.append("a_out")
        lines.append(f"a_out = room(result, (words[{OUTPUTS}],))")
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
    check = f"if %s != words[{OUTPUTS}]:\n        return {OTHER_SIZE}\n    "
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

