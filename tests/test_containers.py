"""Arrays of xarray, pandas and Dask, masked and memory-mapped ones: the numbers of the bare array, labels, masks.

What is lazy about Dask's arrays, and clusters, is tested in `test_containers_dask`.
"""

from __future__ import annotations

import math
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from conftest import Opaque, run_script

import fastgrad as fg
from fastgrad.array_kinds import CONTAINERS, PLAIN, REFUSED, Container, kinds

pytestmark = pytest.mark.machine_code


def wave(x: Any) -> Any:
    return np.sin(3 * x) * x


def product(x: Any, y: Any) -> Any:
    return x * np.exp(-y)


def bowl(v: Any) -> Any:
    return v[0] ** 2 * np.sin(v[1]) + v[2] * v[0]


def polar(v: Any) -> Any:
    return v[0] * np.cos(v[1]), v[0] * np.sin(v[1]) * v[2]


def labelled(x: Any) -> Any:
    dims = ("t", "k")[-x.ndim :] if x.ndim else ()
    return xr.DataArray(x, dims=dims, coords={"k": np.arange(x.shape[-1]) * 10} if x.ndim else {}, attrs={"a": 1})


def framed(x: Any) -> Any:
    if x.ndim == 2:
        return pd.DataFrame(x, index=np.arange(len(x)) + 5, columns=[f"c{i}" for i in range(x.shape[1])])
    return pd.Series(x, index=[f"c{i}" for i in range(x.size)], name="s")


def chunked(x: Any) -> Any:
    return da.from_array(x, chunks=(2,) * x.ndim)


def bare(x: Any) -> Any:
    """The numbers in a container."""
    if isinstance(x, xr.DataArray):
        x = x.data
    if isinstance(x, da.Array):
        x = x.compute(scheduler="synchronous")
    if isinstance(x, (pd.Series, pd.DataFrame)):
        x = x.to_numpy()
    return np.ma.getdata(x)


MAKERS: dict[str, Callable[[Any], Any]] = {
    "xarray": labelled,
    "pandas": framed,
    "dask": chunked,
    "masked": np.ma.MaskedArray,
    "xarray of dask": lambda x: labelled(x).chunk(2),
    "dask of masked": lambda x: chunked(np.ma.MaskedArray(x)),
}
METHODS = ["adaptive", "central", "complex", fg.backward(2), fg.central(2, n=2), fg.adaptive(n=2)]

POINTS = np.linspace(-2.0, 2.0, 15).reshape(5, 3)


# Laws for all kinds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("f", [wave, Opaque(wave)], ids=["compiled", "called"])
def test_derivative_has_the_numbers_of_the_bare_array(f: Any, method: Any, make: Any) -> None:
    for x in (POINTS, POINTS[0], POINTS.astype(np.float32), (10 * POINTS).astype(int)):
        given = make(x.copy())
        found, wanted = fg.derivative(f, given, method=method), fg.derivative(f, x, method=method)
        assert type(found) is type(given)
        assert bare(found).dtype == wanted.dtype == getattr(found, "dtype", wanted.dtype)
        assert np.array_equal(bare(found), wanted)
        assert np.array_equal(bare(given), x)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("method", ["adaptive", "central"])
def test_estimates_are_wrapped_field_by_field(method: str, make: Any) -> None:
    given = make(POINTS)
    found = fg.derivative(wave, given, method=method, full_output=True)
    wanted = fg.derivative(wave, POINTS, method=method, full_output=True)
    assert type(found) is fg.Estimate
    for name, field in found._asdict().items():
        assert type(field) is type(given), name
        assert bare(field).dtype == getattr(wanted, name).dtype, name
        assert np.array_equal(bare(field), getattr(wanted, name)), name


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_options_may_be_containers(make: Any) -> None:
    size = np.abs(POINTS) + 1
    for named in ({"step": 1e-4 * size}, {"rel_step": 1e-4 * size}, {"bounds": (POINTS - size / 2, POINTS)}):
        for method in ("adaptive", "central"):
            wanted = fg.derivative(wave, POINTS, method=method, **named)  # type: ignore[arg-type]
            inside = {k: tuple(map(make, v)) if k == "bounds" else make(v) for k, v in named.items()}
            for x in (POINTS, make(POINTS)):
                found = fg.derivative(wave, x, method=method, **inside)  # type: ignore[arg-type]
                assert type(found) is type(make(POINTS))
                assert np.array_equal(bare(found), wanted)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_several_arguments(make: Any) -> None:
    x, y = POINTS, POINTS[::-1].copy()
    wanted = fg.derivative(product, x, y, wrt=(0, 1))
    for found in (
        fg.derivative(product, make(x), make(y), wrt=(0, 1)),
        fg.derivative(product, x, make(y), wrt=(0, -1)),
        fg.derivative(product, make(x), y, wrt=(0, 1)),
    ):
        assert isinstance(found, tuple)
        assert all(np.array_equal(bare(a), b) for a, b in zip(found, wanted, strict=True))
    assert np.array_equal(bare(fg.derivative(product, make(x), 0.5)), fg.derivative(product, x, 0.5))


@pytest.mark.parametrize("other", MAKERS)
@pytest.mark.parametrize("one", MAKERS)
def test_kinds_beside_one_another(one: str, other: str) -> None:
    """The outermost kind has the result; tables of pandas stand beside plain and masked arrays only."""
    x, y = MAKERS[one](POINTS), MAKERS[other](POINTS[::-1].copy())
    pair = {kinds[type(x)], kinds[type(y)]}
    if "pandas" in pair and pair & {"xarray", "dask"}:
        with pytest.raises(TypeError, match=r"`args\[0\]` and the others must be of one library.*to_xarray"):
            fg.derivative(product, x, y)
        return
    found = fg.derivative(product, x, y, wrt=1)
    assert kinds[type(found)] == min(pair, key=list(CONTAINERS).index)
    assert np.array_equal(bare(found), fg.derivative(product, POINTS, POINTS[::-1], wrt=1))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_number_beside_a_container_stays_a_number(make: Any) -> None:
    table = np.array([1.0, 10.0, 100.0])

    def power(x: Any, i: int) -> Any:
        return table[[1, 2, 0][i]] * x  # a list takes no array for an index

    assert np.array_equal(bare(fg.derivative(Opaque(power), make(POINTS), 1, method="central")) > 99, POINTS < np.inf)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_gates_and_their_partials(make: Any) -> None:
    for x in (POINTS, POINTS.astype(np.float32)):
        for gate, *more in ((fg.gates.sigmoid,), (fg.gates.multiply, 0.5), (fg.gates.logical_and, x > 0)):
            given = [make(a) if np.ndim(a) else a for a in (x, *more)]
            found, wanted = gate(*given), gate(x, *more)
            assert type(found) is type(given[0]) and bare(found).dtype == wanted.dtype
            assert np.array_equal(bare(found), wanted)
        slopes = fg.gates.multiply.partials(make(x), make(x * x))
        assert all(map(np.array_equal, map(bare, slopes), fg.gates.multiply.partials(x, x * x)))
    hidden = fg.gates.tanh(masked())
    assert np.array_equal(hidden.mask, masked().mask)
    with pytest.raises(TypeError, match="`out` must be left out"):
        fg.gates.tanh(make(POINTS), out=np.empty(POINTS.shape))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_circuits_of_numbers(make: Any) -> None:
    one, two = fg.circuit(product), fg.circuit(lambda x, y: (x * y, np.sin(x)))
    for x in (POINTS, POINTS.astype(np.float32)):
        for c in (one, two):
            for call in (c, c.partials, c.value_and_partials):
                found, wanted = flat(call(make(x), 0.5)), flat(call(x, 0.5))
                assert all(type(a) is type(make(x)) for a in found)
                assert all(bare(a).dtype == b.dtype for a, b in zip(found, wanted, strict=True))
                assert all(map(np.array_equal, map(bare, found), wanted))
    assert isinstance(one.value_and_partials(make(POINTS), 0.5)[1], tuple)
    assert np.array_equal(one(masked(), 0.5).mask, masked().mask)
    with pytest.raises(TypeError, match="`out` must be left out"):
        one(make(POINTS), 0.5, out=np.empty(POINTS.shape))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_circuits_of_vectors(make: Any) -> None:
    one, two = fg.circuit(bowl, n=3), fg.circuit(polar, n=3)
    for x in (POINTS, POINTS[0], POINTS.astype(np.float32)):
        for call in (one, one.gradient, one.hessian, one.partials, one.value_and_partials, two, two.jacobian):
            found, wanted = flat(call(make(x))), flat(call(x))
            for a, b in zip(found, wanted, strict=True):  # pandas puts rows of matrices below each other
                assert bare(a).dtype == b.dtype and np.array_equal(np.reshape(bare(a), b.shape), b)
    assert type(one.hessian(labelled(POINTS))) is xr.DataArray
    assert np.array_equal(one.gradient(masked()).mask.any(axis=-1), masked().mask.any(axis=-1))
    with pytest.raises(TypeError, match="`out` must be left out"):
        one.gradient(make(POINTS), out=np.empty(POINTS.shape))
    for wrong in (POINTS[:, :2], np.float64(1.0)):
        with pytest.raises(ValueError, match="must have 3 components"):
            bare(one.gradient(make(wrong) if wrong.ndim else labelled(np.array(wrong))))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_circuits_of_several_vectors(make: Any) -> None:
    """A layer: the weights come with labels of their own, or as a bare array; a number beside them has a batch."""
    c = fg.circuit(lambda w, v, t: np.tanh(w[:3] @ v) * w[3] * t, n=(4, 3, None))
    w, t = np.linspace(-1.0, 1.0, 4), np.linspace(0.5, 1.0, 5)
    wanted = flat(c.value_and_partials(w, POINTS, t))
    weights = [w, w]
    if isinstance(make(w), (xr.DataArray, pd.Series)):
        weights[1] = xr.DataArray(w, dims="weight", coords={"weight": list("abcd")}) if make is not framed else make(w)
    for given in weights:
        batch = make(POINTS)
        beside: Any = xr.DataArray(t, dims="t") if isinstance(batch, xr.DataArray) else t
        beside = pd.Series(t, index=batch.index) if make is framed else beside
        found = flat(c.value_and_partials(given, batch, beside))
        assert all(type(a) in (type(batch), pd.Series) for a in found)
        assert all(map(np.array_equal, map(bare, found), wanted))
    if make is framed:
        assert list(found[1].columns) == list(given.index) and list(found[2].columns) == list(batch.columns)
    if make is labelled:
        assert found[1].dims == ("t", "weight") and found[2].dims == ("t", "k") and found[3].dims == ("t",)
        assert c.gradient(w, batch, 1.0).dims == ("t", "coordinate")


def test_circuits_of_arrays_want_bare_ones() -> None:
    with pytest.raises(TypeError, match="return a number or one row of them for containers"):
        fg.circuit(lambda v: np.outer(v, v), n=3).jacobian(labelled(POINTS))


def flat(found: Any) -> list[Any]:
    return [a for part in found for a in flat(part)] if isinstance(found, tuple) else [found]


VECTORS = {
    "gradient": lambda x, **named: fg.gradient(bowl, x, **named),
    "jacobian": lambda x, **named: fg.jacobian(polar, x, **named),
    "hessian": lambda x, **named: fg.hessian(bowl, x, **named),
    "diagonal": lambda x, **named: fg.hessian(bowl, x, diagonal=True, **named),
    "hessian_vector": lambda x, **named: fg.hessian_vector(bowl, x, [1.0, 2.0, -1.0], **named),
    "directional": lambda x, **named: fg.directional(bowl, x, [1.0, 2.0, -1.0], **named),
    "directional, outputs": lambda x, **named: fg.directional(polar, x, np.ones((5, 3)), **named),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("call", VECTORS.values(), ids=VECTORS)
def test_vectors_have_the_numbers_of_the_bare_array(call: Any, make: Any) -> None:
    for x in (POINTS, POINTS.astype(np.float32)):
        for named in ({}, {"method": "central"}, {"bounds": (-3, make(x[0] + 5))}):
            given = make(x.copy())
            found, wanted = call(given, **named), call(x, **{k: (-3, x[0] + 5) if k == "bounds" else v
                                                             for k, v in named.items()})  # fmt: skip
            assert np.array_equal(bare(found).reshape(wanted.shape), wanted)
            assert bare(found).dtype == wanted.dtype
            assert np.array_equal(bare(given), x)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("call", list(VECTORS.values())[:-1], ids=list(VECTORS)[:-1])
def test_one_vector(call: Any, make: Any) -> None:
    found, wanted = call(make(POINTS[1])), call(POINTS[1])
    assert bare(found).shape == wanted.shape
    assert np.array_equal(bare(found), wanted)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("call", VECTORS.values(), ids=VECTORS)
def test_estimates_of_vectors(call: Any, make: Any) -> None:
    found, wanted = call(make(POINTS), full_output=True), call(POINTS, full_output=True)
    assert type(found) is fg.Estimate
    for a, b in zip(found, wanted, strict=True):
        assert np.array_equal(bare(a).reshape(b.shape), b)
        assert bare(a).dtype == b.dtype


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_nothing_in_nothing_out(make: Any) -> None:
    for shape in ((0,), (0, 3)):
        assert bare(fg.derivative(wave, make(np.empty(shape)))).shape == shape
    assert bare(fg.gradient(bowl, make(np.empty((0, 3))))).shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((POINTS, "central"), {}, r"`args\[1\]` must be an array .* got the text 'central'\. .* options go by keyword"),
        (("1",), {}, "got the text '1'"),
        ((b"1",), {}, "got the text b'1'"),
        ((["1"],), {}, "got one of dtype <U1. Convert it"),
        (((x for x in POINTS),), {}, "got a generator. Pass a number, a list of numbers or an array"),
        (({1.0},), {}, "got a set. Pass"),
        ((POINTS,), {"step": "auto"}, "`step` must be an array of real numbers; got the text 'auto'"),
        ((POINTS,), {"method": fg.central}, r"got the function central\. Call it: central\(\)"),
    ],
)
def test_what_is_no_array(arguments: Any, named: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        fg.derivative(wave, *arguments, **named)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_mistakes_are_told_as_for_arrays(make: Any) -> None:
    x = make(POINTS)
    for wrong, message in (
        ({"method": "best"}, "`method` must be one of"),
        ({"wrt": 1}, "`wrt` must be from -1 to 0"),
        ({"step": -1.0}, "`step` must be positive"),
        ({"step": 1.0, "rel_step": 1.0}, "`step` and `rel_step` exclude"),
        ({"bounds": (1, 0)}, "`bounds` must have low <= high"),
        ({"workers": 0}, "`workers` must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            fg.derivative(wave, x, **wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`out` must be left out"):
        fg.derivative(wave, x, out=np.empty(POINTS.shape))
    with pytest.raises(TypeError, match="`sparsity` must be left out"):
        fg.jacobian(polar, x, sparsity=np.ones((2, 3)))
    for kind in (complex, object):
        with pytest.raises(TypeError, match=r"`args\[0\]` must be an array of real numbers"):
            fg.derivative(wave, make(POINTS.astype(kind)))
    with pytest.raises(TypeError, match="`f` must be callable"):
        bare(fg.derivative(3.0, x))  # type: ignore[arg-type]


# Kinds ----------------------------------------------------------------------------------------------------------------


def test_importing_fastgrad_imports_no_container() -> None:
    script = (
        "import sys, fastgrad as fg, math\n"
        "fg.derivative(math.sin, 0.5); fg.gradient(sum, [1.0, 2.0])\n"
        "print([m for m in ('dask', 'xarray', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    assert run_script(script) == "[]"


def test_kinds() -> None:
    assert all(kinds[t] is PLAIN for t in (float, int, list, np.ndarray, np.float32, np.memmap, np.matrix, pa.Array))
    assert kinds[pd.Index] is PLAIN and kinds[type(pd.array([1.0]))] is PLAIN
    wanted = {"xarray": "xarray", "pandas": "pandas", "dask": "dask", "masked": "masked", "xarray of dask": "xarray"}
    assert {name: kinds[type(MAKERS[name](POINTS))] for name in wanted} == wanted
    assert kinds[type("Frame", (pd.DataFrame,), {})] == "pandas"
    assert kinds[type(np.ma.masked)] == "masked"


class Duck:
    """An array that takes part in NumPy's arithmetic, its own way."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.values, dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        return NotImplemented


class Length(np.ndarray):
    """Numbers with a unit, as astropy has them."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        return NotImplemented


@pytest.mark.parametrize("library", ["pint", "astropy.units.quantity", "unyt.array", "sparse._coo", "mine"])
def test_arrays_that_keep_arithmetic_to_themselves_are_refused(library: str) -> None:
    kind = type("Quantity", (Duck,), {"__module__": library})
    length = np.linspace(1.0, 2.0, 3).view(type("Metres", (Length,), {"__module__": library}))
    remedy = {"pint": "x.magnitude", "sparse._coo": "x.todense()", "mine": "numpy.asarray"}.get(library, "x.value")
    for odd in (kind(POINTS[0]), length):
        assert kinds[type(odd)] == REFUSED
        for call, name in (
            (lambda odd=odd: fg.derivative(wave, odd), r"args\[0\]"),
            (lambda odd=odd: fg.derivative(product, 1.0, odd), r"args\[1\]"),
            (lambda odd=odd: fg.derivative(wave, POINTS, step=odd), "step"),
            (lambda odd=odd: fg.derivative(wave, POINTS, bounds=(odd, 9)), r"bounds\[0\]"),
            (lambda odd=odd: fg.gradient(bowl, odd), "x"),
            (lambda odd=odd: fg.directional(bowl, POINTS, v=odd), "v"),
            (lambda odd=odd: fg.gradient(bowl, POINTS, rel_step=odd), "rel_step"),
            (lambda odd=odd: fg.gates.sigmoid(odd), r"args\[0\]"),
            (lambda odd=odd: fg.check(np.sin, np.cos, odd), r"args\[0\]"),
        ):
            with pytest.raises(TypeError, match=f"`{name}` must be an array that NumPy can read.*{remedy}"):
                call()


@pytest.mark.parametrize("odd", ["ab", b"ab", pd.Series([0.0, 3.0]), np.ma.array([0.0, 3.0])], ids=repr)
def test_bounds_that_are_no_pair_are_refused_instead_of_asked_for_ever(odd: Any) -> None:
    for call in (fg.gradient, fg.hessian, fg.jacobian):
        with pytest.raises(TypeError, match="`bounds` must be a pair"):
            call(bowl, POINTS[0, :3], bounds=odd)
    with pytest.raises(TypeError, match="`bounds` must be a pair"):
        fg.derivative(wave, POINTS, bounds=odd)


def test_arrays_that_numpy_reads_are_read() -> None:
    wanted = fg.derivative(wave, POINTS[0])
    for x in (pa.array(POINTS[0]), pa.chunked_array([POINTS[0]]), pd.Index(POINTS[0]), POINTS[0].tolist()):
        found = fg.derivative(wave, x)
        assert type(found) is np.ndarray
        assert np.array_equal(found, wanted)
    holes = fg.derivative(wave, pa.array([1.0, None, 2.0]))
    assert np.isnan(holes).tolist() == [False, True, False]


def test_tables_of_dask_are_refused_with_a_remedy() -> None:
    kind = type("Series", (Duck,), {"__module__": "dask.dataframe.dask_expr._collection"})
    with pytest.raises(TypeError, match=r"`args\[0\]` must .* of dask.*map_partitions"):
        fg.derivative(wave, kind(POINTS))


# Memory-mapped files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [wave, Opaque(wave)], ids=["compiled", "called"])
@pytest.mark.parametrize("method", ["adaptive", "central"])
@pytest.mark.parametrize("size", [7, 300_000])
def test_memory_mapped_files_in_and_out(f: Any, method: str, size: int, tmp_path: Path) -> None:
    x = np.linspace(-2, 2, size)
    np.save(tmp_path / "x.npy", x)
    given = np.load(tmp_path / "x.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "df.npy", "w+", np.float64, x.shape)
    wanted = fg.derivative(f, x, method=method)
    assert fg.derivative(f, given, method=method, out=out) is out
    out.flush()
    assert np.array_equal(np.load(tmp_path / "df.npy"), wanted)
    assert np.array_equal(np.load(tmp_path / "x.npy"), x)
    assert np.array_equal(fg.derivative(f, given, method=method), wanted)


def test_vectors_from_a_memory_mapped_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", POINTS)
    given = np.load(tmp_path / "x.npy", mmap_mode="r")
    for call in VECTORS.values():
        assert np.array_equal(call(given), call(POINTS))
    with pytest.raises(ValueError, match="`out` must be writeable"):
        fg.derivative(wave, POINTS, out=given)


# Masked arrays --------------------------------------------------------------------------------------------------------


def masked() -> Any:
    hidden = np.zeros(POINTS.shape, bool)
    hidden[0, 1] = hidden[3] = True
    return np.ma.MaskedArray(np.where(hidden, 1e300, POINTS), hidden)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_masked_points_are_masked_and_not_looked_at(method: Any) -> None:
    x, seen = masked(), []

    def watched(x: Any) -> Any:
        seen.append(np.max(np.abs(x)))
        return wave(x)

    found = fg.derivative(Opaque(watched), x, method=method)
    assert max(seen) < 5
    assert np.array_equal(found.mask, x.mask)
    assert np.isnan(found.data[x.mask]).all()
    assert np.array_equal(found.compressed(), fg.derivative(Opaque(wave), x.compressed(), method=method))


def test_masks_of_all_arrays_are_joined() -> None:
    x, y = masked(), np.ma.masked_less(POINTS[:, :1], -1.5)
    for found in fg.derivative(product, x, y, wrt=(0, 1), full_output=True):
        for field in found:
            assert np.array_equal(field.mask, x.mask | y.mask)
    assert np.array_equal(fg.derivative(product, POINTS, x).mask, x.mask)
    steps = np.ma.masked_array(np.full(x.shape, 1e-3), x.mask)
    assert np.array_equal(fg.derivative(wave, POINTS, step=steps).mask, x.mask)


def test_all_points_masked() -> None:
    hidden = np.ma.masked_all((4, 3))
    never = Opaque(lambda x: 1 / 0)
    assert fg.derivative(never, hidden).mask.all()
    assert fg.gradient(bowl, hidden).mask.all()
    assert fg.derivative(never, np.ma.masked) is np.ma.masked


def test_vectors_with_a_masked_coordinate_are_masked() -> None:
    x, seen = masked(), []

    def watched(v: Any) -> Any:
        seen.append(np.max(np.abs(v)))
        return bowl(v)

    rows = x.mask.any(axis=1)
    for call in (fg.gradient, fg.hessian, fg.jacobian):
        found, wanted = call(watched, x), call(bowl, POINTS)
        assert found.shape == wanted.shape
        assert found.mask[rows].all() and not found.mask[~rows].any()
        assert np.allclose(found[~rows], wanted[~rows], rtol=1e-12, atol=1e-9)
    assert max(seen) < 9
    along = fg.directional(bowl, POINTS, np.ma.masked_array(np.ones(3), [0, 1, 0]))
    assert along.mask.all()


@pytest.mark.parametrize("shape", [(40,), (4, 10), (1, 40)])
def test_large_masked_arrays_are_taken_in_pieces(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastgrad.containers.masked._NUMBERS", 7)
    x = np.ma.masked_inside(np.linspace(-2, 2, 40).reshape(shape), -0.5, 0.9)
    y = np.ma.masked_greater(np.linspace(0, 1, shape[-1]), 0.95)
    found = fg.derivative(product, x, y, wrt=1, full_output=True)
    wanted = fg.derivative(product, x.data, y.data, wrt=1, full_output=True)
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a.mask, x.mask | y.mask)
        assert np.array_equal(a.compressed(), b[~a.mask])
    vectors = np.ma.MaskedArray(np.linspace(-2, 2, 60).reshape(20, 3), np.arange(60).reshape(20, 3) % 11 == 0)
    hessian = fg.hessian(bowl, vectors)
    assert np.array_equal(hessian.mask[:, 0, 0], vectors.mask.any(axis=1))
    assert np.array_equal(hessian[~vectors.mask.any(axis=1)], fg.hessian(bowl, vectors.data)[~vectors.mask.any(axis=1)])
    phase = Opaque(lambda x: np.sqrt(x + 0j) if np.min(x) > -1 else wave(x))  # complex in the later pieces only
    assert fg.derivative(phase, x.ravel(), method="central").dtype == complex


def test_ten_million_masked_points_in_64_mebibytes() -> None:
    pytest.importorskip("resource")
    script = """
import resource, sys, numpy as np, fastgrad as fg
f = fg.gates.sigmoid
warm = np.linspace(0, 1, 10**5)
fg.derivative(f, np.ma.masked_array(warm, warm > 0.9), method="central")  # compiles, which takes memory of its own
x = np.linspace(-5, 5, 10**7)
x = np.ma.masked_array(x, x > 4.9)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
found = fg.derivative(f, x, method="central")
print((peak() - before - found.data.nbytes - found.mask.nbytes) / 2**20)
"""
    assert float(run_script(script)) < 64


@pytest.mark.parametrize("method", ["adaptive", "central"])
def test_a_value_that_f_masks_is_none(method: str) -> None:
    """Under the mask of `np.ma.log` lies its argument: its slope came back, 0 or 1, as a success."""
    x = np.array([-1.0, 0.25, 1e-9, 3.0])
    for f, within in (
        (lambda x: np.ma.log(x), 1e-6),
        (lambda x: np.ma.masked if x <= 0 else math.log(x), 1e-6),  # one point at a time
        (lambda x: np.ma.log(np.asarray(x, np.float32)), 1e-2),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fg.PerformanceWarning)
            found = fg.derivative(Opaque(f), x, method=method, full_output=True)
        assert found.status[0] == fg.Status.NONFINITE and np.isnan(found.df[0])
        assert np.all(abs(found.df * x - 1)[[1, 3]] <= within)
    counts = Opaque(lambda x: np.ma.masked_less(np.asarray(x > 0, int) * np.asarray(3), 1))
    assert np.array_equal(fg.derivative(counts, [-1.0, 2.0], method=method), [np.nan, 0.0], equal_nan=True)


def test_a_number_of_a_vector_that_f_masks_is_none() -> None:
    x = np.array([[-1.0, 2.0], [4.0, 2.0]])
    one = [[1 / 4, 0], [0, 1 / 2]]
    for f in (lambda v: np.ma.log(v), lambda v: (np.ma.log(v[..., 0]), np.ma.log(v[..., 1]))):
        found = fg.jacobian(Opaque(f), x)
        assert np.isnan(found[0, 0]).all() and np.allclose(found[0, 1], [0, 1 / 2], atol=1e-9)
        assert np.allclose(found[1], one, atol=1e-9)
    assert np.isnan(fg.gradient(Opaque(lambda v: np.ma.log(v)[0]), x[0])).all()
    assert np.array_equal(fg.sparsity(Opaque(lambda v: np.ma.log(v)), x[1]).toarray(), np.eye(2))


def test_masks_are_not_lost_where_they_do_not_belong() -> None:
    with pytest.raises(TypeError, match=r"`args\[0\]` must be an array without a mask here"):
        fg.check(np.sin, np.cos, masked())


def test_masks_in_lists_are_not_lost() -> None:
    row = np.ma.masked_array([1.0, 1e300], [False, True])
    with pytest.raises(TypeError, match=r"`args\[0\]` must be an array without a mask here"):
        fg.derivative(wave, [row, row])
    with pytest.raises(TypeError, match=r"`x\[0\]` must be an array without a mask here"):
        fg.gradient(bowl, (row, row))


def test_masked_arrays_of_no_numbers_are_refused_by_name() -> None:
    for kind, remedy in (([("a", float)], "structured_to_unstructured"), (object, "float64"), ("m8[s]", "timedelta64")):
        with pytest.raises(TypeError, match=rf"`args\[0\]` must be an array of real numbers.*{remedy}"):
            fg.derivative(wave, np.ma.masked_array(np.zeros(2, kind)))


# xarray ---------------------------------------------------------------------------------------------------------------


def test_xarray_keeps_what_is_around_the_numbers() -> None:
    x = xr.DataArray(
        POINTS,
        dims=("t", "k"),
        coords={"t": np.arange(5), "k": list("abc"), "height": ("t", np.arange(5.0)), "place": "here"},
        name="temperature",
        attrs={"units": "K"},
    )
    found = fg.derivative(wave, x)
    assert found.identical(x.copy(data=fg.derivative(wave, POINTS)))
    for field, values in zip(
        fg.derivative(wave, x, full_output=True), fg.derivative(wave, POINTS, full_output=True), strict=True
    ):
        assert field.identical(x.copy(data=values))
    assert fg.gradient(bowl, x).identical(x.copy(data=fg.gradient(bowl, POINTS)))
    assert type(fg.derivative(wave, x.variable)) is xr.Variable
    assert fg.gradient(bowl, x.variable).dims == ("t", "k")


def test_xarray_broadcasts_by_name() -> None:
    x = xr.DataArray(np.linspace(0, 1, 4), dims="a", coords={"a": [1, 2, 3, 4]})
    y = xr.DataArray(np.linspace(0, 2, 3), dims="b")
    found = fg.derivative(product, x, y, wrt=1)
    assert found.dims == ("a", "b") and "a" in found.coords
    assert np.array_equal(found.values, fg.derivative(product, x.values[:, None], y.values, wrt=1))
    turned = fg.derivative(product, (x * y), (x * y).T)
    assert np.array_equal(turned.values, fg.derivative(product, (x * y).values, (x * y).values))


@pytest.mark.parametrize("join", ["inner", "outer", "exact"])
def test_xarray_lines_up_as_its_arithmetic_does(join: Any) -> None:
    x = xr.DataArray([1.0, 2.0, 3.0], dims="a", coords={"a": [1, 2, 3]})
    y = xr.DataArray([1.0, 2.0, 3.0], dims="a", coords={"a": [2, 3, 4]})
    with xr.set_options(arithmetic_join=join):
        if join == "exact":
            with pytest.raises(ValueError, match="join='exact'"):
                fg.derivative(product, x, y)
            return
        found, wanted = fg.derivative(product, x, y), xr.apply_ufunc(np.exp, -y + 0 * x)
        assert found.a.equals((x * y).a)
        assert np.allclose(found, wanted, equal_nan=True)


def test_datasets() -> None:
    x = xr.Dataset({"one": ("a", POINTS[0]), "two": (("a", "b"), POINTS.T)}, attrs={"from": "there"})
    found = fg.derivative(wave, x)
    assert isinstance(found, xr.Dataset) and found.attrs == x.attrs
    for name in x:
        assert np.array_equal(found[name], fg.derivative(wave, x[name].values))
    assert isinstance(fg.derivative(wave, x.chunk(2), full_output=True).error, xr.Dataset)
    with pytest.raises(TypeError, match="`x` must be an array whose last dimension is the vector; got a Dataset"):
        fg.gradient(bowl, x)


def test_dimensions_of_matrices() -> None:
    x = xr.DataArray(POINTS, dims=("t", "k"), coords={"k": list("abc"), "t": np.arange(5)}, name="p")
    hessian = fg.hessian(bowl, x)
    assert hessian.dims == ("t", "k", "k_2") and hessian.name == "p"
    assert hessian.k_2.values.tolist() == list("abc")
    assert float(hessian.sel(t=2, k="a", k_2="c")) == fg.hessian(bowl, POINTS)[2, 0, 2]
    assert fg.jacobian(polar, x).dims == ("t", "output", "k")
    assert fg.hessian(bowl, x, diagonal=True).dims == ("t", "k")
    assert fg.directional(bowl, x, x).dims == ("t",)
    assert fg.directional(polar, x, x[0]).dims == ("t", "output")
    lazy = fg.hessian(bowl, x.chunk(1))
    assert isinstance(lazy.data, da.Array) and lazy.identical(hessian)
    assert fg.jacobian(polar, x.rename(t="output", k="k_2")).dims == ("output", "output_", "k_2")
    assert np.array_equal(fg.gradient(bowl, x, step=x.t * 0.0 + 1e-3, method="central"),
                          fg.gradient(bowl, POINTS, step=1e-3, method="central"))  # fmt: skip
    every = fg.directional(bowl, x, x[0], step=x.t * 0.0 + 1e-3, method="central")
    assert np.array_equal(every, fg.directional(bowl, POINTS, POINTS[0], step=1e-3, method="central"))
    with pytest.raises(ValueError, match="`x` must be a vector"):
        fg.gradient(bowl, x[0, 0])
    with pytest.raises(TypeError, match="`x` must be a DataArray where `step` is one"):
        fg.directional(bowl, POINTS, POINTS, step=x.t + 1.0)
    with pytest.raises(TypeError, match="`x` must be a DataArray where `v` is one"):
        fg.directional(bowl, POINTS, x)
    assert fg.directional(bowl, POINTS[0], x).dims == ("t",)  # one vector has no axis that would want a name


# pandas ---------------------------------------------------------------------------------------------------------------


def test_pandas_keeps_labels() -> None:
    days = pd.date_range("2024-01-01", periods=5, name="day")
    x = pd.DataFrame(POINTS, index=days, columns=pd.Index(list("abc"), name="key"))
    x.attrs["from"] = "there"
    found = fg.derivative(wave, x)
    pd.testing.assert_frame_equal(found, pd.DataFrame(fg.derivative(wave, POINTS), index=days, columns=x.columns))
    assert found.attrs == x.attrs
    one = fg.derivative(wave, x["b"], full_output=True)
    assert all(field.index.equals(days) and field.name == "b" for field in one)
    assert one.status.dtype == np.int8 and one.success.all()
    gradient = fg.gradient(bowl, x)
    assert gradient.index.equals(days) and gradient.columns.equals(x.columns)
    assert fg.gradient(bowl, x.iloc[2]).equals(gradient.iloc[2])


def test_pandas_lines_up_as_its_arithmetic_does() -> None:
    x = pd.Series([1.0, 2.0, 3.0], index=["a", "b", "c"], name="x")
    y = pd.Series([1.0, 2.0, 3.0], index=["c", "b", "d"], name="y")
    for one, other in ((x, y), (x, y[:2]), (x, x[::-1]), (x, x), (framed(POINTS), framed(POINTS)[::-1])):
        found, wanted = fg.derivative(product, one, other), np.exp(-other + 0 * one)
        assert found.index.equals((one * other).index)
        assert np.allclose(found, wanted, equal_nan=True)
    assert fg.derivative(product, x, y).name is None
    assert fg.derivative(product, x, x[::-1]).name == "x"
    table = pd.DataFrame(POINTS, columns=list("abc"))
    found = fg.derivative(product, table, y, wrt=1)
    assert found.columns.equals((table * y).columns)
    assert np.allclose(found, -(table * np.exp(-y)), equal_nan=True)


def test_pandas_refuses_what_is_ambiguous() -> None:
    x = pd.Series([1.0, 2.0, 3.0], index=["a", "b", "c"])
    twice = pd.Series([1.0, 2.0], index=["a", "a"])
    with pytest.raises(ValueError, match=r"`args\[\d\]` must have distinct labels"):
        fg.derivative(product, x, twice)
    assert fg.derivative(wave, twice).index.equals(twice.index)

    def three(x: Any, y: Any, z: Any) -> Any:
        return x * y * z

    with pytest.raises(ValueError, match=r"`args\[2\]` must have labels, because those of other arguments differ"):
        fg.derivative(three, x, x[::-1], np.ones(3))
    assert fg.derivative(three, x, x, np.ones(3)).index.equals(x.index)
    with pytest.raises(ValueError, match="must broadcast to the labels"):
        fg.derivative(product, x[:1], np.ones(5))
    assert fg.derivative(product, np.ones((2, 1)), x).columns.equals(x.index)
    with pytest.raises(ValueError, match=r"`args` and steps must broadcast together; got shapes \(\d+,\), \(2,\)\."):
        fg.derivative(product, x, np.ones(2))
    with pytest.raises(ValueError, match="`v` must have the labels of the vector"):
        fg.directional(bowl, framed(POINTS), x)


def test_pandas_vectors_meet_by_label() -> None:
    x = pd.DataFrame(POINTS, columns=list("abc"))
    v = pd.Series({"c": -1.0, "a": 1.0, "b": 2.0})
    wanted = fg.directional(bowl, POINTS, [1.0, 2.0, -1.0])
    assert np.array_equal(fg.directional(bowl, x, v), wanted)
    assert np.array_equal(fg.directional(bowl, POINTS, v[["a", "b", "c"]]), wanted)
    step = pd.Series({"b": 1e-2, "c": 1e-4, "a": 1e-3})
    found = fg.gradient(bowl, x, step=step, method="central")
    assert np.array_equal(found, fg.gradient(bowl, POINTS, step=[1e-3, 1e-2, 1e-4], method="central"))
    bounds = (v * 0 - 9, pd.Series({"b": 0.5, "a": 9.0, "c": 9.0}))
    assert np.array_equal(
        fg.gradient(bowl, x, bounds=bounds), fg.gradient(bowl, POINTS, bounds=(-9, [9, 0.5, 9])), equal_nan=True
    )


def test_labels_of_matrices() -> None:
    x = pd.DataFrame(POINTS, index=pd.Index([5, 6, 7, 8, 9], name="run"), columns=list("abc"))
    hessian, exact = fg.hessian(bowl, x), fg.hessian(bowl, POINTS)
    assert hessian.index.names == ["run", None] and list(hessian.columns) == list("abc")
    assert hessian.loc[(7, "a"), "c"] == exact[2, 0, 2]
    jacobian = fg.jacobian(polar, x)
    assert jacobian.index.names == ["run", "output"]
    assert np.array_equal(jacobian.loc[8], fg.jacobian(polar, POINTS[3]))
    one = fg.hessian(bowl, x.loc[7])
    assert one.index.equals(x.columns) and one.columns.equals(x.columns)
    assert fg.jacobian(polar, x.loc[7]).index.name == "output"
    assert fg.directional(bowl, x, x.loc[5]).index.equals(x.index)
    assert fg.directional(polar, x, x.loc[5]).columns.name == "output"
    assert isinstance(fg.directional(bowl, x.loc[5], x.loc[6]), float)
    both = pd.DataFrame(POINTS[:4], index=pd.MultiIndex.from_product([[1, 2], ["u", "v"]]), columns=list("abc"))
    assert fg.hessian(bowl, both).loc[(2, "u", "b"), "a"] == exact[2, 1, 0]


@pytest.mark.parametrize("kind", ["Float64", "double[pyarrow]", "Int64", "int64[pyarrow]", "Float32", "float[pyarrow]"])
def test_pandas_columns_of_other_kinds(kind: str) -> None:
    x = pd.Series([1, None, 3], dtype=kind, index=list("abc"))
    wanted = fg.derivative(wave, np.array([1, np.nan, 3], np.float32 if "loat" in kind and "64" not in kind else None))
    found = fg.derivative(wave, x)
    assert found.dtype == wanted.dtype and np.array_equal(found, wanted, equal_nan=True)
    table = fg.derivative(wave, pd.DataFrame({"one": x, "two": [1.0, 2.0, 3.0]}))
    assert table["one"].isna().tolist() == [False, True, False] and table["two"].notna().all()
    with pytest.raises(TypeError, match=r"`args\[0\]` must be an array of real numbers"):
        fg.derivative(wave, pd.Series(["a", "b"]))


def test_tables_without_rows_or_columns() -> None:
    for x in (pd.DataFrame(), pd.DataFrame(index=[1, 2]), pd.DataFrame(columns=["a"], dtype=float)):
        assert fg.derivative(wave, x).shape == x.shape
    assert fg.hessian(bowl, pd.DataFrame(columns=list("abc"), dtype=float)).shape == (0, 3)


def test_columns_of_booleans_stand_beside_numbers() -> None:
    """Of a table with both pandas makes objects, which were refused."""
    x = pd.DataFrame({"treated": [True, False], "dose": np.float32([1.0, 2.0])})
    found = fg.derivative(wave, x)
    assert (found.dtypes == np.float32).all()
    assert np.array_equal(found, fg.derivative(wave, x.to_numpy(np.float32)))


def test_a_function_of_labels_hears_that_there_are_none() -> None:
    for f, x in (
        (lambda row: row["a"] * row["b"], pd.DataFrame(POINTS, columns=list("abc"))),
        (lambda row: row.a * row.b, pd.Series(POINTS[0], index=list("abc"))),
        (lambda row: row.sel(k=0), labelled(POINTS)),
    ):
        with pytest.raises((IndexError, AttributeError)) as caught:
            fg.gradient(f, x)
        assert "`f` gets plain arrays" in caught.value.__notes__[0]


def test_namespace_lookalikes_are_no_containers() -> None:
    """The name of a library alone does not make a container."""
    assert kinds[type("Series", (), {"__module__": "pandasql"})] is PLAIN
    assert kinds[types.ModuleType] is PLAIN


def test_a_new_kind_is_a_module_and_a_line_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    box = type("Box", (), {"__module__": "boxes.arrays", "__init__": lambda self, x: setattr(self, "x", x)})
    module: Any = types.ModuleType("fastgrad.containers.boxes")
    module.apply = lambda call, operands: [box(r) for r in call.results(*(getattr(o, "x", o) for o in operands))]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(CONTAINERS, "boxes", Container(("Box",)))
    for call, x in ((lambda x: fg.derivative(product, x, 0.5), POINTS), (lambda x: fg.gradient(bowl, x), POINTS[0])):
        found = call(box(x))
        assert type(found) is box and np.array_equal(found.x, call(x))
    assert all(type(field) is box for field in fg.derivative(wave, box(POINTS), full_output=True))
