"""polars: the numbers of the bare array, with the names of columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import run_python

import fastgrad as fg

pytestmark = pytest.mark.machine_code

pl = pytest.importorskip("polars")

POINTS = np.linspace(-2.0, 2.0, 15).reshape(5, 3)
FRAME = pl.DataFrame(POINTS, schema=["a", "b", "c"])


def wave(x: Any) -> Any:
    return np.sin(3 * x) * x


def bowl(v: Any) -> Any:
    return v[0] ** 2 * np.sin(v[1]) + v[2] * v[0]


def polar(v: Any) -> Any:
    return v[0] * np.cos(v[1]), v[0] * np.sin(v[1]) * v[2]


@pytest.mark.parametrize("method", ["adaptive", "central", fg.adaptive(n=2)], ids=repr)
def test_numbers_and_names(method: Any) -> None:
    for field, values in zip(
        fg.derivative(wave, FRAME, method=method, full_output=True),
        fg.derivative(wave, POINTS, method=method, full_output=True),
        strict=True,
    ):
        assert field.columns == FRAME.columns and np.array_equal(field.to_numpy(), values)
    column = fg.derivative(wave, FRAME["b"].cast(pl.Float32), method=method)
    assert column.name == "b" and column.dtype == pl.Float32
    assert np.array_equal(column.to_numpy(), fg.derivative(wave, POINTS[:, 1].astype(np.float32), method=method))


def test_vectors_in_rows() -> None:
    assert fg.gradient(bowl, FRAME).columns == FRAME.columns
    assert np.array_equal(fg.gradient(bowl, FRAME).to_numpy(), fg.gradient(bowl, POINTS))
    assert np.array_equal(fg.hessian(bowl, FRAME, diagonal=True), fg.hessian(bowl, POINTS, diagonal=True))
    along = fg.directional(bowl, FRAME, FRAME.select("c", "b", "a"))
    assert isinstance(along, pl.Series) and np.array_equal(along, fg.directional(bowl, POINTS, POINTS))
    assert fg.directional(polar, FRAME, FRAME).columns == ["output_0", "output_1"]
    vector = pl.Series("v", POINTS[1])
    assert fg.gradient(bowl, vector).name == "v"
    assert fg.hessian(bowl, vector).shape == (3, 3) and fg.jacobian(polar, vector).shape == (2, 3)
    steps = fg.gradient(bowl, FRAME, step=pl.Series([1e-2, 1e-3, 1e-4]), method="central")
    assert np.array_equal(steps, fg.gradient(bowl, POINTS, step=[1e-2, 1e-3, 1e-4], method="central"))
    for call in (fg.hessian, fg.jacobian):
        with pytest.raises(TypeError, match=r"tables of polars have two.*to_numpy"):
            call(bowl, FRAME)


def test_nulls_whole_numbers_and_booleans() -> None:
    found = fg.derivative(wave, pl.Series("n", [1, None, 3]))
    assert np.array_equal(found, fg.derivative(wave, np.array([1, np.nan, 3])), equal_nan=True)
    mixed = fg.derivative(wave, pl.DataFrame({"treated": [True, False], "dose": [1.0, 2.0]}))
    assert np.array_equal(mixed, fg.derivative(wave, np.array([[1.0, 1.0], [0.0, 2.0]])))
    with pytest.raises(TypeError, match=r"`args\[0\]` must be an array of real numbers"):
        fg.derivative(wave, pl.Series(["a", "b"]))
    assert fg.derivative(wave, pl.Series("e", [], dtype=pl.Float64)).len() == 0


def test_several_tables() -> None:
    def product(x: Any, y: Any) -> Any:
        return x * np.exp(-y)

    wanted = fg.derivative(product, POINTS, POINTS)
    assert np.array_equal(fg.derivative(product, FRAME, FRAME.select("b", "a", "c")), wanted)
    rows = pl.Series(POINTS[:, 0])
    assert np.array_equal(fg.derivative(product, FRAME, rows), fg.derivative(product, POINTS, POINTS[:, :1]))
    assert np.array_equal(fg.derivative(product, FRAME, 0.5), fg.derivative(product, POINTS, 0.5))
    with pytest.raises(ValueError, match=r"`args\[1\]` must have the columns of the others"):
        fg.derivative(product, FRAME, FRAME.rename({"a": "z"}))
    with pytest.raises(TypeError, match="must be of one library, or NumPy's; got pandas and polars"):
        fg.derivative(product, FRAME, pd.DataFrame(POINTS))


def test_gates_and_masks() -> None:
    assert np.array_equal(fg.gates.sigmoid(FRAME["a"]), fg.gates.sigmoid(POINTS[:, 0]))
    circle = fg.derivative(lambda t: np.array([np.cos(t), np.sin(t)]), FRAME["a"])
    assert circle.columns == ["output_0", "output_1"]


def test_importing_fastgrad_does_not_import_polars() -> None:
    assert (
        run_python("import sys, fastgrad as fg; fg.gradient(sum, [1.0, 2.0]); print('polars' in sys.modules)")
        == "False"
    )
