"""What a function refers to: read once, for a key by its content and for a copy that Numba can compile.

Numba freezes what a function refers to and knows no plain Python helper. So `Reading` goes from the code of a function
into its globals, closures, defaults, helpers and gates. Its results are a *key*, equal for functions of equal machine
code; the *parts* that copies of the function are made of, with a `Slot` for every captured value; and the *watched*
references, which return the captured values at every call, or None when something else has changed.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import math
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.np.ufunc.dufunc import DUFunc

from .._typing import Function
from .caches import KEPT, Recent, clearable
from .captured import Captured, CapturedKind, Slot, kind_of
from .dependencies import ABSENT, ITEM, Key, Lookup, References, Referrer, Watch, ways
from .linking import Module, Part, Replaced, captures
from .operators import Uncompilable
from .recognition import (
    NUMPY_UFUNCS,
    bound,
    code_key,
    elementary,
    holds_attributes,
    is_builtin,
    is_known,
    names_in,
    python_function,
)

#: Bytes of an array that is part of the machine code, and compared at every call; a function that holds more is called.
_ARRAY_LIMIT = 4096

#: Modules whose classes are what their names say.
_CLASSES_FROM = ("builtins", "numpy")


class Reading:
    """What one function refers to; the function is not kept alive.

    With `captures`, floats, complex numbers and arrays become arguments of the machine code, not parts of it.
    """

    def __init__(self, f: Function, watch: Watch | None = None, captures: bool = False) -> None:
        self._captures = captures
        self._parts: list[bytes] = [b"captures"] if captures else []
        self._watch = watch or Watch()
        self._functions: dict[int, Part | None] = {}
        self.captured: list[CapturedKind] = []
        """Kinds of the captured values, in the order in which `Watch.current` returns them."""
        self.defaults: dict[str, int] = {}
        """Parameters whose defaults are captured values, and which."""
        self.part = self._outermost(f)
        self.key = hashlib.sha256(b"".join(self._parts)).digest()
        self._functions.clear()
        self._parts.clear()

    @functools.cached_property
    def linked(self) -> FunctionType:
        """The copy that Numba can compile."""
        return self.part.kernel_copy()

    def _add(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else repr(part).encode()
            self._parts += (b"%d:" % len(data), data)

    # Functions --------------------------------------------------------------------------------------------------------

    def _outermost(self, f: Function) -> Part:
        """Read the plain Python function behind `f`, or one that calls it."""
        function = f._dispatcher.py_func if isinstance(f, DUFunc) else python_function(f)  # type: ignore[attr-defined]
        if function is not None:
            return self._function(function, outermost=function is f)
        if isinstance(f, functools.partial):
            names: dict[str, tuple[Lookup, Key]] = {"func": (ways.partial_function, None)}
            names |= {f"a{i}": (ways.partial_argument, i) for i in range(len(f.args))}
            names |= {f"k_{name}": (ways.partial_keyword, name) for name in f.keywords}
            return self._around(bound(len(f.args), tuple(f.keywords)), f, names)
        if isinstance(f, np.ufunc) or (isinstance(f, BuiltinFunctionType) and f.__self__ is math):
            return self._around(bound(0, ()), f, {"func": (ways.itself, None)})
        raise Uncompilable(f"is a {type(f).__name__}, not a Python function")

    def _around(self, wrapper: FunctionType, referrer: Referrer, names: dict[str, tuple[Lookup, Key]]) -> Part:
        """Read a function of this package that calls what a partial, a ufunc or a builtin is."""
        references = self._watch.referrer(referrer)
        part = Part(wrapper, references)
        self._add(code_key(wrapper.__code__))
        if isinstance(referrer, functools.partial):
            self._watch.constant(references, ways.count_arguments, None, ways.count_arguments(referrer, None))
        for name, (way, key) in names.items():
            self._add("global", name)
            part.scope[name] = self._reference(references, way, key, way(referrer, key), frozenset())
        part.captures = bool(self.captured)
        return part

    def _function(self, f: FunctionType, outermost: bool = False) -> Part:
        """Read `f`."""
        if id(f) in self._functions:
            raise Uncompilable(f"`{f.__qualname__}` calls itself")
        self._functions[id(f)] = None
        code, before = f.__code__, len(self.captured)
        references = self._watch.referrer(f)
        part = Part(f, references)
        self._add(code_key(code))
        names, attributes = names_in(code)
        for name in names:
            self._global(part, references, f, name, attributes)
        for i, name in enumerate(code.co_freevars):
            try:
                value = ways.cell(f, i)
            except ValueError:
                raise Uncompilable(f"`{name}` is not defined yet") from None
            self._add("closure", name)
            part.cells.append(self._reference(references, ways.cell, i, value, attributes))
        self._defaults(part, references, f, attributes, outermost)
        part.captures = len(self.captured) > before or any(map(captures, (*part.scope.values(), *part.cells)))
        self._functions[id(f)] = part
        return part

    def _global(
        self, part: Part, references: References, f: FunctionType, name: str, attributes: frozenset[str]
    ) -> None:
        """Read what a global name is bound to."""
        way, value = ways.global_name, ways.global_name(f, name)
        if value is ABSENT:
            self._watch.constant(references, way, name, ABSENT)
            way, value = ways.builtin, ways.builtin(f, name)
            if value is ABSENT:
                raise Uncompilable(f"`{name}` is not defined")
            if is_builtin(name, value):
                self._watch.constant(references, way, name, value)
                return
        self._add("global", name)
        part.scope[name] = self._reference(references, way, name, value, attributes)

    def _defaults(
        self, part: Part, references: References, f: FunctionType, attributes: frozenset[str], outermost: bool
    ) -> None:
        """Read the defaults: those of helpers, and of parameters without a name for callers, are constants."""
        if f.__defaults__ is None and f.__kwdefaults__ is None:
            references.without_defaults = True
            return
        defaults, keywords = f.__defaults__ or (), f.__kwdefaults__ or {}
        self._watch.constant(references, ways.count_defaults, None, ways.count_defaults(f, None))
        self._add("defaults", len(defaults), "keywords", sorted(keywords))
        captures, code, values = self._captures, f.__code__, []
        first = code.co_argcount - len(defaults)
        for i, value in enumerate(defaults):
            self._captures = captures and outermost and first + i >= code.co_posonlyargcount
            values.append(self._reference(references, ways.default, i, value, attributes))
            if isinstance(values[-1], Slot):
                self.defaults[code.co_varnames[first + i]] = values[-1].index
        self._captures = False
        for name in sorted(keywords):
            part.keywords[name] = self._reference(references, ways.keyword_default, name, keywords[name], attributes)
        self._captures, part.defaults = captures, tuple(values)

    # Values -----------------------------------------------------------------------------------------------------------

    def _reference(
        self, references: References, way: Lookup, key: Key, value: object, attributes: frozenset[str]
    ) -> object:
        """Read what a reference leads to: an argument of the machine code, or a part of it."""
        kind = kind_of(value) if self._captures else None
        if kind is not None:
            self._add("captured", kind)
            self.captured.append(kind)
            return Slot(self._watch.data(references, way, key, kind))
        # an object that is an argument or a default cannot be taken apart
        has_members = way in (ways.cell, ways.global_name, ways.attribute, ways.member) and self._captures
        if has_members and (type(value) is dict or holds_attributes(value)):
            return self._members(references, way, key, value, attributes)
        self._watch.constant(references, way, key, value)
        position, stand_in = len(references.entries) - 1, self._value(value, attributes)
        if isinstance(stand_in, Part) and type(value) is FunctionType:
            self._watch.helper(references, position, stand_in.references)
        return stand_in

    def _members(
        self, references: References, way: Lookup, key: Key, holder: object, attributes: frozenset[str]
    ) -> Module:
        """Read what is used of an object or a dictionary, ``weights["bias"]``, which is not kept alive."""
        kind = type(holder)
        self._watch.constant(references, ways.type_of, (way, key), kind)
        self._add("members", kind.__module__, kind.__qualname__)
        stand_in = Module(kind.__qualname__)
        if way is ways.member and key[0] is ways.member and key[1][0] is ways.member:
            return stand_in  # deeper ones are left out: objects may refer to each other
        for name in sorted(attributes):
            if type(holder) is dict:
                present, value = name.startswith(ITEM), holder.get(name.removeprefix(ITEM), ABSENT)
            else:
                is_property = hasattr(inspect.getattr_static(kind, name, None), "__set__")
                present, value = not is_property, vars(holder).get(name, ABSENT)
            if present and value is not ABSENT:
                self._add("member", name)
                path = way, key, name
                stand_in.attributes[name] = self._reference(references, ways.member, path, value, attributes)
        return stand_in

    def _value(self, value: object, attributes: frozenset[str]) -> object:
        """Add `value` to the key and return what stands for it."""
        kind = type(value)
        if value is None or kind in (bool, int, float, complex, str, bytes):
            self._add(kind.__name__, value)
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "fiubc":
            self._add("scalar", value.dtype.str, value.tobytes())
            return value
        if type(value) is tuple:
            self._add("tuple", len(value))
            return tuple(self._value(v, attributes) for v in value)
        if type(value) is np.ndarray and value.dtype.kind in "fiubc" and value.nbytes <= _ARRAY_LIMIT:
            content = value.tobytes()
            self._watch.array(value, content)
            self._add("array", value.dtype.str, value.shape, content)
            return value.copy()
        if isinstance(value, (np.ndarray, np.generic)):  # a matrix, a memory map, a record: changed without a trace
            raise Uncompilable(f"refers to a {kind.__name__} of {value.dtype}")
        if isinstance(value, ModuleType):
            return self._module(value, attributes)
        if kernel := elementary(value):
            self._add("elementary", kernel.py_func.__name__)
            return Replaced(value, kernel)
        if isinstance(value, np.ufunc) and value in NUMPY_UFUNCS:
            self._add("ufunc", value.__name__)
            return value
        if isinstance(value, type) and not issubclass(value, BaseException) and value.__module__ not in _CLASSES_FROM:
            raise Uncompilable(f"refers to the class {value.__qualname__}")  # an enumeration is more than its name
        if isinstance(value, (BuiltinFunctionType, type)) or getattr(value, "__module__", "") == "numpy":
            self._add("builtin", getattr(value, "__module__", ""), getattr(value, "__qualname__", repr(kind)))
            return value
        return self._callable(value)

    def _callable(self, value: object) -> Part:
        """Read a helper function: one the user wrote, compiled himself, or a gate."""
        function, captures = python_function(value), self._captures
        if function is None:
            raise Uncompilable(f"refers to {value!r:.80}")
        earlier = self._functions.get(id(function))
        if earlier is not None:
            self._add("again", list(self._functions).index(id(function)))
            return earlier
        self._add("function")
        self._captures = captures and isinstance(value, (FunctionType, Dispatcher))  # a gate's numbers are its own
        part = self._function(function)
        part.is_gate = hasattr(value, "__is_gate__")
        self._captures = captures
        return part

    def _module(self, module: ModuleType, attributes: frozenset[str]) -> Module:
        """Read what is used of a module."""
        self._add("module", module.__name__)
        stand_in, references = Module(module.__name__, is_module=True), self._watch.referrer(module)
        for name in sorted(attributes):
            if module.__name__ == "fastgrad":  # which imports its names when they are used first
                getattr(module, name, ABSENT)
            held = ways.attribute(module, name)
            value = getattr(module, name, ABSENT) if held is ABSENT and is_known(module) else held
            if value is ABSENT:
                continue
            self._add("attribute", name)
            is_numba = is_known(value) and not isinstance(value, np.ufunc) and not elementary(value)
            if is_numba or held is ABSENT or is_known(module):
                self._watch.constant(references, ways.attribute, name, held)
                if is_numba:
                    self._add("known", getattr(value, "__qualname__", ""), type(value).__name__)
                stand_in.attributes[name] = value if is_numba else self._value(value, attributes)
            else:
                stand_in.attributes[name] = self._reference(references, ways.attribute, name, value, attributes)
        return stand_in


def read(f: Function, captures: bool = True) -> tuple[Reading | None, Callable[[], list[Captured] | None]]:
    """Read `f`, if possible; return also a function that returns the captured values, None if `f` is to be read again.

    That is when the latest reference has changed, if that one could not be read: a patch of ``math.sin``, reverted.
    """
    code = f.__code__ if captures and type(f) is FunctionType else None
    if code is not None and (latest := _readings.get(code)) and (watch := latest[1].like(f)) is not None:
        return latest[0], watch.current
    watch = Watch()
    try:
        reading = Reading(f, watch, captures and isinstance(f, (FunctionType, functools.partial, Dispatcher)))
    except Uncompilable:
        return None, watch.obstacle()
    if code is not None:
        _readings[code] = reading, watch
    return reading, watch.current


#: By code, what was read last of a function: others of the same code may refer to the same, but for captured values.
_readings: dict[CodeType, tuple[Reading, Watch]] = clearable(Recent(KEPT))
