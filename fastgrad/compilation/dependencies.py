"""What a function refers to, compared at every call; nothing of it is kept alive.

A reference is read again from the referrer: a function, a module or a partial, to which there is a weak reference. So
objects that hold the function which refers to them are freed.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from .._typing import Array, Function
from .captured import Captured, CapturedKind, accepts

#: Stands for what a name is bound to that is not bound.
ABSENT = object()

#: Begins the names of entries of dictionaries, which attributes have not.
ITEM = "item "

#: A function, a module or a partial; a name, an index, or a path of a way, a key and a name.
Referrer = Any
Key = Any
#: From a referrer and a key to what is referred to there.
Lookup = Callable[[Referrer, Key], object]


def _member(holder: object, name: str) -> object:
    return holder[name.removeprefix(ITEM)] if type(holder) is dict else vars(holder)[name]


#: All ways. ValueError, LookupError or TypeError where there is nothing: a closure variable is deleted, a default is
#: no more. Attributes of modules are read without running code of theirs.
ways = SimpleNamespace(
    itself=lambda f, _: f,
    global_name=lambda f, name: f.__globals__.get(name, ABSENT),
    builtin=lambda f, name: f.__builtins__.get(name, ABSENT),
    cell=lambda f, index: f.__closure__[index].cell_contents,
    default=lambda f, index: f.__defaults__[index],
    keyword_default=lambda f, name: f.__kwdefaults__[name],
    count_defaults=lambda f, _: (len(f.__defaults__ or ()), len(f.__kwdefaults__ or ())),
    attribute=lambda module, name: vars(module).get(name, ABSENT),
    partial_function=lambda partial, _: partial.func,
    partial_argument=lambda partial, index: partial.args[index],
    partial_keyword=lambda partial, name: partial.keywords[name],
    count_arguments=lambda partial, _: (len(partial.args), len(partial.keywords)),
    type_of=lambda f, path: type(path[0](f, path[1])),  # of an object that `f` refers to by a way and a key
    member=lambda f, path: _member(path[0](f, path[1]), path[2]),  # its attribute, or entry if it is a dictionary
)


#: How a value is compared: it is the same object; it is, and is not kept alive; its items are; it is captured data; it
#: is a helper whose own references are watched.
_SAME, _WEAK, _ITEMS, _DATA, _HELPER = range(5)

_IMMUTABLE = {type(None), type(ABSENT), bool, int, float, complex, str, bytes}


def _comparison(value: object) -> tuple[int, object]:
    """Remember a value: how to compare it, and what with."""
    if type(value) in _IMMUTABLE or isinstance(value, np.generic):
        return _SAME, value
    if type(value) is tuple:
        return _ITEMS, tuple(map(_comparison, value))
    try:
        return _WEAK, weakref.ref(value)
    except TypeError:  # a builtin that lives as long as the process
        return _SAME, value


def _is_same(value: object, how: int, expected: Any) -> bool:
    if how == _SAME:
        return value is expected
    if how == _WEAK:
        return value is expected()
    return type(value) is tuple and len(value) == len(expected) and all(
        _is_same(v, *k) for v, k in zip(value, expected, strict=True)
    )  # fmt: skip


def weak(f: object, gone: Callable[[weakref.ref[object]], object] | None = None) -> Callable[[], Any]:
    """Refer to `f` without keeping it alive, nor the data it holds; call `gone` when it is no more.

    Builtins cannot be referred to like this, but live as long as the process.
    """
    try:
        return weakref.ref(f, gone)
    except TypeError:
        return lambda: f


class References:
    """What one referrer refers to."""

    __slots__ = ("code", "entries", "referrer", "without_defaults")

    def __init__(self, referrer: Referrer) -> None:
        self.without_defaults = False
        """Whether it is a function that has no defaults."""
        self.referrer = weak(referrer)
        self.code: CodeType | None = referrer.__code__ if isinstance(referrer, FunctionType) else None
        self.entries: list[tuple[Lookup, Key, int, Any, int]] = []


class Watch:
    """References of a function and its helpers; every call compares their values with the first ones."""

    __slots__ = ("_arrays", "_count", "_latest", "_referrers")

    def __init__(self) -> None:
        self._referrers: list[References] = []
        self._arrays: list[tuple[weakref.ref[Array], bytes]] = []
        self._latest: tuple[Callable[[], Referrer], Lookup, Key, int] | None = None
        self._count = 0

    def referrer(self, referrer: Referrer) -> References:
        """Begin with what a referrer refers to."""
        references = References(referrer)
        self._referrers.append(references)
        return references

    def constant(self, references: References, way: Lookup, key: Key, value: object) -> None:
        """Watch a value that is part of the machine code."""
        references.entries.append((way, key, *_comparison(value), -1))
        self._latest = references.referrer, way, key, id(value)

    def helper(self, references: References, position: int, own: References) -> None:
        """Note that the value of an entry is a helper that has references of its own."""
        way, key = references.entries[position][:2]
        references.entries[position] = (way, key, _HELPER, own, -1)

    def data(self, references: References, way: Lookup, key: Key, kind: CapturedKind) -> int:
        """Watch a value that is an argument of the machine code, it may be any of its kind; return its number."""
        references.entries.append((way, key, _DATA, kind, self._count))
        self._count += 1
        return self._count - 1

    def array(self, array: Array, content: bytes) -> None:
        """Watch the content of an array that is part of the machine code."""
        self._arrays.append((weakref.ref(array), content))

    def current(self) -> list[Captured] | None:
        """Return the captured values as they are now, None if anything else is not what it was."""
        values: list[Captured] = [None] * self._count
        try:
            for references in self._referrers:
                referrer = references.referrer()
                if referrer is None or (references.code is not None and referrer.__code__ is not references.code):
                    return None
                if references.without_defaults and (referrer.__defaults__ or referrer.__kwdefaults__):
                    return None
                for way, key, how, expected, index in references.entries:
                    value = way(referrer, key)
                    if how == _SAME:
                        if value is not expected:
                            return None
                    elif how == _WEAK:
                        if value is not expected():
                            return None
                    elif how == _DATA:
                        if not (type(value) is float and expected == "d") and not accepts(expected, value):
                            return None
                        values[index] = value
                    elif how == _HELPER:
                        if value is not expected.referrer():
                            return None
                    elif not _is_same(value, how, expected):
                        return None
        except (ValueError, LookupError, TypeError):  # a closure variable was deleted, a default is no more
            return None
        for reference, content in self._arrays:
            array = reference()
            if array is None or array.tobytes() != content:
                return None
        return values

    def like(self, f: Function) -> Watch | None:
        """Return such a watch over another function of the same code, None if it refers to something else."""
        twin, new = Watch(), {id(self._referrers[0]): References(f)}
        twin._arrays, twin._count = self._arrays, self._count
        try:
            for old in self._referrers:  # those of a helper come after those that lead to it
                references = new.get(id(old), old)
                twin._referrers.append(references)
                if references is not old:
                    references.without_defaults = old.without_defaults
                    references.entries = list(old.entries)
                referrer = references.referrer()
                for position, (way, key, how, expected, _) in enumerate(old.entries):
                    if how != _HELPER:
                        continue
                    value, own = way(referrer, key), expected
                    if value is not expected.referrer():
                        if references is old or type(value) is not FunctionType or value.__code__ is not expected.code:
                            return None
                        own = References(value)
                    own = new.setdefault(id(expected), own)
                    if own.referrer() is not value:
                        return None
                    if references is not old:
                        twin.helper(references, position, own)
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        return None if twin.current() is None else twin

    def obstacle(self) -> Callable[[], list[Captured] | None]:
        """Return what tells, like `current`, whether the latest reference still leads to the same value.

        The value is not kept alive. So at worst another thing at the same address is taken for it.
        """
        if self._latest is None:
            return list
        referrer, way, key, expected = self._latest

        def current() -> list[Captured] | None:
            try:
                return [] if id(way(referrer(), key)) == expected else None
            except (ValueError, LookupError, TypeError, AttributeError):
                return None

        return current
