"""Results of any shape: the batch stands first, then the result of `f`, then the coordinates."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import Opaque, covers

import fastgrad as fg

pytestmark = pytest.mark.machine_code

X = np.linspace(0.2, 1.7, 5)
WEIGHTS = np.array([1.0, -2.0, 3.0, 0.5, 4.0])

#: Functions of one number that return arrays: `f`, and its derivative for an array of points.
ARRAYS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "circle": (lambda t: np.array([np.cos(t), np.sin(t)]), lambda t: np.stack([-np.sin(t), np.cos(t)], -1)),
    "tuple": (lambda t: (t * t, np.exp(t), t), lambda t: np.stack([2 * t, np.exp(t), 1 + 0 * t], -1)),
    "stacked behind": (lambda t: np.stack([t, t**3], -1), lambda t: np.stack([1 + 0 * t, 3 * t**2], -1)),
    "rotation": (
        lambda t: np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]),
        lambda t: np.moveaxis(np.array([[-np.sin(t), -np.cos(t)], [np.cos(t), -np.sin(t)]]), (0, 1), (-2, -1)),
    ),
    "as long as the batch": (lambda t: t * WEIGHTS, lambda t: WEIGHTS + 0 * t[..., None]),
    "two": (lambda t: t * t * WEIGHTS[:2], lambda t: 2 * t[..., None] * WEIGHTS[:2]),
    "numbers only": (lambda t: [math.sin(t), 2 * t], lambda t: np.stack([np.cos(t), 2 + 0 * t], -1)),
    "arrays only": (lambda t: t[:, None] * WEIGHTS[:3], lambda t: WEIGHTS[:3] + 0 * t[..., None]),
    "powers": (lambda t: np.power.outer(t, np.arange(4)), lambda t: np.stack([0 * t, 1 + 0 * t, 2 * t, 3 * t**2], -1)),
}


@pytest.mark.parametrize("method", ["adaptive", "central", fg.backward(3)], ids=repr)
@pytest.mark.parametrize("name", ARRAYS)
def test_derivative_appends_the_shape_of_the_result(name: str, method: Any) -> None:
    f, slope = ARRAYS[name]
    for g in (f, Opaque(f)):
        for x in (X, X[:1], X[:2], X[2], X.reshape(5, 1), np.resize(X, (2, 3))):
            found = fg.derivative(g, x, method=method)
            assert found.shape == slope(np.asarray(x)).shape, x
            assert np.allclose(found, slope(np.asarray(x)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ARRAYS)
def test_each_point_alone_and_each_result_alone(name: str) -> None:
    """Bit for bit: neither the batch nor the other results change a derivative."""
    f = ARRAYS[name][0]
    whole = fg.derivative(f, X, full_output=True)
    for i, x in enumerate(X):
        for field, alone in zip(whole, fg.derivative(f, x, full_output=True), strict=True):
            assert np.array_equal(field[i], alone)
    first = Opaque(lambda t: np.ravel(f(np.array([float(t)]) if name == "arrays only" else float(t)))[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fg.PerformanceWarning)
        assert np.array_equal(fg.derivative(first, X), whole.df.reshape(5, -1)[:, 0])


def test_options_of_derivative_with_arrays() -> None:
    f, slope = ARRAYS["circle"]
    assert fg.derivative(f, X.astype(np.float32)).dtype == np.float32
    assert np.allclose(fg.derivative(f, X, method="complex"), slope(X), rtol=1e-15)
    assert np.allclose(fg.derivative(f, X, method="central", step=1e-3 * X), slope(X), rtol=1e-5)
    assert np.allclose(fg.derivative(f, X, method=fg.adaptive(n=2)), -np.stack([np.cos(X), np.sin(X)], -1), rtol=1e-8)
    sides = fg.adaptive(side=np.array(["left", "right", "both", "left", "right"]))
    assert np.allclose(fg.derivative(f, X, method=sides), slope(X), rtol=1e-8)
    outside = fg.derivative(f, X, bounds=(0.5, np.inf))
    assert np.isnan(outside[X < 0.5]).all() and np.allclose(outside[X >= 0.5], slope(X)[X >= 0.5], rtol=1e-8)
    estimate = fg.derivative(f, X, full_output=True)
    assert estimate.error.shape == (5, 2) and covers(estimate, slope(X), 1e-12)
    roots = fg.derivative(lambda t: np.stack([np.sqrt(t - 1), t], -1), X, method="central")
    assert np.isnan(roots[X < 1, 0]).all() and np.allclose(roots[:, 1], 1.0)
    with pytest.raises(ValueError, match=r"`out` holds one number per point\. .* For an array .* leave `out` out"):
        fg.derivative(f, X, out=np.empty(5))


def test_several_arguments_with_arrays() -> None:
    def f(x: Any, y: Any, k: Any) -> Any:
        return np.array([x * y, np.exp(x) * WEIGHTS[k]])

    y, k = X[::-1].copy(), np.arange(5)
    for x in (X, X[:, None]):
        shape = np.broadcast_shapes(x.shape, y.shape)
        found = fg.derivative(f, x, y, k, wrt=(0, 1))
        exact = (np.broadcast_to(y, shape), np.exp(x) * WEIGHTS[k]), (np.broadcast_to(x, shape), np.zeros(shape))
        for a, b in zip(found, exact, strict=True):
            assert a.shape == (*shape, 2) and np.allclose(a, np.stack(b, -1), rtol=1e-9, atol=1e-12)
    assert np.allclose(fg.derivative(f, X, 2.0, 1, method="complex")[:, 1], -2 * np.exp(X), rtol=1e-15)
    assert np.allclose(fg.derivative(f, X, y, 1, method="complex")[:, 0], y, rtol=1e-15)


def test_elementwise_functions_are_not_taken_for_arrays() -> None:
    """Of one number they return one number, though arrays come in and go out."""
    for f in (np.sin, lambda x: x * 1.0, Opaque(lambda x: np.sin(x)), Opaque(lambda x: np.ravel(x) ** 2)):
        for x in (X, X[:1], X[:2]):
            assert fg.derivative(f, x).shape == x.shape
    with pytest.raises(ValueError, match="`f` must return one value per point"):
        fg.derivative(lambda x: np.convolve(x, [1.0, 2.0, 1.0], mode="same"), X)  # three values of one number


def test_labels_of_arrays() -> None:
    f, slope = ARRAYS["circle"]
    table = fg.derivative(f, pd.Series(X, index=list("abcde")))
    assert list(table.index) == list("abcde") and table.columns.name == "output"
    named = fg.derivative(f, xr.DataArray(X, dims="t", coords={"t": X}), full_output=True)
    assert named.df.dims == ("t", "output") and np.array_equal(named.df, table)
    assert np.allclose(np.ma.getdata(fg.derivative(f, np.ma.masked_less(X, 0.5)))[1:], slope(X)[1:], rtol=1e-8)
    with pytest.raises(TypeError, match="`f` must return a number or one row of numbers for containers"):
        fg.derivative(ARRAYS["rotation"][0], pd.Series(X))


# Vectors --------------------------------------------------------------------------------------------------------------


POINTS = np.linspace(-1.5, 2.0, 8).reshape(4, 2)

#: Functions of a vector of two, and the shape of what they return.
SHAPED: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "outer": (lambda v: np.outer(v, v), (2, 2)),
    "outer of a batch": (lambda v: v[..., :, None] * v[..., None, :], (2, 2)),
    "components first": (lambda v: np.array([[v[0] * v[1], np.sin(v[0]), v[1]], [v[1] ** 2, v[0], 0 * v[0]]]), (2, 3)),
    "cube": (lambda v: np.multiply.outer(np.outer(v, v), v), (2, 2, 2)),
    "batches only": (lambda v: np.exp(v)[:, :, None, None] * np.ones((3, 4)), (2, 3, 4)),
}


@pytest.mark.parametrize("method", ["adaptive", "central", "complex"])
@pytest.mark.parametrize("name", SHAPED)
def test_jacobian_has_the_shape_of_the_result_before_the_coordinates(name: str, method: Any) -> None:
    f, shape = SHAPED[name]

    def raveled(v: Any) -> Any:
        return np.reshape(f(v[None])[0] if name == "batches only" else f(v), -1)

    for x in (POINTS, POINTS[0], POINTS[:2], POINTS[:3].reshape(3, 1, 2)):
        found = fg.jacobian(f, x, method=method)
        assert found.shape == (*x.shape[:-1], *shape, 2)
        assert np.allclose(found.reshape(*x.shape[:-1], -1, 2), fg.jacobian(raveled, x, method=method), atol=1e-8)
        along = fg.directional(f, x, [1.0, -2.0], method=method)
        assert along.shape == (*x.shape[:-1], *shape)
        assert np.allclose(along, found @ [1.0, -2.0], rtol=1e-6, atol=1e-7)


def test_one_row_or_column_is_still_one_axis() -> None:
    for shape in ((2,), (1, 2), (2, 1), (1, 2, 1)):
        assert fg.jacobian(lambda v, shape=shape: np.reshape(v * v, shape), POINTS[0]).shape == (2, 2)
    assert fg.jacobian(lambda v: v[0] * v[1], POINTS).shape == (4, 1, 2)


def test_matrices_have_no_sparse_jacobian() -> None:
    with pytest.raises(ValueError, match="one row of numbers for a sparse jacobian"):
        fg.jacobian(lambda v: np.outer(v, v), POINTS[0], sparsity=np.ones((4, 2)))


def polynomials(v: Any) -> Any:
    return v[..., 0] ** 2 * v[..., 1], v[..., 1] ** 3, 1e6 * v[..., 0] * v[..., 1]


@pytest.mark.parametrize("method", ["adaptive", "central", fg.central(4)], ids=repr)
def test_hessian_of_several_results_is_that_of_each(method: Any) -> None:
    for f in (polynomials, Opaque(polynomials)):
        for x in (POINTS, POINTS[1], POINTS[:1]):
            found = fg.hessian(f, x, method=method)
            diagonal = fg.hessian(f, x, method=method, diagonal=True)
            product = fg.hessian_vector(f, x, [2.0, -1.0], method=method)
            assert found.shape == (*x.shape[:-1], 3, 2, 2)
            assert diagonal.shape == product.shape == (*x.shape[:-1], 3, 2)
            for i, scale in enumerate((1.0, 1.0, 1e6)):
                one = fg.hessian(lambda v, i=i: polynomials(v)[i], x, method=method)
                assert np.allclose(found[..., i, :, :], one, rtol=1e-6, atol=1e-6 * scale)
            assert np.array_equal(np.diagonal(found, axis1=-2, axis2=-1), diagonal)
            assert np.array_equal(found, np.swapaxes(found, -1, -2))
            assert np.allclose(product / [[1.0], [1.0], [1e6]], found @ [2.0, -1.0] / [[1.0], [1.0], [1e6]], atol=1e-5)


def test_hessian_of_matrices_and_its_bars() -> None:
    def f(v: Any) -> Any:
        return np.array([[v[0] ** 2, v[0] * v[1]], [np.sin(v[1]), 1.0 + 0 * v[0]]])

    found = fg.hessian(f, POINTS[1], full_output=True)
    exact = np.zeros((2, 2, 2, 2))
    exact[0, 0, 0, 0], exact[0, 1], exact[1, 0, 1, 1] = 2.0, [[0, 1], [1, 0]], -np.sin(POINTS[1, 1])
    assert found.df.shape == exact.shape
    assert covers(found, exact, 1e-11)


def test_hessian_of_one_result_has_no_axis_for_it() -> None:
    for f in (lambda v: v[0] * v[1], lambda v: [v[0] * v[1]], lambda v: np.reshape(v[0] * v[1], (1, 1))):
        assert fg.hessian(f, POINTS[0]).shape == (2, 2)
    assert fg.hessian(polynomials, np.empty((0, 2))).shape == (0, 2, 2)
    with pytest.raises(TypeError, match="for containers"):
        fg.hessian(polynomials, pd.DataFrame(POINTS))


def test_parts_of_different_shapes_are_named() -> None:
    """NumPy's message was about broadcasting."""
    with pytest.raises(ValueError, match=r"`f` must return parts of one shape; got \(2,\) and \(3,\)"):
        fg.jacobian(lambda v: [v[:2], v], [1.0, 2.0, 3.0])


def test_parts_of_one_number_and_of_several_were_broadcast() -> None:
    """A row of one number was repeated: four results where NumPy refuses to make an array."""
    for parts in (lambda v: (v[:1], v), lambda v: [[v[0]], [v[0], v[1]]]):
        with pytest.raises(ValueError, match=r"`f` must return parts of one shape; got \(1,\) and \(2,\)"):
            fg.jacobian(parts, [1.0, 2.0])


@pytest.mark.parametrize("derive", [fg.gradient, fg.jacobian, fg.hessian])
@pytest.mark.parametrize("made_for_numba", [True, False])
def test_value_and_gradient_are_no_jacobian(derive: Any, made_for_numba: bool) -> None:
    """The value was repeated to the length of the gradient, and both were differentiated."""

    def value_and_gradient(v: Any) -> Any:
        return np.sum(v**2), 2 * v

    f = value_and_gradient if made_for_numba else Opaque(value_and_gradient)
    with pytest.raises(ValueError, match=r"`f` must return parts of one shape; got \(\) and \(2,\). Return one"):
        derive(f, [1.0, 2.0])
    with pytest.raises(ValueError, match="`f` must return parts of one shape"):
        derive(f, np.ones((5, 2)))
    assert np.max(abs(fg.jacobian(lambda v: [v[0] * np.ones(1), 2.0], [1.0, 2.0]) - [[1, 0], [0, 0]])) < 1e-12


@pytest.mark.parametrize("x", [1.0, np.array([1.0, 2.0])])
def test_ragged_values_of_a_number_name_the_function(x: Any) -> None:
    """NumPy's message was about a sequence and an inhomogeneous shape."""
    with pytest.raises(ValueError, match="`f` must return parts of one shape; got a list of different ones"):
        fg.derivative(lambda t: [[t], [t, t]], x)


@pytest.mark.parametrize("method", ["central", "forward", fg.central(order=4)])
def test_stencils_without_room_between_the_bounds_at_any_point(method: Any) -> None:
    """Where no entry had room for the stencil, nothing was evaluated, and a TypeError came out of a subscript."""
    found = fg.jacobian(Opaque(lambda v: np.array([v[0] * v[1], v[1] ** 2])), [0.0, 1.0], bounds=(0, 1), method=method)
    assert np.max(abs(found - [[1, 0], [0, 2]])) < 1e-9


def test_no_points_between_bounds() -> None:
    """Bounds broadcast to no rows either, and the first of them raised an IndexError."""
    bounds = np.zeros(2), np.ones(2)
    assert fg.jacobian(polynomials, np.empty((0, 2)), bounds=bounds).shape[0] == 0
    assert fg.directional(polynomials, np.empty((0, 2)), np.ones(2), bounds=bounds).shape[0] == 0
