"""The page on settings and messages names all there are."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad as fg

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "messages.rst"


def test_every_setting_and_message_has_its_remedy() -> None:
    if not PAGE.exists():
        pytest.skip("the documentation is not installed beside the tests")
    rows = [row.split("\n     - ") for row in PAGE.read_text().split("\n   * - ")[1:]]
    sources = "\n".join(path.read_text() for path in Path(fg.__file__).parent.rglob("*.py"))
    names = {*re.findall(r"FASTGRAD_[A-Z_]+", sources), "UserWarning"}
    names |= set(re.findall(r"^ +(\w+Warning),$", sources, re.M))
    names |= {f"`{member.name}` ({member.value})" for kind in (fg.Status, fg.Verdict) for member in kind}
    for name in names:
        described = [row for row in rows if name in row[0].replace("``", "`")]
        assert len(described) == 1, name
        assert all(len(cell.split("\n\n")[0].strip()) > 3 for cell in described[0]), name


#: Keywords of other libraries, for functions that do not take them, and what the message has to tell.
KEYWORDS: list[tuple[Any, str, str]] = [
    (lambda **k: fg.derivative(math.sin, 0.5, **k), "args", "`derivative(f, x, a)`"),
    (lambda **k: fg.check(math.sin, math.cos, 0.5, **k), "args", "`check(f, df, x, a)`"),
    (lambda **k: fg.derivative(math.sin, **k), "x", "`derivative(f, x, a)`"),
    (lambda **k: fg.derivative(math.sin, 0.5, **k), "dx", "`step`"),
    (lambda **k: fg.derivative(math.sin, 0.5, **k), "argnums", "`wrt`"),
    (lambda **k: fg.derivative(math.sin, 0.5, **k), "n", "adaptive(n=2)"),
    (lambda **k: fg.gradient(sum, [0.5], **k), "epsilon", "`step`"),
    (lambda **k: fg.gradient(sum, [0.5], **k), "argnums", "`args`"),
    (lambda **k: fg.jacobian(list, [0.5], **k), "tolerances", "adaptive(rtol=1e-8)"),
    (lambda **k: fg.hessian(sum, [0.5], **k), "preserve_shape", "Leave it out"),
    (lambda **k: fg.directional(sum, [0.5], [1.0], **k), "initial_step", "`step`"),
    (lambda **k: fg.hessian_vector(sum, [0.5], [1.0], **k), "eps", "`step`"),
    (lambda **k: fg.sparsity(list, [0.5], **k), "h", "`args`"),
    (lambda **k: fg.accuracy(math.sin, **k), "step", "`methods`"),
    (lambda **k: fg.circuit(math.sin, **k), "argnums", "`n`"),
]


@pytest.mark.parametrize(("call", "keyword", "remedy"), KEYWORDS, ids=[f"{k} {r}" for _, k, r in KEYWORDS])
def test_a_keyword_of_another_library_gets_a_remedy(call: Any, keyword: str, remedy: str) -> None:
    """Python's own message did not tell how the same is said here."""
    with pytest.raises(TypeError, match=rf"takes no keyword `{keyword}`. .*{re.escape(remedy)}"):
        call(**{keyword: 1e-5})


def test_options_without_a_name_get_a_remedy() -> None:
    """As `args` of SciPy's functions is passed."""
    with pytest.raises(TypeError, match=r"at most 2 arguments without names, f, x; got 3. Name the others: `args`"):
        fg.gradient(lambda v, a: v[0] * a, [1.0], 3.0)  # type: ignore[misc]


def test_none_among_numbers_gets_a_remedy_that_helps() -> None:
    with pytest.raises(TypeError, match=r"`bounds\[0\]` .* object. Write NaN for None; as a bound, an infinity."):
        fg.derivative(np.sin, [1.0, 2.0], bounds=([None, 0.0], None))
    assert np.isfinite(fg.derivative(np.sin, [1.0, 2.0], bounds=([-np.inf, 0.0], None))).all()


#: Functions of a vector given to `derivative`, which gives them numbers.
OF_VECTORS: list[Any] = [
    lambda v: (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2, lambda v: v @ v, lambda v: sum(v), lambda v: len(v) * v
]  # fmt: skip


@pytest.mark.parametrize("x", [0.5, np.array([0.5, 1.0])], ids=["one number", "two numbers"])
@pytest.mark.parametrize("f", OF_VECTORS, ids=["index", "product", "loop", "length"])
def test_what_a_function_of_a_vector_raises_for_a_number_has_a_note(f: Any, x: Any) -> None:
    """NumPy's message alone, "invalid index to scalar variable", did not tell what to call instead."""
    with pytest.raises((IndexError, TypeError)) as raised:
        fg.derivative(f, x)
    assert [note for note in raised.value.__notes__ if "use `gradient` or `jacobian`" in note]
    assert len(raised.value.__notes__) == 1


def test_what_a_function_of_a_matrix_raises_has_a_note() -> None:
    """Its rows are vectors of a batch; NumPy's message told only that some array has one dimension."""

    def determinant(m: Any) -> Any:
        rows, _columns = m.shape
        return np.linalg.det(m) * rows

    for f in (lambda m: np.trace(m @ m), lambda m: m[0, 1] * m[1, 0], determinant):
        with pytest.raises((ValueError, IndexError)) as raised:
            fg.gradient(f, np.eye(3))
        assert raised.value.__notes__[0].endswith("For a function of a matrix pass a tree, `[x]`.")
    assert np.allclose(fg.gradient(lambda tree: np.trace(tree[0] @ tree[0]), [np.eye(3)])[0], 2 * np.eye(3))
    with pytest.raises(ValueError, match="two dimensions") as raised:
        fg.gradient(lambda m: np.trace(m), np.ones(3))
    assert not hasattr(raised.value, "__notes__")


WRONG_CALLS: list[tuple[str, Any, str]] = [
    ("unknown method", lambda: fg.derivative(np.sin, 0.5, method="centrl"), r"got 'centrl'. .*central\(order=4\)"),
    ("method not called", lambda: fg.accuracy(np.sin, fg.central, [0.5]), r"`methods` must be a rule; .*: central\(\)"),
    ("no return", lambda: fg.derivative(lambda x: None, 0.5), "`f` must return numbers; got None"),
    ("dictionary", lambda: fg.derivative(lambda x: {"a": x}, 0.5), "got a value of type dict. Return a number"),
    ("no `args`", lambda: fg.gradient(lambda v, a: v * a, [0.5]), "must take the vector alone, .* argument in `args`"),
    ("fewer arguments", lambda: fg.check(lambda x, a: a * x, np.cos, 0.5, 1.0), "`analytic` must take 2 arguments"),
    ("swapped", lambda: fg.plot_error(0.5, np.sin), "`x` must be .*; got a"),  # type: ignore[arg-type]
    ("circuit", lambda: fg.circuit(np.sin)(0.5, 0.5), "must be 1 argument; got 2. Pass those of the function"),
]


@pytest.mark.parametrize(("call", "message"), [w[1:] for w in WRONG_CALLS], ids=[w[0] for w in WRONG_CALLS])
def test_a_wrong_call_gets_a_remedy(call: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_type_error_of_f_is_not_taken_for_one_of_a_keyword() -> None:
    def f(x: Any) -> Any:
        return math.sin(x, x)  # type: ignore[call-arg]

    with pytest.raises(TypeError, match="exactly one argument"):
        fg.derivative(f, 0.5, wrt=0)
