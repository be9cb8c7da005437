"""Arrays of other libraries: `f` gets and returns them, so does the caller, and the numbers are NumPy's."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastgrad as fg

pytestmark = pytest.mark.machine_code

POINTS = np.linspace(0.3, 2.0, 6).reshape(2, 3)


class Library:
    """What the laws need of a library: its functions, its arrays, its own derivatives."""

    def __init__(self, name: str) -> None:
        self.name, self.module = name, pytest.importorskip(name)
        self.xp = self.module.numpy if name == "jax" else self.module
        self.type: Any = self.module.Tensor if name == "torch" else type(self.array([1.0]))

    def array(self, x: Any) -> Any:
        return self.xp.asarray(np.array(x))

    def compiled(self, f: Any) -> Any:
        """Return `f` as one program: without it JAX compiles every operation for every shape."""
        return self.module.jit(f) if self.name == "jax" else f

    def grad(self, f: Any) -> Any:
        return self.compiled(self.module.grad(f) if self.name == "jax" else self.module.func.grad(f))


@pytest.fixture(params=["jax", "torch", "array_api_strict"])
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    with contextlib.ExitStack() as stack:
        if request.param == "jax":
            stack.enter_context(pytest.importorskip("jax").enable_x64(True))
        yield Library(request.param)


def numbers(x: Any) -> Any:
    return (
        x.detach().numpy() if hasattr(x, "detach") else np.asarray(x) if hasattr(x, "__array__") else np.from_dlpack(x)
    )


@pytest.mark.parametrize("method", ["adaptive", "central", fg.adaptive(n=2), fg.forward(2)], ids=repr)
def test_derivative_has_the_numbers_of_numpy(library: Library, method: Any) -> None:
    xp, seen = library.xp, set()

    def f(x: Any) -> Any:
        seen.add(type(x))
        return xp.exp(x) * x

    for x in (POINTS, POINTS[0], np.float64(0.5)):
        found = fg.derivative(f, library.array(x), method=method, full_output=True)
        wanted = fg.derivative(lambda x: np.exp(x) * x, x, method=method, full_output=True)
        for field, values in zip(found, wanted, strict=True):
            assert isinstance(field, library.type)
            assert tuple(field.shape) == np.shape(values) and numbers(field).dtype == values.dtype
        assert np.allclose(numbers(found.df), wanted.df, rtol=1e-6)
        assert np.all(abs(numbers(found.df) - wanted.df) <= numbers(found.error) + wanted.error)
    assert all(issubclass(kind, library.type) for kind in seen)


def test_functions_of_vectors(library: Library) -> None:
    xp = library.xp

    @library.compiled
    def f(v: Any) -> Any:
        return v[..., 0] ** 2 * xp.sin(v[..., 1]) + v[..., 2] * v[..., 0]

    def bowl(v: Any) -> Any:
        return v[..., 0] ** 2 * np.sin(v[..., 1]) + v[..., 2] * v[..., 0]

    for x in (POINTS, POINTS[0]):
        for call in (
            lambda f, x: fg.gradient(f, x), lambda f, x: fg.hessian(f, x), lambda f, x: fg.jacobian(f, x),
            lambda f, x: fg.directional(f, x, x), lambda f, x: fg.hessian_vector(f, x, x),
            lambda f, x: fg.gradient(f, x, step=1e-3 * x, method="central"),
            lambda f, x: fg.gradient(f, x, bounds=(x, x + 1)),
        ):  # fmt: skip
            found, wanted = call(f, library.array(x)), call(bowl, x)
            assert isinstance(found, library.type)
            assert np.allclose(numbers(found), wanted, rtol=1e-6, atol=1e-6)


def test_float32_stays_and_is_differenced_in_float64(library: Library) -> None:
    dtypes = set()

    def f(x: Any) -> Any:
        dtypes.add(str(x.dtype))
        return library.xp.sin(x)

    x = POINTS.astype(np.float32)
    found = fg.derivative(f, library.array(x), full_output=True)
    assert numbers(found.df).dtype == np.float32
    assert np.all(abs(numbers(found.df) - np.cos(x.astype(float))) <= numbers(found.error))
    assert np.max(numbers(found.error)) < 1e-6
    assert len(dtypes) == 1 and "float64" in dtypes.pop()


def test_arrays_for_each_point(library: Library) -> None:
    xp = library.xp
    found = fg.derivative(lambda t: xp.stack([xp.cos(t), xp.sin(t)]), library.array(POINTS))
    assert tuple(found.shape) == (2, 3, 2)
    assert np.allclose(numbers(found), np.stack([-np.sin(POINTS), np.cos(POINTS)], -1), atol=1e-9)


def test_checks(library: Library) -> None:
    if library.name == "array_api_strict":
        pytest.skip("it has no derivatives of its own")
    xp = library.xp

    @library.compiled
    def loss(v: Any) -> Any:
        return xp.sum(xp.tanh(v) ** 2)

    for x in (POINTS, POINTS.astype(np.float32)):
        assert fg.check(xp.sin, xp.cos, library.array(x))
        assert not fg.check(xp.sin, xp.sin, library.array(x))
    slope = library.grad(loss)
    assert fg.check(loss, slope, library.array(POINTS.astype(np.float32)), of="gradient")
    assert not fg.check(loss, lambda v: 2 * slope(v), library.array(POINTS), of="gradient")

    multiply = library.compiled(lambda v: v[0] * v[1])
    product = fg.check(multiply, library.grad(multiply), library.array(POINTS), of="gradient")
    assert product and product.counts["AGREES"] == 6  # one point at a time

    @library.compiled
    def of_tree(p: Any) -> Any:
        return xp.sum(xp.tanh(p["w"] @ p["x"] + p["b"]))

    tree = {name: library.array(a) for name, a in {"w": POINTS, "x": POINTS[0], "b": np.float64(0.5)}.items()}
    slopes = library.grad(of_tree)
    found, exact = fg.gradient(of_tree, tree), slopes(tree)
    for name in tree:
        assert isinstance(found[name], library.type)
        assert np.allclose(numbers(found[name]), numbers(exact[name]), rtol=1e-9, atol=1e-12)
    assert fg.check(of_tree, slopes, tree)
    wrong = fg.check(of_tree, lambda p: {**slopes(p), "b": library.array(3.0)}, tree)
    assert wrong.counts["DISAGREES"] == 1 and " b " in repr(wrong)


def test_gates_return_arrays_of_the_library(library: Library) -> None:
    found = fg.gates.sigmoid(library.array(POINTS))
    assert isinstance(found, library.type) and np.array_equal(numbers(found), fg.gates.sigmoid(POINTS))


def test_jax_without_float64_is_refused_with_a_remedy() -> None:
    """Points that JAX rounds to float32 gave slopes of 0 or 2 in place of 1."""
    jax = pytest.importorskip("jax")
    if jax.config.jax_enable_x64:
        pytest.skip("float64 is switched on")
    x = jax.numpy.linspace(0.5, 1.0, 3)
    for call in (
        lambda: fg.derivative(jax.numpy.sin, x), lambda: fg.gradient(jax.numpy.sum, x),
        lambda: fg.check(jax.numpy.sin, jax.numpy.cos, x), lambda: fg.gradient(lambda p: p["w"].sum(), {"w": x}),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"computes in float64; got one of jax.*jax\.config\.update"):
            call()


def test_two_libraries_are_refused() -> None:
    strict = pytest.importorskip("array_api_strict")
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="must be of one library, or NumPy's; got torch and array_api_strict"):
        fg.derivative(lambda x, y: x * y, torch.ones(3), strict.ones(3))


def test_torch_models_in_float32_get_a_note() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(3, 1)
    with pytest.raises(RuntimeError) as caught:
        fg.gradient(lambda v: model(v)[..., 0], torch.ones(3))
    assert "model.double()" in "".join(caught.value.__notes__)
    model.double()
    assert torch.allclose(fg.gradient(lambda v: model(v)[..., 0], torch.ones(3)), model.weight[0].float())
    needs = torch.ones(3, dtype=torch.float64, requires_grad=True)
    assert np.allclose(fg.gradient(lambda v: (v**2).sum(-1), needs), 2.0)


def test_cupy_by_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays that NumPy refuses to read, `get`, and a module that makes them: all that is used of CuPy."""

    class Array:
        def __init__(self, values: Any) -> None:
            self.values = np.array(values)

        def __array__(self, *args: Any, **named: Any) -> Any:
            raise TypeError("Implicit conversion to a NumPy array is not allowed")

        def __array_ufunc__(self, *args: Any, **named: Any) -> Any:
            return NotImplemented

        def get(self) -> Any:
            return self.values

    Array.__name__, Array.__module__ = "ndarray", "cupy._core.core"
    monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(asarray=Array))
    found = fg.derivative(lambda x: Array(np.sin(x.values)), Array(POINTS))
    assert type(found) is Array and np.allclose(found.values, np.cos(POINTS), rtol=1e-12)
    assert fg.check(lambda x: Array(np.sin(x.values)), lambda x: Array(np.cos(x.values)), Array(POINTS))
