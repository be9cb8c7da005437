"""Dask arrays: nothing is computed before `compute`, chunks are kept, a cluster of processes does the work."""

from __future__ import annotations

import functools
import math
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import cloudpickle
import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from conftest import Opaque
from distributed import Client, LocalCluster
from scipy import special

import fastgrad as fg
from fastgrad import gates
from fastgrad.evaluation.trials import compile_at_first_call

pytestmark = [
    pytest.mark.machine_code,
    # To pickle a ufunc of SciPy, Python looks for it in every module that is loaded, in old ones of mpmath's, too.
    pytest.mark.filterwarnings("ignore:the .* module is deprecated:DeprecationWarning"),
]

POINTS = np.linspace(-2.0, 2.0, 24).reshape(6, 4)


def wave(x: Any) -> Any:
    return np.sin(3 * x) * x


def product(x: Any, y: Any) -> Any:
    return x * np.exp(-y)


def energy(v: Any) -> Any:
    return np.sum(np.sin(v) * v[0]) + v[1] * v[2] * v[3]


def pair(v: Any) -> Any:
    return v[0] * v[1], v[2] * math.sin(v[3])


def never(*args: Any) -> Any:
    raise AssertionError("called while the graph was built")


NEVER = Opaque(never)


def computed(x: Any) -> Any:
    return x.compute(scheduler="synchronous")


# Laziness -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["adaptive", "central", "complex"])
def test_nothing_is_called_while_the_graph_is_built(method: str) -> None:
    x = da.from_array(POINTS, chunks=(2, 3))
    lazy = {
        "derivative": fg.derivative(NEVER, x, method=method),
        "gradient": fg.gradient(NEVER, x, method=method),
        "directional": fg.directional(Opaque(lambda v: v[..., 0]), x, POINTS[0], method=method),
    }
    if method != "complex":
        lazy["hessian"] = fg.hessian(NEVER, x, method=method)
        lazy["hessian_vector"] = fg.hessian_vector(NEVER, x, x, method=method)
        lazy |= fg.derivative(NEVER, x, method=method, full_output=True)._asdict()
    assert all(isinstance(a, da.Array) for a in lazy.values())
    with pytest.raises(AssertionError, match="called while"):
        computed(lazy["derivative"])


def test_a_function_that_does_not_fit_is_refused_while_the_graph_is_built() -> None:
    """Not on a cluster, an hour later."""
    x = da.from_array(POINTS, chunks=(2, 3))
    for call in (fg.derivative, fg.gradient, fg.hessian):
        with pytest.raises(TypeError, match="`f` must be callable; got 3"):
            call(3, x)
        with pytest.raises(TypeError, match="`f` must take"):
            call(Opaque(lambda: 0.0).f, x)


def test_not_even_the_points_are_computed() -> None:
    x = da.map_blocks(never, da.zeros((6, 4), chunks=2), dtype=np.float32, meta=np.empty((0, 0), np.float32))
    for made in (fg.derivative(wave, x), fg.gradient(energy, x), fg.jacobian(pair, x), fg.hessian(energy, x)):
        assert isinstance(made, da.Array) and made.dtype == np.float32
    made = fg.derivative(wave, xr.DataArray(x, dims=("a", "b")))
    assert isinstance(made.data, da.Array)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.bool_])
def test_type_and_shape_are_announced_as_they_come(kind: Any) -> None:
    x = da.from_array(np.abs(POINTS).astype(kind), chunks=(4, 4))
    made = {
        "derivative": fg.derivative(wave, x),
        "two": fg.derivative(product, x, np.float32(0.5), wrt=1),
        "weak": fg.derivative(product, x, 0.5),
        "gradient": fg.gradient(energy, x),
        "jacobian": fg.jacobian(pair, x),
        "hessian": fg.hessian(energy, x, method="central"),
        "diagonal": fg.hessian(energy, x, diagonal=True, method="central"),
        "directional": fg.directional(energy, x, POINTS[0], method="central"),
        "outputs": fg.directional(pair, x, POINTS[0], method="central"),
        **fg.derivative(wave, x, full_output=True, method="central")._asdict(),
        **{f"jacobian {k}": v for k, v in fg.jacobian(pair, x, full_output=True)._asdict().items()},
    }
    for name, lazy in made.items():
        now = computed(lazy)
        assert (now.shape, now.dtype, type(now)) == (lazy.shape, lazy.dtype, type(lazy._meta)), name


def test_chunks_are_kept() -> None:
    x = da.from_array(np.arange(60.0).reshape(10, 6), chunks=((3, 3, 4), (2, 4)))
    assert fg.derivative(wave, x).chunks == x.chunks
    assert all(field.chunks == x.chunks for field in fg.derivative(wave, x, full_output=True))
    rows = x.rechunk({1: 6})
    assert fg.gradient(energy, rows).chunks == rows.chunks
    assert fg.hessian(energy, rows).chunks == ((3, 3, 4), (6,), (6,))
    assert fg.jacobian(pair, rows).chunks == ((3, 3, 4), (2,), (6,))
    assert fg.directional(energy, rows, np.ones(6)).chunks == ((3, 3, 4),)
    assert fg.directional(pair, rows, np.ones(6), full_output=True).nfev.chunks == ((3, 3, 4), (2,))
    assert fg.gradient(energy, x).chunks == ((3, 3, 4), (6,))  # vectors in one piece, the batch as it was


def test_arrays_in_other_chunks() -> None:
    x, y = np.linspace(0, 1, 24).reshape(4, 6), np.linspace(1, 2, 6)
    wanted = fg.derivative(product, x, y, wrt=1)
    lazy = fg.derivative(product, da.from_array(x, chunks=(2, 4)), da.from_array(y, chunks=3), wrt=1)
    assert lazy.chunks == ((2, 2), (3, 1, 2))
    assert np.array_equal(computed(lazy), wanted)
    for a, b in ((x[:, :1], da.from_array(y, chunks=4)), (da.from_array(x, chunks=2), y), (x, da.from_array(y))):
        assert np.array_equal(computed(fg.derivative(product, a, b)), fg.derivative(product, np.asarray(a), y))


def test_numbers_and_single_arrays() -> None:
    assert computed(fg.derivative(wave, da.asarray(0.5))) == fg.derivative(wave, 0.5)
    assert np.array_equal(computed(fg.gradient(energy, da.from_array(POINTS[0], chunks=2))),
                          fg.gradient(energy, POINTS[0]))  # fmt: skip
    assert np.array_equal(computed(fg.gradient(energy, POINTS, step=da.asarray(1e-3), method="central")),
                          fg.gradient(energy, POINTS, step=1e-3, method="central"))  # fmt: skip
    with pytest.raises(ValueError, match="`x` must be a vector"):
        fg.gradient(energy, da.asarray(0.5))
    with pytest.raises(ValueError, match="`v` must have one number for each of 4 coordinates"):
        fg.directional(energy, da.from_array(POINTS), da.ones(3))
    with pytest.raises(ValueError, match="`x` must have one number for each of 4 coordinates"):
        fg.directional(energy, da.ones((6, 1)), POINTS[0])


def test_chunks_of_unknown_length() -> None:
    x = da.from_array(POINTS.ravel(), chunks=5)
    some = x[x > 0.5]
    assert np.array_equal(computed(fg.derivative(wave, some)), fg.derivative(wave, POINTS[POINTS > 0.5]))


def test_an_estimate_is_evaluated_once_for_all_its_fields() -> None:
    for made, single in (
        (lambda f: fg.derivative(f, da.from_array(POINTS.ravel(), chunks=8), full_output=True), False),
        (lambda f: fg.gradient(f, da.from_array(POINTS, chunks=(3, 4)), full_output=True), True),
    ):
        f, g = (Opaque((lambda v: np.sin(v[..., 0]) * v[..., 3]) if single else wave) for _ in range(2))
        dask.compute(*made(f), scheduler="synchronous")
        made(g).df.compute(scheduler="synchronous")
        assert len(f.sizes) == len(g.sizes)


def test_functions_are_told_apart() -> None:
    """Two closures of one code over different values are different tasks."""
    x = da.from_array(POINTS, chunks=3)
    made = [fg.derivative(lambda x, a=a: a * np.sin(x), x) for a in (1.0, 2.0)]
    made += [fg.derivative(gate, x) for gate in (gates.sigmoid, gates.tanh)]
    made += [fg.derivative(wave, x, method=m) for m in ("central", "adaptive", fg.central(4), fg.central(6))]
    made += [fg.derivative(wave, x, step=h, method="central") for h in (1e-3, 1e-4)]
    assert len({a.name for a in made}) == len(made)
    assert fg.derivative(wave, x).name == fg.derivative(wave, x).name
    one, two = dask.compute(*made[:2], scheduler="synchronous")
    assert np.allclose(two, 2 * one) and not np.allclose(one, two)


def test_arguments_after_the_vector_may_be_lazy() -> None:
    data = np.linspace(0, 1, 40)

    def misfit(v: Any, data: Any) -> Any:
        assert isinstance(data, np.ndarray)
        return np.sum((data * v[0] - v[1]) ** 2) + v[2] * v[3]

    found = fg.gradient(misfit, da.from_array(POINTS, chunks=2), args=(da.from_array(data, chunks=7),))
    assert np.array_equal(computed(found), fg.gradient(misfit, POINTS, args=(data,)))


def test_complex_values_are_refused_with_a_remedy() -> None:
    def phase(x: Any) -> Any:
        return np.exp(1j * x)

    x = da.from_array(POINTS, chunks=3)
    lazy = fg.derivative(phase, x)
    with pytest.raises(TypeError, match=r"`f` must return real numbers for Dask.*map_blocks.*dtype=complex"):
        computed(lazy)
    mapped = x.map_blocks(functools.partial(fg.derivative, phase), dtype=complex)
    assert np.array_equal(computed(mapped), fg.derivative(phase, POINTS))


def test_exceptions_of_the_function_arrive_unchanged() -> None:
    class Broken(Exception):
        pass

    def broken(x: Any) -> Any:
        raise Broken("here")

    with pytest.raises(Broken, match="here"):
        computed(fg.derivative(Opaque(broken), da.from_array(POINTS, chunks=3)))


@pytest.mark.parametrize("f", [wave, special.j0, Opaque(wave)], ids=["compiled", "ufunc", "called"])
def test_threads(f: Any) -> None:
    x = np.linspace(-3, 3, 40_000)
    for method in ("central", "adaptive"):
        lazy = fg.derivative(f, da.from_array(x, chunks=1000), method=method)
        assert np.array_equal(lazy.compute(scheduler="threads", num_workers=4), fg.derivative(f, x, method=method))


def test_it_is_one_step_in_a_longer_calculation() -> None:
    x = da.linspace(-2, 2, 1000, chunks=100)
    error = abs(fg.derivative(np.sin, 2 * x + 1) - da.cos(2 * x + 1)).max()
    assert computed(error) < 1e-13


def test_calls_travel_after_use() -> None:
    lazy = fg.derivative(wave, da.from_array(POINTS, chunks=3))
    wanted = computed(lazy)
    for loads, dumps in ((pickle.loads, pickle.dumps), (cloudpickle.loads, cloudpickle.dumps)):
        assert np.array_equal(computed(loads(dumps(lazy))), wanted)


# A cluster ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    """Two processes, each with a thread of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="(distributed|tornado|zict|dask)")
        patience = {f"distributed.comm.timeouts.{name}": "120s" for name in ("connect", "tcp")}  # on a busy machine
        with (
            dask.config.set(patience),
            LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=False
            ) as made,
            Client(made) as client,
        ):
            client.run(compile_at_first_call)  # a call here and its blocks there are to have the same bits
            yield client


def test_the_cluster_has_processes_of_its_own(cluster: Client) -> None:
    import os

    assert os.getpid() not in cluster.run(os.getpid).values()
    assert len(set(cluster.run(os.getpid).values())) == 2


def test_functions_of_all_sorts_travel(cluster: Client) -> None:
    k = 2.5

    @fg.gate(partials=lambda x: k * math.cos(k * x))
    def own(x: float) -> float:
        return math.sin(k * x)

    x = np.linspace(-2, 2, 3001)
    functions = {
        "closure": lambda x: np.sin(k * x) * x,
        "module": wave,
        "called": lambda x: special.j0(k * x),
        "NumPy": np.tanh,
        "SciPy": special.j1,
        "gate": gates.sigmoid,
        "own gate": own,
        "partial": functools.partial(product, y=0.5),
        "circuit": fg.circuit(lambda x: np.sin(x) * x),
    }
    for name, f in functions.items():
        for method in ("central", "adaptive"):
            wanted = fg.derivative(f, x, method=method)  # compiled here, for all processes
            found = fg.derivative(f, da.from_array(x, chunks=700), method=method).compute()
            assert np.array_equal(found, wanted), name


def test_vectors_and_estimates_on_the_cluster(cluster: Client) -> None:
    k = 0.5
    x = np.linspace(-2, 2, 400).reshape(100, 4)
    lazy = da.from_array(x, chunks=(30, 3))

    def shifted(v: Any) -> Any:
        return energy(k * v)

    assert np.array_equal(fg.gradient(shifted, lazy).compute(), fg.gradient(shifted, x))
    assert np.array_equal(fg.hessian(shifted, lazy, method="central").compute(),
                          fg.hessian(shifted, x, method="central"))  # fmt: skip
    assert np.array_equal(fg.jacobian(pair, lazy).compute(), fg.jacobian(pair, x))
    (found,) = dask.compute(fg.derivative(wave, lazy, full_output=True))
    assert type(found) is fg.Estimate
    for a, b in zip(found, fg.derivative(wave, x, full_output=True), strict=True):
        assert np.array_equal(a, b)
    named = fg.gradient(shifted, xr.DataArray(lazy, dims=("t", "k"), coords={"k": list("abcd")}, name="n"))
    assert named.compute().identical(xr.DataArray(fg.gradient(shifted, x), dims=("t", "k"), name="n",
                                                  coords={"k": list("abcd")}))  # fmt: skip


def test_partials_and_futures_on_the_cluster(cluster: Client) -> None:
    x = np.linspace(-2, 2, 40).reshape(10, 4)
    gradient = functools.partial(fg.gradient, energy, method="central")
    assert np.array_equal(cluster.submit(gradient, x).result(), gradient(x))
    slopes = cluster.map(functools.partial(fg.derivative, gates.softplus), list(x))
    assert np.array_equal(cluster.gather(slopes), fg.derivative(gates.softplus, x))


def test_exceptions_come_back_from_the_cluster(cluster: Client) -> None:
    def broken(x: Any) -> Any:
        raise KeyError("no such table")

    with pytest.raises(KeyError, match="no such table"):
        fg.derivative(broken, da.from_array(POINTS, chunks=3)).compute()
