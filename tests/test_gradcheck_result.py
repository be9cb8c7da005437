"""How a check reads: on a terminal, in a failing test, as JSON."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import complete_script

from fastgrad.gradcheck import check

X = np.linspace(-4.0, 5.0, 40)


def test_the_table() -> None:
    lines = repr(check(np.sin, lambda x: np.cos(x) * np.where(x > 3, 1.5, 1), X)).splitlines()
    assert lines[0] == "Check of the derivative, <lambda> against sin: 9 of 40 entries disagree"
    assert lines[1] == "  AGREES 31, DISAGREES 9, UNDECIDED 0, KINK 0"
    assert lines[2].split() == ["index", "point", "analytic", "numerical", "bound", "ratio"]
    assert all(line.startswith("  DISAGREES") and line.endswith(" 1.5") for line in lines[3:12])
    assert lines[13].startswith("  * wrong only for x > 3 ")
    assert len(lines) == 14
    assert max(map(len, lines)) <= 110
    line = repr(check(np.sin, lambda x: np.where(x == x[3], np.nan, np.cos(x)), X)).splitlines()[3].split()
    assert line[:4] == ["DISAGREES", "3", "x=-3.30769", "nan"]


def test_a_failing_assertion_shows_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_mine.py").write_text(
        "import numpy as np, fastgrad as fg\n"
        "def test_slope():\n"
        "    assert fg.check(np.sin, lambda x: -np.cos(x), np.linspace(-3, 3, 20))\n"
    )
    run = "import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_mine.py']))"
    done = complete_script(run)
    assert done.returncode == 1
    assert "assert Check of the derivative, <lambda> against sin: 20 of 20 entries disagree" in done.stdout
    assert "* sign flipped" in done.stdout


def test_a_check_travels() -> None:
    found = check(np.sin, lambda x: -np.cos(x), X)
    again = pickle.loads(pickle.dumps(found))
    assert repr(again) == repr(found)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["counts"]["DISAGREES"] == 40
    assert told["patterns"] == ["sign flipped"]
    assert not told["agrees"]
    assert json.dumps(check(np.abs, lambda x: x / np.abs(x), [0.0, 1.0]).to_dict(), allow_nan=False)


def test_arguments_have_the_names_that_the_function_gives_them() -> None:
    def named(price: float, rate: float, *, out: object = None) -> float:
        return price * rate

    assert "price=1, rate=2" in repr(check(named, lambda p, r: r, 1.0, 2.0))
    assert "x=1 " in repr(check(np.sin, np.cos, 1.0))
    assert "args[0]=1, args[1]=2" in repr(check(np.multiply, lambda x, y: y, 1.0, 2.0))


def test_the_worst_are_those_that_tell() -> None:
    """Where there is no derivative NaN is right, and stands behind what is known."""
    lines = repr(check(np.sin, np.cos, np.array([np.nan, 1.0, 2.0, 3.0]))).splitlines()
    assert all("nan" not in line for line in lines) and len(lines) == 6
    wrong = check(np.sin, lambda x: np.where(x == 1, np.nan, 2 * np.cos(x)), np.array([np.nan, 1.0, 2.0, 3.0]))
    assert repr(wrong).splitlines()[3].split()[:4] == ["DISAGREES", "1", "x=1", "nan"]


def test_labels_stand_beside_the_index() -> None:
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    days = pd.Series(np.linspace(0, 1, 5), index=pd.date_range("2024-01-01", periods=5))
    found = check(np.sin, lambda x: np.where(x == 0.5, 0.0, np.cos(x)), days)
    assert "DISAGREES  2      2024-01-03  x=0.5 " in repr(found)
    assert "wrong only at point 2 (2024-01-03)" in found.patterns
    assert found.to_dict()["worst"][0]["label"] == ["2024-01-03"]
    assert repr(pickle.loads(pickle.dumps(found))) == repr(found)

    x = np.arange(12.0).reshape(4, 3) + 1
    square, twice = (lambda v: np.sum(v**2, axis=-1)), (lambda v: 2 * v * np.array([1, 2, 1]))
    table = pd.DataFrame(x, index=list("abcd"), columns=["alpha", "beta", "gamma"])
    assert "a, beta" in repr(check(square, twice, table, of="gradient"))
    named = xr.DataArray(x, dims=("time", "p"), coords={"p": ["alpha", "beta", "gamma"]})
    found = check(square, lambda v: 2 * np.eye(3) * np.array([1, 2, 1]), named, of="hessian")
    assert "wrong only at row 1 (beta), column 1 (beta)" in found.patterns, found
    found = check(lambda v: v[..., :2] ** 2, np.zeros((4, 2, 3)), named, of="jacobian")
    assert found.labels[:2] == (None, None) and "  gamma  " not in repr(found) and "  beta  " in repr(found)
    assert check(square, lambda v: 2 * v, x, of="gradient").labels == ()
    assert check(np.sin, np.cos, pd.Series(x[0])).labels == (), "labels that only count are left out"


def test_arguments_meet_by_their_labels() -> None:
    """As in `derivative`: what was checked by place would be another function."""
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    one, other = pd.Series([1.0, 2.0], index=["a", "b"]), pd.Series([3.0, 4.0], index=["b", "a"])
    found = check(lambda x, y: x * y, lambda x, y: y, one, other)
    assert found and found.numerical.tolist() == [4.0, 3.0]
    across = xr.DataArray([1.0, 2.0, 3.0], dims="u"), xr.DataArray([4.0, 5.0], dims="w", coords={"w": ["p", "q"]})
    assert check(lambda x, y: x * y, lambda x, y: y, *across).verdict.shape == (3, 2)
    assert check(lambda x, y: x * y, lambda x, y: (y, x), across[1], 3.0, wrt=(0, 1)).verdict.shape == (2, 2)
    with pytest.raises(TypeError, match="without a mask"):
        check(np.sin, np.cos, np.ma.masked_array([1.0, 2.0], [0, 1]))


def test_raising_shows_the_whole_table() -> None:
    assert check(np.sin, np.cos, X).raise_if_wrong().counts["AGREES"] == 40
    with pytest.raises(AssertionError) as caught:
        check(np.sin, lambda x: -np.cos(x), X).raise_if_wrong()
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("40 of 40 entries disagree") and lines[-1] == "  * sign flipped" and len(lines) == 14
