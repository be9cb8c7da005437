"""Trees of parameters: the derivative is that of all numbers as one vector, in the structure of the tree."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import fastgrad as fg


class Normal(NamedTuple):
    mean: Any
    scale: Any


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    unused: Any = None


W, B = np.linspace(-1.0, 1.0, 6).reshape(2, 3), np.array([0.3, -0.2])
INPUT = np.array([0.5, -1.5, 2.0])

#: Trees with the same numbers in the same order, and how to get weight and bias out of them.
TREES: dict[str, tuple[Any, Any]] = {
    "dict": ({"W": W, "b": B}, lambda p: (p["W"], p["b"])),
    "list": ([W, B], lambda p: p),
    "tuple": ((W, B), lambda p: p),
    "namedtuple": (Normal(W, B), lambda p: (p.mean, p.scale)),
    "dataclass": (Layer(W, B), lambda p: (p.weight, p.bias)),
    "ordered": (collections.OrderedDict(W=W, b=B), lambda p: (p["W"], p["b"])),
    "nested": ({"layers": [Layer(W, None)], "b": (B[0], B[1])}, lambda p: (p["layers"][0].weight, np.array(p["b"]))),
}


def flat(tree: Any) -> Any:
    """All numbers of a tree of this module, leaf by leaf on the last axes."""
    if tree is None:
        return np.empty(0)
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, Layer):
        tree = [tree.weight, tree.bias, tree.unused]
    if isinstance(tree, (list, tuple)):
        return np.concatenate([flat(part) for part in tree])
    return np.ravel(tree)


def loss(weight: Any, bias: Any) -> Any:
    return np.sum(np.tanh(weight @ INPUT + bias) ** 2)


def loss_of_vector(v: Any) -> Any:
    return loss(v[:6].reshape(2, 3), v[6:])


def results(weight: Any, bias: Any) -> Any:
    return np.sin(weight @ INPUT + bias)


VECTOR = flat([W, B])


@pytest.mark.parametrize("method", ["adaptive", "central", "complex", fg.backward(2)], ids=repr)
@pytest.mark.parametrize("name", TREES)
def test_gradient_of_a_tree_is_that_of_its_vector(name: str, method: Any) -> None:
    tree, parts = TREES[name]
    found = fg.gradient(lambda p: loss(*parts(p)), tree, method=method)
    assert type(found) is type(tree)
    weight, bias = parts(found)
    assert weight.shape == W.shape and bias.shape == B.shape
    assert np.allclose(flat(found), fg.gradient(loss_of_vector, VECTOR, method=method), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", TREES)
def test_jacobian_of_a_tree_has_the_shape_of_the_result_before_that_of_the_leaf(name: str) -> None:
    tree, parts = TREES[name]
    for f, shape in ((results, (2,)), (lambda w, b: np.outer(results(w, b), b), (2, 2)), (loss, (1,))):
        found = fg.jacobian(lambda p, f=f: f(*parts(p)), tree)
        exact = fg.jacobian(lambda v, f=f: f(v[:6].reshape(2, 3), v[6:]), VECTOR)
        weight = parts(found)[0]
        assert weight.shape == (*shape, *W.shape)
        assert np.allclose(weight.reshape(*shape, 6), exact[..., :6], atol=1e-9)


def test_estimates_are_trees_field_by_field() -> None:
    tree, parts = TREES["dict"]
    found = fg.gradient(lambda p: loss(*parts(p)), tree, full_output=True)
    wanted = fg.gradient(loss_of_vector, VECTOR, full_output=True)
    assert type(found) is fg.Estimate
    for field, values in zip(found, wanted, strict=True):
        assert field.keys() == tree.keys()
        assert flat(field).dtype == values.dtype
    assert np.all(abs(flat(found.df) - wanted.df) <= flat(found.error) + wanted.error)
    assert flat(found.success).all()


def test_every_leaf_keeps_its_type() -> None:
    tree = {"half": np.float16([0.5, 1.0]), "single": np.float32(2.0), "whole": np.array([1, 2]), "number": 3}
    found = fg.gradient(lambda p: np.sum(p["half"]) * p["single"] ** 2 + np.sum(p["whole"] ** 2) * p["number"], tree)
    assert [np.asarray(v).dtype for v in found.values()] == [np.float16, np.float32, np.float64, np.float64]
    assert [np.asarray(v).tolist() for v in found.values()] == [
        [4.0, 4.0],
        6.0,
        pytest.approx([6, 12]),
        pytest.approx(5),
    ]
    error = fg.gradient(lambda p: p["single"] / 3, {"single": np.float32(1.0)}, full_output=True).error["single"]
    assert 2**-27 < error < 2**-24  # the rounding of 1 / 3 to float32


def test_f_gets_trees_of_its_own() -> None:
    """A function that changes its argument changes neither the caller's tree nor the next evaluation."""
    tree = {"w": np.array([1.0, 2.0]), "keep": None}

    def f(p: Any) -> Any:
        assert p["keep"] is None and p["w"].dtype == np.float64
        p["w"] *= 2.0
        return np.sum(p["w"] ** 2)

    assert np.allclose(fg.gradient(f, tree)["w"], [8.0, 16.0])
    assert np.array_equal(tree["w"], [1.0, 2.0])


def test_steps_and_bounds_may_be_trees() -> None:
    tree = {"a": np.array([1.0, 2.0]), "b": 4.0}
    inside: list[bool] = []

    def f(p: Any) -> Any:
        inside.append(bool(np.all(p["a"] <= 2.0) and p["b"] >= 4.0))
        return np.sum(p["a"] ** 3) * p["b"] ** 2

    for named in ({}, {"method": "central", "step": {"a": [1e-3, 1e-4], "b": 1e-3}}, {"rel_step": 0.01}):
        if isinstance(named.get("step"), dict):
            named["step"]["a"] = np.array(named["step"]["a"])
        found = fg.gradient(f, tree, bounds=({"a": -9.0, "b": 4.0}, {"a": 2.0, "b": 99.0}), **named)
        assert found["a"] == pytest.approx([48.0, 192.0], rel=1e-3) and found["b"] == pytest.approx(72.0, rel=1e-3)
    assert all(inside)


def test_lists_and_tuples_of_numbers_are_vectors() -> None:
    """As they always were, and nested ones a batch."""
    for x in ([1.0, 2.0], (1.0, 2.0), [np.float64(1.0), 2], [[1.0, 2.0], [3.0, 4.0]]):
        found = fg.gradient(lambda v: v[0] * v[1], x)
        assert type(found) is np.ndarray and found.shape == np.shape(x)
    assert type(fg.gradient(lambda p: p.mean * p.scale, Normal(2.0, 3.0))) is Normal


def test_a_list_of_arrays_is_a_tree_and_the_note_says_how_to_make_a_batch() -> None:
    rows = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    found = fg.gradient(lambda p: p[0] @ p[1], rows)
    assert type(found) is list and np.allclose(found, rows[::-1])
    assert fg.gradient(lambda v: v[0] * v[1], np.stack(rows)).shape == (2, 2)
    with pytest.raises(ValueError, match="one number") as caught:
        fg.gradient(lambda v: v[0] * v[1], rows)
    assert "numpy.stack" in caught.value.__notes__[0]
    for f in (lambda v: v**2, lambda v: 2.0 * v, lambda v: np.sum(v + 1.0), lambda v: v[..., 0], lambda v: -v):
        for points in (rows, tuple(rows)):
            with pytest.raises(TypeError, match=r"`x` must be an array .* one tree of parameters .*`numpy.stack\(x\)`"):
                fg.gradient(f, points)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fg.gradient(sum, {}), ValueError, "`x` must hold at least one array"),
        (
            lambda: fg.gradient(sum, {"a.b": W, "a": {"b": B}}),
            ValueError,
            r"leaves of different names; got x\.a\.b twice",
        ),
        (lambda: fg.gradient(sum, {"a": "text"}), TypeError, r"`x\.a` must be an array of real numbers; got the text"),
        (lambda: fg.gradient(sum, {"a": [W, 1j]}), TypeError, r"`x\.a\[1\]` must be an array of real numbers"),
        (lambda: fg.gradient(sum, {"a": np.ma.array([1.0])}), TypeError, r"`x\.a` must be an array without a mask"),
        (
            lambda: fg.gradient(len, {"a": W}, step={"b": W}),
            ValueError,
            r"`step` must be a tree like `x`.*x\.a.*step\.b",
        ),
        (
            lambda: fg.gradient(len, {"a": W}, step={"a": B}),
            ValueError,
            r"`step\.a` must broadcast with its parameters",
        ),
        (lambda: fg.gradient(len, {"a": W}, step=B), TypeError, "`step` must be a number or a tree like `x`"),
        (lambda: fg.gradient(len, W, step={"a": B}), TypeError, "`x` must be a tree of parameters where a step"),
        (
            lambda: fg.gradient(lambda p: p["a"], {"a": B}),
            ValueError,
            "`f` must return one number for a gradient; got 2",
        ),
        (lambda: fg.hessian(len, {"a": W}), TypeError, "`x` must be an array; got a dict, a tree of parameters"),
        (lambda: fg.derivative(len, {"a": W}), TypeError, r"`args\[0\]` must be an array; got a dict, a tree"),
        (lambda: fg.jacobian(len, {"a": W}, sparsity=np.ones((1, 6))), TypeError, "`sparsity` must be left out"),
    ],
)
def test_what_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# Checks ---------------------------------------------------------------------------------------------------------------


def slopes(weight: Any, bias: Any) -> Any:
    """Gradient of `loss` in both."""
    hidden = np.tanh(weight @ INPUT + bias)
    inner = 2 * hidden * (1 - hidden**2)
    return np.outer(inner, INPUT), inner


@pytest.mark.parametrize("name", ["dict", "list", "namedtuple", "dataclass"])
def test_checks_of_trees(name: str) -> None:
    tree, parts = TREES[name]
    made = {
        "dict": lambda w, b: {"W": w, "b": b},
        "list": lambda w, b: [w, b],
        "namedtuple": Normal,
        "dataclass": Layer,
    }[name]
    paths = {
        "dict": ("W", "b"),
        "list": ("[0]", "[1]"),
        "namedtuple": ("mean", "scale"),
        "dataclass": ("weight", "bias"),
    }[name]

    def f(p: Any) -> Any:
        return loss(*parts(p))

    assert fg.check(f, lambda p: made(*slopes(*parts(p))), tree)
    assert fg.check(f, made(*slopes(W, B)), tree, of="gradient")

    def wrong(p: Any) -> Any:
        weight, bias = slopes(*parts(p))
        weight[1, 2] *= 3
        return made(weight, -bias)

    result = fg.check(f, wrong, tree)
    assert result.counts["DISAGREES"] == 3 and not result
    assert f"{paths[0]}[1, 2]" in repr(result) and f"{paths[1]}[0]" in repr(result)


def test_check_of_a_jacobian_in_a_tree() -> None:
    def f(p: Any) -> Any:
        return results(p["W"], p["b"])

    def jacobian(p: Any) -> Any:
        slope = np.cos(p["W"] @ INPUT + p["b"])
        return {"W": np.einsum("i,ij,k->ijk", slope, np.eye(2), INPUT), "b": np.diag(slope)}

    tree = {"W": W, "b": B}
    assert fg.check(f, jacobian, tree, of="jacobian")
    wrong = fg.check(f, lambda p: {**jacobian(p), "b": -jacobian(p)["b"]}, tree, of="jacobian")
    assert wrong.counts["DISAGREES"] == 2 and "b[1]" in repr(wrong)
    with pytest.raises(ValueError, match=r"`analytic` must be a tree like `args\[0\]`"):
        fg.check(f, lambda p: {"W": p["W"]}, tree, of="jacobian")
    with pytest.raises(ValueError, match=r"`analytic\.b` must have the shape of its parameters"):
        fg.check(f, lambda p: {**jacobian(p), "b": 0.0}, tree, of="jacobian")
    assert fg.check(f, lambda p: dict(reversed(jacobian(p).items())), tree, of="jacobian")  # JAX sorts dictionaries
