"""What a function refers to: equal content gives equal keys, changed content is seen, what cannot be read is called."""

from __future__ import annotations

import enum
import functools
import gc
import math
import types
import weakref
from collections.abc import Callable
from typing import Any
from unittest import mock

import numba
import numpy as np
import pytest
from conftest import Opaque, engine_of
from scipy import special

import fastgrad as fg
from fastgrad import gates
from fastgrad.compilation.operators import Uncompilable
from fastgrad.compilation.references import Reading
from fastgrad.evaluation import functions

pytestmark = pytest.mark.machine_code

SLOPE = 2.0
TABLE = np.array([1.0, 2.0])


def helper(x: Any) -> Any:
    return SLOPE * x


def scaled(a: Any) -> Callable[[Any], Any]:
    return lambda x: a * x


def key(f: Any) -> bytes:
    return Reading(f).key


# Keys -----------------------------------------------------------------------------------------------------------------


def test_equal_content_equal_key() -> None:
    def again(a: Any) -> Callable[[Any], Any]:
        return lambda x: a * x

    assert key(scaled(2.0)) == key(scaled(2.0)) == key(again(2.0))
    assert key(scaled(np.arange(3.0))) == key(scaled(np.arange(3.0)))
    assert key(gates.sigmoid) == key(gates.sigmoid.formula)


@pytest.mark.parametrize("other", [
    2, 2.5, -2.0, True, 2 + 0j, np.float64(2.0), np.float32(2.0), np.int64(2), None, (2.0,), (2.0, 3.0), np.array(2.0),
    np.array([2.0]), np.array([2.0], np.float32), np.array([2]), math.sin, math.cos, np.sin, gates.sigmoid, gates.tanh,
    helper, math, np,
])  # fmt: skip
def test_other_content_other_key(other: Any) -> None:
    everything = [key(scaled(v)) for v in (2.0, 0.0, -0.0, math.nan)]
    assert key(scaled(other)) not in everything
    assert len(set(everything)) == 4


@pytest.mark.parametrize(("one", "two"), [
    (lambda x: x + 1, lambda x: x + 2),
    (lambda x: x + 1, lambda x: x + 1.0),
    (lambda x: x * 0.0, lambda x: x * -0.0),
    (lambda x: math.sin(x), lambda x: math.cos(x)),
    (lambda x: math.sin(x), lambda x: np.sin(x)),
    (lambda x, a=1.0: a * x, lambda x, a=2.0: a * x),
    (lambda x, *, a=1.0: a * x, lambda x, *, a=2.0: a * x),
    (lambda x: helper(x), lambda x: gates.sigmoid(x)),
    (functools.partial(math.pow, 2.0), functools.partial(math.pow, 3.0)),
    (functools.partial(lambda x, a: a * x, a=2.0), functools.partial(lambda x, a: a * x, a=3.0)),
])  # fmt: skip
def test_code_that_differs_in_one_thing(one: Any, two: Any) -> None:
    assert key(one) != key(two)


@pytest.mark.parametrize("captured", [
    np.zeros(1000), [1.0], {"a": 1.0}, object(), Opaque(helper), special.j0, np.array([None]), np.array(["a"]),
    types.SimpleNamespace(a=1.0),
], ids=lambda v: type(v).__name__)  # fmt: skip
def test_what_may_change_unseen_is_not_read(captured: Any) -> None:
    with pytest.raises(Uncompilable):
        Reading(scaled(captured))


# Changes between calls ------------------------------------------------------------------------------------------------


def test_globals_bound_anew_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    f = lambda x: SLOPE * x  # noqa: E731
    through_helper = lambda x: helper(x) + 0.0 * x  # noqa: E731
    for value in (2.0, 3.0, 7):
        monkeypatch.setitem(globals(), "SLOPE", value)
        assert fg.derivative(f, 1.0) == pytest.approx(float(value))
        assert fg.derivative(through_helper, 1.0) == pytest.approx(float(value))
    assert engine_of(f) == engine_of(through_helper) == "compiled"


def test_helper_bound_anew_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    f = lambda x: helper(x) * 2.0  # noqa: E731
    assert fg.derivative(f, 1.0) == pytest.approx(4.0)
    monkeypatch.setitem(globals(), "helper", lambda x: x * x)
    assert fg.derivative(f, 3.0) == pytest.approx(12.0)


def test_attribute_of_a_module_bound_anew_is_seen() -> None:
    module = types.ModuleType("settings")
    module.slope = 2.0  # type: ignore[attr-defined]

    def f(x: Any) -> Any:
        return module.slope * x  # type: ignore[attr-defined]

    assert fg.derivative(f, 1.0) == pytest.approx(2.0)
    module.slope = 5.0  # type: ignore[attr-defined]
    assert fg.derivative(f, 1.0) == pytest.approx(5.0)
    assert engine_of(f) == "compiled"


@pytest.mark.parametrize(("home", "name", "inside", "before"), [
    ("math", "sin", lambda x: math.sin(x), math.cos(0.5)),
    ("numpy", "tanh", lambda x: np.tanh(x), 1 / np.cosh(0.5) ** 2),
    ("math", "gamma", lambda x: math.gamma(x), math.gamma(0.5) * special.digamma(0.5)),
])  # fmt: skip
@pytest.mark.parametrize(("other", "engine"), [
    (lambda x: 2.0 * x, "compiled"), (numba.njit(lambda x: 2.0 * x), "compiled"), (Opaque(lambda x: 2.0 * x), "called"),
])  # fmt: skip
def test_a_patch_is_seen_and_leaves_no_trace(
    home: str, name: str, inside: Any, before: float, other: Any, engine: str
) -> None:
    """A function met under a patch stayed called, and ``math.gamma`` was taken for what it had been."""
    f = functools.partial(inside)
    for _ in range(2):
        for g in (inside, f):
            assert fg.derivative(g, 0.5) == pytest.approx(before, rel=1e-9)
            assert engine_of(g) == "compiled"
            with mock.patch(f"{home}.{name}", other):
                assert fg.derivative(g, [0.5, 0.7]) == pytest.approx([2.0, 2.0], rel=1e-9)
                assert fg.derivative(g, 0.5) == pytest.approx(2.0, rel=1e-9)
                assert engine_of(g) == engine


def test_a_constant_of_a_module_bound_anew_is_seen() -> None:
    f = lambda x: np.pi * math.tau * x  # noqa: E731
    for pi, tau in ((3.0, math.tau), (np.pi, 6.0), (np.pi, math.tau)):
        with mock.patch("numpy.pi", pi), mock.patch("math.tau", tau):
            assert fg.derivative(f, 1.0) == pytest.approx(pi * tau)
            assert engine_of(f) == "compiled"


def test_what_stood_in_the_way_is_not_kept_alive() -> None:
    class Data:
        slope = 3.0

    data = Data()
    f = lambda x: data.slope * x  # noqa: E731
    assert fg.derivative(f, 1.0) == pytest.approx(3.0)
    known = weakref.ref(data)
    data = types.SimpleNamespace(slope=4.0)  # type: ignore[assignment]
    gc.collect()
    assert known() is None
    assert fg.derivative(f, 1.0) == pytest.approx(4.0)


def test_closure_bound_anew_is_seen() -> None:
    a = 2.0
    f = lambda x: a * x  # noqa: E731
    assert fg.derivative(f, 1.0) == pytest.approx(2.0)
    a = 5.0
    assert fg.derivative(f, 1.0) == pytest.approx(5.0)


@pytest.mark.parametrize("size", [2, 2000])
def test_array_changed_in_place_is_seen(size: int) -> None:
    a = np.full(size, 2.0)
    f = lambda x: a[1] * x  # noqa: E731
    assert fg.derivative(f, 1.0) == pytest.approx(2.0)
    a[1] = 5.0
    assert fg.derivative(f, 1.0) == pytest.approx(5.0)
    a[:] = np.nan
    assert np.isnan(fg.derivative(f, 1.0))


def test_global_array_changed_in_place_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "TABLE", TABLE.copy())
    f = lambda x: TABLE[0] * x  # noqa: E731
    assert fg.derivative(f, 1.0) == pytest.approx(1.0)
    TABLE[0] = 4.0
    assert fg.derivative(f, 1.0) == pytest.approx(4.0)


def test_defaults_bound_anew_are_seen() -> None:
    def f(x: Any, a: float = 2.0) -> Any:
        return a * x

    def g(x: Any, *, a: float = 2.0) -> Any:
        return a * x

    assert fg.derivative(f, 1.0) == fg.derivative(g, 1.0) == pytest.approx(2.0)
    f.__defaults__ = (5.0,)
    g.__kwdefaults__["a"] = 5.0
    assert fg.derivative(f, 1.0) == fg.derivative(g, 1.0) == pytest.approx(5.0)
    g.__kwdefaults__ = {"a": 6.0}
    assert fg.derivative(g, 1.0) == pytest.approx(6.0)
    f.__code__ = (lambda x, a: 10.0 * a * x).__code__
    assert fg.derivative(f, 1.0) == pytest.approx(50.0)


def test_state_of_objects_is_seen() -> None:
    class Line:
        slope = 2.0

        def at(self, x: Any) -> Any:
            return self.slope * x

        __call__ = at

    line = Line()
    assert fg.derivative(line, 1.0) == fg.derivative(line.at, 1.0) == pytest.approx(2.0)
    line.slope = 5.0
    assert fg.derivative(line, 1.0) == fg.derivative(line.at, 1.0) == pytest.approx(5.0)


def test_name_defined_later() -> None:
    scope: dict[str, Any] = {}
    exec("def f(x):\n    return later(x)\n", scope)
    with pytest.raises(NameError):
        fg.derivative(scope["f"], 1.0)
    scope["later"] = lambda x: 3.0 * x
    assert fg.derivative(scope["f"], 1.0) == pytest.approx(3.0)


def test_closure_deleted_gives_the_error_of_python() -> None:
    def make() -> tuple[Any, Any]:
        a = 3.0

        def f(x: Any) -> Any:
            return a * x

        def forget() -> None:
            nonlocal a
            del a

        return f, forget

    f, forget = make()
    assert fg.derivative(f, 1.0) == pytest.approx(3.0)
    forget()
    with pytest.raises(NameError):
        fg.derivative(f, 1.0)


# Made anew again and again --------------------------------------------------------------------------------------------


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Grow by one with every function that is compiled for the first time."""
    made: list[Any] = []
    original = functions.Code

    class Counting(original):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any) -> None:
            made.append(args)
            super().__init__(*args)

    monkeypatch.setattr(functions, "Code", Counting)
    return made


def test_lambdas_made_anew_share_machine_code(compiled: list[Any]) -> None:
    for _ in range(50):
        assert fg.derivative(lambda x: 7.0 * x + 123.0, 1.0) == pytest.approx(7.0)
        assert fg.derivative(scaled(1.5), 1.0) == pytest.approx(1.5)
        assert fg.derivative(functools.partial(lambda a, x: a * x, 11.0), 1.0) == pytest.approx(11.0)
    assert len(compiled) <= 3


def test_ever_changing_values_do_not_compile_forever(compiled: list[Any]) -> None:
    """Whole numbers are part of the machine code: they may be indices, counts, exponents."""

    def fresh(a: int) -> Callable[[Any], Any]:
        return lambda x: a * x - a

    for a in range(40):
        assert fg.derivative(fresh(a), 1.0) == pytest.approx(a)
    assert len(compiled) == 16


# Forms of functions ---------------------------------------------------------------------------------------------------


def factorial(n: Any) -> Any:
    return 1 if n <= 1 else n * factorial(n - 1)


def ping(x: Any, n: int) -> Any:
    return x if n == 0 else pong(x, n - 1) + x


def pong(x: Any, n: int) -> Any:
    return x if n == 0 else ping(x, n - 1) + x


def test_recursion_is_called() -> None:
    for f, wanted in ((lambda x: factorial(5) * x, 120.0), (lambda x: ping(x, 3), 4.0)):
        assert fg.derivative(f, 0.5) == pytest.approx(wanted)
        assert engine_of(f) == "called"


def total(*xs: Any) -> Any:
    return xs[0] * xs[-1]


def with_default(x: Any, a: Any = 3.0, b: Any = 5.0) -> Any:
    return a * x + b


def keyword_only(x: Any, *, a: Any = 3.0) -> Any:
    return a * x


def with_keywords(x: Any, **names: Any) -> Any:
    return 3.0 * x


class Line:
    def at(self, x: Any) -> Any:
        return 3.0 * x

    @staticmethod
    def static(x: Any) -> Any:
        return 3.0 * x

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return 3.0 * x

    __call__ = at


FORMS: dict[str, tuple[Any, tuple[float, ...], str]] = {
    "lambda": (lambda x: 3.0 * x, (1.0,), "compiled"),
    "defaults": (with_default, (1.0,), "compiled"),
    "defaults given": (with_default, (1.0, 3.0), "compiled"),
    "star": (total, (1.0, 3.0), "compiled"),
    "star of three": (total, (1.0, 9.0, 3.0), "compiled"),
    "keyword only": (keyword_only, (1.0,), "called"),
    "keywords": (with_keywords, (1.0,), "called"),
    "positional only": (lambda x, /, y: x * y, (1.0, 3.0), "compiled"),
    "partial": (functools.partial(lambda a, x: a * x, 3.0), (1.0,), "compiled"),
    "partial of partial": (functools.partial(functools.partial(lambda a, b, x: a * b * x, 1.5), 2), (1.0,), "compiled"),
    "partial of a gate": (functools.partial(gates.multiply, 3.0), (1.0,), "compiled"),
    "partial of a helper with globals": (functools.partial(lambda a, x: a * helper(x), 1.5), (1.0,), "compiled"),
    "partial keyword": (functools.partial(with_default, a=3.0), (1.0,), ""),
    "partial keyword only": (functools.partial(keyword_only, a=3.0), (1.0,), ""),
    "bound method": (Line().at, (1.0,), "called"),
    "static method": (Line.static, (1.0,), "compiled"),
    "class method": (Line.of_class, (1.0,), "called"),
    "object": (Line(), (1.0,), "called"),
    "NumPy ufunc": (np.multiply, (1.0, 3.0), "compiled"),
    "SciPy ufunc": (special.xlogy, (1.0, math.exp(3.0)), "called"),
    "math": (functools.partial(math.hypot, 0.0), (1.0,), ""),
    "njit": (numba.njit(lambda x: 3.0 * x), (1.0,), "compiled"),
    "njit with signature": (numba.njit("f8(f8)")(lambda x: 3.0 * x), (1.0,), "compiled"),
    "vectorize": (numba.vectorize(lambda x: 3.0 * x), (1.0,), "compiled"),
    "vectorize with signature": (numba.vectorize(["f8(f8)"])(lambda x: 3.0 * x), (1.0,), "compiled"),
    "wrapped": (functools.wraps(helper)(lambda x: 3.0 * x), (1.0,), "compiled"),
    "frompyfunc": (np.vectorize(lambda x: 3.0 * x, otypes=[float]), (1.0,), "called"),
    "scipy inside": (lambda x: 3.0 * x * special.j0(0.0), (1.0,), "called"),
    "comprehension": (lambda x: sum([x for _ in range(3)]), (1.0,), "compiled"),
    "loop over a tuple": (lambda x: sum(a * x for a in (1.0, 2.0)), (1.0,), ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_functions(form: str) -> None:
    f, at, engine = FORMS[form]
    wanted = 1.0 if form == "math" else 3.0
    assert fg.derivative(f, *at) == pytest.approx(wanted, rel=1e-9)
    rest = [np.full(5, a) for a in at[1:]]
    assert fg.derivative(f, np.full(5, at[0]), *rest) == pytest.approx([wanted] * 5, rel=1e-9)
    if engine:
        assert engine_of(f, len(at)) == engine


MATH = {
    math.sin: math.cos, math.cos: lambda x: -math.sin(x), math.exp: math.exp, math.log: lambda x: 1 / x,
    math.sqrt: lambda x: 0.5 / math.sqrt(x), math.atan: lambda x: 1 / (1 + x * x), math.sinh: math.cosh,
    math.cosh: math.sinh, math.erf: lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x), math.expm1: math.exp,
    math.log1p: lambda x: 1 / (1 + x), math.tan: lambda x: 1 / math.cos(x) ** 2,
    math.tanh: lambda x: 1 / math.cosh(x) ** 2, math.asin: lambda x: 1 / math.sqrt(1 - x * x),
    math.acos: lambda x: -1 / math.sqrt(1 - x * x), math.asinh: lambda x: 1 / math.sqrt(1 + x * x),
    math.log2: lambda x: 1 / x / math.log(2), math.fabs: lambda x: 1.0,
}  # fmt: skip


def test_many_builtins_all_run_compiled() -> None:
    """All builtins share one wrapper; the limit on versions of one piece of code counted them together."""
    for f, slope in MATH.items():
        assert fg.derivative(f, 0.5) == pytest.approx(slope(0.5), rel=1e-9)
        assert engine_of(f) == "compiled"


def test_helpers_are_linked() -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return y * SLOPE

        return inner(helper(x)) + gates.square(x) + math.sin(x)

    assert fg.derivative(outer, 0.5) == pytest.approx(4.0 + 1.0 + math.cos(0.5), rel=1e-9)
    assert engine_of(outer) == "compiled"


# Regressions ----------------------------------------------------------------------------------------------------------


def test_enumerations_of_one_name_are_not_one() -> None:
    """A class is more than its name: two enumerations of one name would share machine code."""

    def make(value: int) -> Callable[[Any], Any]:
        class Power(enum.IntEnum):
            SLOPE = value

        return lambda x: Power.SLOPE.value * x

    assert fg.derivative(make(2), 1.0) == pytest.approx(2.0)
    assert fg.derivative(make(7), 1.0) == pytest.approx(7.0)


def test_names_of_this_package_are_read_before_their_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are imported when they are used first; a function over one was called point by point, as if it had none."""
    monkeypatch.delitem(vars(fg), "where", raising=False)
    x = np.linspace(-1.0, 1.0, 8)

    def f(x: Any) -> Any:
        return fg.where(x > 0.0, x * x, 3.0 * x)

    assert fg.derivative(f, x, method="central") == pytest.approx(np.where(x > 0.0, 2.0 * x, 3.0), rel=1e-6)
    assert engine_of(f) == "compiled"
