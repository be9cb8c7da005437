"""``fastgrad derivative``: the numbers of `derivative`, from file to file, whatever the kind, size or mishap."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import complete_script

import fastgrad as fg
from fastgrad.cli import derivative, main
from fastgrad.cli import readers as reading
from fastgrad.cli.options import Mistake

pytestmark = pytest.mark.machine_code

MODULE = """
import math, time
import numpy as np
def f(x): return np.exp(-0.3 * x) * np.sin(3 * x)
def two(x, y): return x**2 * y
def one(x): return math.sin(x) if x > 0 else x
def boom(x): raise RuntimeError("no way")
def root(x): return np.sqrt(x)
def wave(x): return np.exp(1j * x)
class Slow:
    def __call__(self, x):
        time.sleep(0.2)
        return np.asarray(x) * 2.0
slow = Slow()
"""
RNG = np.random.default_rng(5)
X = RNG.uniform(-3, 3, 4001)
PAIRS = RNG.uniform(1, 2, (1500, 2))


def f(x: Any) -> Any:
    return np.exp(-0.3 * x) * np.sin(3 * x)


def two(x: Any, y: Any) -> Any:
    return x**2 * y


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a module and points in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("usersown", None)
    (tmp_path / "usersown.py").write_text(MODULE)
    np.save("x.npy", X)
    np.savetxt("x.csv", X, fmt="%.17g")
    np.save("pairs.npy", PAIRS)
    np.savetxt("pairs.csv", PAIRS, fmt="%.17g", delimiter=",", header="spot,vol", comments="")
    np.savetxt("pairs.txt", PAIRS, fmt="%.17g")
    return tmp_path


def to_parquet(name: str, **columns: Any) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    pq.write_table(pyarrow.table(columns), name, row_group_size=600)


def read(name: str) -> dict[str, np.ndarray]:
    """The columns of a result."""
    if name.endswith(".npy"):
        table = np.load(name)
        return {n: table[n] for n in table.dtype.names} if table.dtype.names else {"df": table}
    if name.endswith(".csv"):
        table = np.genfromtxt(name, delimiter=",", names=True, dtype=None, ndmin=1)
        return {n: table[n] for n in table.dtype.names}
    found = pytest.importorskip("pyarrow.parquet").read_table(name)
    return {n: found.column(n).to_numpy() for n in found.column_names}


@pytest.mark.parametrize("source", ["x.npy", "x.csv", "x.parquet"])
@pytest.mark.parametrize("target", ["df.npy", "df.csv", "df.parquet"])
def test_the_very_numbers(source: str, target: str, capsys: pytest.CaptureFixture[str],
                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """To the last bit, over several blocks of every kind of file, and without a word."""
    monkeypatch.setattr(derivative, "BLOCK", 1000)
    to_parquet("x.parquet", x=X)
    assert main(["derivative", "usersown:f", "--input", source, "--output", target]) == 0
    assert capsys.readouterr() == ("", "")
    np.testing.assert_array_equal(read(target)["df"], fg.derivative(f, X))
    assert sorted(p.name for p in Path().iterdir() if "part" in p.name) == []


@pytest.mark.parametrize("target", ["df.npy", "df.csv", "df.parquet"])
@pytest.mark.parametrize("source", ["pairs.csv", "pairs.parquet"])
def test_columns_arguments_and_bars(source: str, target: str) -> None:
    to_parquet("pairs.parquet", spot=PAIRS[:, 0], vol=PAIRS[:, 1])
    call = ["derivative", "usersown.py:two", "--input", source, "--output", target, "--wrt", "1", "0", "--full-output"]
    assert main([*call, "--columns", "vol", "spot"]) == 0
    found = read(target)
    assert list(found) == ["df_spot", "error_spot", "status_spot", "df_vol", "error_vol", "status_vol"]
    for name, one in zip(("spot", "vol"), fg.derivative(two, PAIRS[:, 1], PAIRS[:, 0], wrt=(1, 0), full_output=True),
                         strict=True):  # fmt: skip
        np.testing.assert_array_equal(found[f"df_{name}"], one.df)
        np.testing.assert_array_equal(found[f"error_{name}"], one.error)
        np.testing.assert_array_equal(found[f"status_{name}"], one.status)


@pytest.mark.parametrize("made", ["C", "F", "big", "float32", "integers", "structured"])
def test_arrays_of_every_make(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivative, "BLOCK", 400)
    table: Any = {"C": PAIRS, "F": np.asfortranarray(PAIRS), "big": PAIRS.astype(">f8"),
                  "float32": PAIRS.astype(np.float32), "integers": (1000 * PAIRS).astype(np.int16),
                  "structured": np.array(list(map(tuple, PAIRS)), [("a", "f8"), ("b", "f8")])}[made]  # fmt: skip
    np.save("made.npy", table)
    assert main(["derivative", "usersown:two", "--input", "made.npy", "--output", "df.npy", "--wrt", "1"]) == 0
    x, y = (table["a"], table["b"]) if made == "structured" else (table[:, 0], table[:, 1])
    wanted = fg.derivative(two, x, y, wrt=1)
    found = np.load("df.npy")
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_columns_by_number_and_blanks_between() -> None:
    call = ["derivative", "usersown:two", "--input", "pairs.txt", "--output", "df.npy", "--columns", "1", "0"]
    assert main([*call, "--method", "central4", "--step", "0.01", "--bounds", "1", "2"]) == 0
    wanted = fg.derivative(two, PAIRS[:, 1], PAIRS[:, 0], method=fg.central(4), step=0.01, bounds=(1, 2))
    np.testing.assert_array_equal(np.load("df.npy"), wanted)


def test_missing_numbers_keep_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cell, or an empty line of one column, is NaN in and NaN out; status 1 tells of it."""
    Path("holes.csv").write_text('x\r\n1.0\r\n\r\n"2.5"\r\nnan\r\n4\r\n')
    monkeypatch.setattr(reading, "BYTES", 4)
    assert main(["derivative", "usersown:f", "--input", "holes.csv", "--output", "df.npy"]) == 1
    found = np.load("df.npy")
    np.testing.assert_array_equal(np.isnan(found), [False, True, False, True, False])
    np.testing.assert_array_equal(found[[0, 2, 4]], fg.derivative(f, np.array([1.0, 2.5, 4.0])))
    assert main(["derivative", "usersown:root", "--input", "holes.csv", "--output", "df.csv"]) == 1


#: Texts of numbers, with the lines that a message names where one of them is none.
TEXTS = (
    "1\n2\n3\n", "x\n1\n2", "x,y\r\n1,2\r\n3,4\r\n", '"x";"y"\n"1";2\n;3\n', "\ufeff1,2\n3,4\n", "x\n\n1\n\n2\n",
    " 1 , +2\n\t3e0 ,nan\n", "inf,-inf\nNaN,1e400\n", "1,2\n3,4_0\n", "# a,b\n1,-0.0\n5e-324,1.7976931348623157e308\n",
    "x\n0.1\n" + "0.30000000000000004\n" * 5_000, "1\t2\n3\t\n", "1 2\n3 4\n", "x\n",
    "x\n" + "1\n" * 20_000 + "null\n", "1,2\n3\n", "1\n2,3\n", "1,2\n\n3,4\n", "1,2\n,\n3,4\n", "1,\n,2\n",
    "x,y\r1,2\r3,4",
    "a,b\n1,true\n", "1\n0x10\n",
    '1\n"2\n',
)


@pytest.mark.parametrize("text", TEXTS, ids=[repr(text[:20]) for text in TEXTS])
def test_pyarrow_and_numpy_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits, or the same words about the same line, also where a file is read in pieces."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(reading, "BYTES", 1 << 16)
    Path("text.csv").write_text(text, newline="")
    results = []
    for is_installed in (True, False):
        if not is_installed:
            monkeypatch.setitem(sys.modules, "pyarrow", None)
        source = reading.open_source("text.csv", "--input")
        chosen = range(len(source.columns))
        try:
            blocks = list(source.blocks(chosen, 1 << 10))
        except Mistake as mistake:
            results.append((source.columns, str(mistake)))
        else:
            assert all(1 <= len(column) <= 1 << 10 for block in blocks for column in block)
            results.append((source.columns, [np.concatenate([b[i] for b in blocks] or [[]]).tobytes() for i in chosen]))
    assert results[0] == results[1]


def test_what_was_done_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.array([1.0, -1.0, 4.0]))
    assert main(["derivative", "usersown:root", "--input", "x.npy", "--output", "df.npy", "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert (found["points"], found["missing"], found["columns"]) == (3, 1, ["df"])


def test_pipes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"spot,vol\n1,2\n3,4\n")))
    call = ["derivative", "usersown:two", "--input", "-", "--output", "-", "--method", "central", "--step", "0.5"]
    assert main(call) == 0
    assert capsys.readouterr() == ("df\n4.0\n24.0\n", "")


def test_complex_derivatives_and_points_one_by_one() -> None:
    assert main(["derivative", "usersown:wave", "--input", "x.npy", "--output", "df.npy"]) == 0
    assert abs(np.load("df.npy") - 1j * np.exp(1j * X)).max() < 1e-11
    assert main(["derivative", "usersown:one", "--input", "x.npy", "--output", "df.npy", "--method", "forward"]) == 0
    assert abs(np.load("df.npy") - np.where(X > 0, np.cos(X), 1.0)).max() < 1e-6


def test_no_rows() -> None:
    np.save("none.npy", np.empty(0))
    assert main(["derivative", "usersown:f", "--input", "none.npy", "--output", "df.npy"]) == 0
    assert np.load("df.npy").shape == (0,)
    Path("none.csv").write_text("x\n")
    assert main(["derivative", "usersown:f", "--input", "none.csv", "--output", "df.csv"]) == 0
    assert Path("df.csv").read_text() == "df\n"


def test_headers_as_numpy_and_pandas_write_them(capsys: pytest.CaptureFixture[str]) -> None:
    """NumPy puts a sharp before the names; the index of pandas has no name and goes by its number."""
    np.savetxt("sharp.csv", PAIRS[:3], delimiter=",", header="spot,vol")
    Path("index.csv").write_text(",spot,vol\n0,1,2\n1,3,4\n")
    for name in ("sharp.csv", "index.csv"):
        assert main(["derivative", "usersown:two", "--input", name, "--columns", "spot", "vol", "--output", "-"]) == 0
        df = np.array(capsys.readouterr().out.split()[1:], float)
        x, y = (PAIRS[:3] if name == "sharp.csv" else np.array([[1.0, 2.0], [3.0, 4.0]])).T
        np.testing.assert_allclose(df, 2 * x * y, rtol=1e-11)
    assert main(["derivative", "usersown:two", "--input", "index.csv", "--output", "-"]) == 2
    assert "cannot take 3 argument(s), the columns 0, spot, vol of index.csv" in capsys.readouterr().err


def test_nan_is_told_where_nobody_looks_at_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("edge.npy", [-1.0, 2.0])
    assert main(["derivative", "usersown:root", "--input", "edge.npy", "--output", "df.npy"]) == 1
    assert capsys.readouterr().err == "fastgrad: NaN at 1 of 2 points\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nomodule:f"], "no module named 'nomodule'"),
        (["usersown:f", "--input", "none.npy"], "cannot read --input none.npy: No such file or directory."),
        (["usersown:f", "--input", "usersown.py"], "--input must end in .npy, .csv or .parquet; got usersown.py"),
        (["usersown:f", "--output", "df.xlsx"], "--output must end in"),
        (["usersown:f", "--input", "text.npy"], "is not an array"),
        (["usersown:f", "--input", "short.npy"], "ends before its 4,001 rows do"),
        (["usersown:f", "--input", "cube.npy"], "a column for each argument"),
        (["usersown:f", "--input", "words.csv"], "line 3 of --input words.csv must hold numbers; got 'three'."),
        (["usersown:two", "--input", "ragged.csv"], "line 2 of --input ragged.csv must have 2 cells; it has 1."),
        (["usersown:f", "--input", "empty.csv"], "must begin with numbers or names of columns"),
        (["usersown:f", "--input", "words.parquet"], "column x of --input words.parquet must hold real numbers"),
        (["usersown:f", "--input", "text.parquet"], "is not a Parquet file"),
        (["usersown:f", "--input", "pairs.csv"], "usersown:f(x) cannot take 2 argument(s), the columns spot, vol"),
        (["usersown:two"], "Choose some with --columns"),
        (["usersown:f", "--input", "pairs.csv", "--columns", "rate"], "must be of pairs.csv, spot, vol; got 'rate'."),
        (["usersown:f", "--columns", "7"], "must be of x.npy, 0; got '7'."),
        (["usersown:f", "--wrt", "1"], "--wrt must be from 0 to 0"),
        (["usersown:two", "--input", "pairs.csv", "--wrt", "0", "0"], "once; got (0, 0)"),
        (["usersown:f", "--method", "newton"], "`method` must be one of"),
        (["usersown:f", "--method", "central0"], "--method central0: `order` must be"),
        (["usersown:f", "--step", "-1"], "`step` must be positive"),
        (["usersown:f", "--bounds", "2", "1"], "`bounds`"),
        (["usersown:boom"], "usersown:boom raised RuntimeError: no way (usersown.py, line 7)"),
        (["usersown:f", "--output", "no/df.npy"], "cannot write to --output no/df.npy: No such file or directory."),
        (["usersown:f", "--output", "dir.npy"], "it is a directory"),
        (["usersown:f", "--output", "./x.npy"], "--output ./x.npy is --input, and the points would be lost"),
        (["usersown:f", "--output", "-", "--json"], "Name a file for --output"),
        (["usersown:wave", "--output", "df.parquet"], "Parquet has no complex numbers"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """One line on standard error, status 2, and what was in the place of the result is still there."""
    to_parquet("words.parquet", x=["a", "b"])
    Path("text.npy").write_text("hello")
    Path("text.parquet").write_text("hello")
    Path("words.csv").write_text("1\n2\nthree\n")
    Path("ragged.csv").write_text("1,2\n3\n")
    Path("empty.csv").write_text("")
    Path("short.npy").write_bytes(Path("x.npy").read_bytes()[:-8])
    np.save("cube.npy", np.ones((2, 2, 2)))
    Path("dir.npy").mkdir()
    Path("df.npy").write_text("before")
    function, *rest = arguments
    for option, value in (("--input", "x.npy"), ("--output", "df.npy")):
        rest += [] if option in rest else [option, value]
    assert main(["derivative", function, *rest]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:10]) == ("", 1, "fastgrad: ")
    assert message in err
    assert Path("df.npy").read_text() == "before"
    assert not list(Path().glob(".*part"))


class Screen(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(derivative, "PAUSE", 0.0)
    monkeypatch.setattr(derivative, "TURN", math.inf)
    monkeypatch.setattr(derivative, "BLOCK", 1000)
    assert main(["derivative", "usersown:root", "--input", "x.npy", "--output", "df.npy", "--method", "central"]) == 1
    lines = screen.getvalue().split("\r\x1b[K")
    assert lines[1].startswith("1,000 points of 4,001, ")
    assert len(lines) == 7
    assert lines[-1].startswith("wrote df.npy: 4,001 points in ")
    assert f"NaN at {np.isnan(np.load('df.npy')).sum():,}" in lines[-1]


def test_warned_where_numbers_may_be_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """Once, however many blocks there are; that a function is slow is not told in a pipe."""
    with Path("usersown.py").open("a") as file:
        file.write("def share(x): return np.exp(x) / np.sum(np.exp(x))\n")
    assert main(["derivative", "usersown:share", "--input", "x.npy", "--output", "df.npy", "--method", "central"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastgrad: warning: `f` is not elementwise")
    assert err.count("\n") == 1


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a process of its own, which does not outlive a failure of the test."""
    with subprocess.Popen([sys.executable, "-m", "fastgrad", "derivative", *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:  # fmt: skip
        try:
            yield run
        finally:
            run.kill()


def test_a_signal_that_an_import_turns_into_another_exception_still_ends_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The status was 2 once, as if the function were wrong."""
    Path("usersown.py").write_text("""
import os, signal

def f(x):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        raise ImportError("half imported")
""")
    assert main(["derivative", "usersown:f", "--input", "x.npy", "--output", "df.npy"]) == 143
    assert capsys.readouterr().out == "" and not Path("df.npy").exists()


def test_a_signal_whose_exception_is_lost_ends_the_command_at_the_next_block() -> None:
    """A run went on for minutes after Ctrl-C: Python drops what a handler raises in a destructor."""
    Path("usersown.py").write_text("""
import os, signal

def f(x):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        pass
    return x
""")
    assert main(["derivative", "usersown:f", "--input", "x.npy", "--output", "df.npy"]) == 143
    assert not Path("df.npy").exists()


def test_a_signal_in_a_destructor_ends_the_command_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    """Python printed a traceback of what it dropped, in one of many runs: imports have callbacks, too."""
    Path("usersown.py").write_text("""
import os, signal

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

def f(x):
    Dropped()
    return x
""")
    assert main(["derivative", "usersown:f", "--input", "x.npy", "--output", "df.npy"]) == 130
    assert capsys.readouterr().err == "fastgrad: interrupted\n" and not Path("df.npy").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(number: signal.Signals, status: int) -> None:
    Path("df.npy").write_text("before")
    np.save("x.npy", np.zeros(3_000_000))
    with command("usersown:slow", "--input", "x.npy", "--output", "df.npy") as run:
        deadline = time.monotonic() + 60
        while not list(Path().glob(".df.npy.*.part")):
            assert time.monotonic() < deadline and run.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        run.send_signal(number)
        out, err = run.communicate(timeout=60)
    assert run.returncode == status
    assert (out, "Traceback" in err) == ("", False)
    assert Path("df.npy").read_text() == "before"
    assert not list(Path().glob(".*part"))


def test_after_a_killed_run_the_next_one_cleans_up() -> None:
    """No process can clean up after SIGKILL; neither half a result nor the part stays, and other runs are let alone."""
    Path("df.npy").write_text("before")
    np.save("x.npy", np.zeros(3_000_000))
    elsewhere = Path(".df.npy.elsewhere-1.part")
    for path in (elsewhere, Path(f".other.npy.{platform.node()}-99999999.part")):
        path.touch()
    with command("usersown:slow", "--input", "x.npy", "--output", "df.npy") as run:
        deadline = time.monotonic() + 60
        while not (parts := list(Path().glob(f".df.npy.*-{run.pid}.part"))):
            assert time.monotonic() < deadline and run.poll() is None
            time.sleep(0.02)
        run.kill()
        run.communicate(timeout=60)
    assert Path("df.npy").read_text() == "before"
    assert parts[0].exists()
    np.save("x.npy", np.zeros(3))
    assert main(["derivative", "usersown:slow", "--input", "x.npy", "--output", "df.npy"]) == 0
    np.testing.assert_allclose(np.load("df.npy"), 2.0, rtol=1e-12)
    assert not parts[0].exists()
    assert len(list(Path().glob(".*.part"))) == 2


def test_a_closed_pipe_is_no_mistake() -> None:
    np.save("x.npy", np.zeros(300_000))
    with command("usersown:f", "--input", "x.npy", "--output", "-", "--method", "central") as run:
        assert run.stdout is not None and run.stderr is not None
        assert run.stdout.readline() == "df\n"
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 0


PEAK = """
import resource, sys
from fastgrad.cli import main
status = main(sys.argv[1:])
print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is counted in KiB on Linux alone")
def test_files_larger_than_memory() -> None:
    """256 MiB through the command take less than 96 MiB more than a thousand points do."""
    peaks = []
    for rows in (1000, 1 << 25):
        table = np.lib.format.open_memmap("large.npy", mode="w+", dtype=np.float64, shape=(rows,))
        table[-1] = 1.0  # the rest is a hole in the file
        del table
        call = ["derivative", "usersown:f", "--input", "large.npy", "--output", "df.npy", "--method", "central"]
        status, peak = map(int, complete_script(PEAK, *call).stdout.split())
        assert status == 0
        peaks.append(peak)
    found = np.load("df.npy", mmap_mode="r")
    assert found.shape == (1 << 25,)
    assert abs(found[[0, 1 << 24, -1]] - fg.derivative(f, np.array([0.0, 0.0, 1.0]))).max() < 1e-8
    assert (peaks[1] - peaks[0]) * 1024 < 96 << 20


MEANWHILE = """
import os
import numpy as np
class Cut:
    calls = 0
    def __init__(self, name): self.name = name
    def __call__(self, x):
        self.calls += 1
        if self.calls == 5:
            os.truncate(self.name, 2_000_004)
        return 2.0 * np.asarray(x)
npy, csv, parquet = Cut("x.npy"), Cut("x.csv"), Cut("x.parquet")
"""


@pytest.mark.parametrize("kind", ["npy", "csv", "parquet"])
def test_points_that_are_written_while_they_are_read(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that somebody cuts off in the middle of a number gives no result at all, whatever its kind."""
    x = RNG.uniform(0, 1, 1 << 19)
    np.save("x.npy", x)
    np.savetxt("x.csv", x, fmt="%.17g")
    to_parquet("x.parquet", x=x)
    Path("df.npy").write_text("before")
    Path("meanwhile.py").write_text(MEANWHILE)
    assert main(["derivative", f"meanwhile.py:{kind}", "--input", f"x.{kind}", "--output", "df.npy"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:10]) == ("", 1, "fastgrad: ")
    assert any(words in err for words in ("was written while it was read", "ends before its", "nothing was written"))
    assert Path("df.npy").read_text() == "before"


def test_a_result_that_turns_complex_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """NumPy would write real parts into the file that the first rows have made one of real numbers."""
    Path("turns.py").write_text("import numpy as np\nf = lambda x: np.lib.scimath.sqrt(x)\n")
    np.save("x.npy", np.concatenate([np.full(5000, 4.0), np.full(5000, -4.0)]))
    call = ["derivative", "turns.py:f", "--input", "x.npy", "--method", "central", "--output"]
    assert main([*call, "df.npy"]) == 2
    assert "complex128 from row" in capsys.readouterr().err
    assert not Path("df.npy").exists()
    assert main([*call, "df.csv"]) == 0
    found = np.array([complex(line) for line in Path("df.csv").read_text().split()[1:]])
    np.testing.assert_allclose(found, np.repeat([0.25, -0.25j], 5000), rtol=1e-8)


def test_a_slow_function_is_told_of_early_and_gets_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivative, "TURN", 0.0)
    monkeypatch.setattr(derivative, "FIRST", 64)
    np.save("x.npy", X[:100])
    assert main(["derivative", "usersown:f", "--input", "x.npy", "--output", "df.npy"]) == 0
    np.testing.assert_array_equal(np.load("df.npy"), fg.derivative(f, X[:100]))
    sizes = [len(block[0]) for block in derivative._portions(iter([[X[:100]], [X[:5]]]))]
    assert sizes == [64, 16, 4, 1, *[1] * 20]


def test_the_mode_of_a_file_stays() -> None:
    Path("df.npy").touch(mode=0o600)
    assert main(["derivative", "usersown:f", "--input", "x.npy", "--output", "df.npy", "--method", "central"]) == 0
    assert Path("df.npy").stat().st_mode & 0o777 == 0o600


FULL = """
import resource, sys
from fastgrad.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for output in sys.argv[1:]:
    print(main(["derivative", "usersown:f", "--input", "x.npy", "--output", output, "--method", "central"]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs limits on the size of files")
def test_no_room_for_the_result() -> None:
    """As on a full disk: one line that says why, and nothing is left behind."""
    outputs = ["df.npy", "df.csv"] + ["df.parquet"] * (importlib.util.find_spec("pyarrow") is not None)
    done = complete_script(FULL, *outputs, FASTGRAD_CACHE_DIR=os.devnull)
    assert (done.returncode, done.stdout.split()) == (0, ["2"] * len(outputs)), done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("fastgrad: cannot go on: ")]
    for output, line in zip(outputs, lines, strict=True):
        assert line.endswith(f"File too large; nothing was written to {output}.")
        assert not Path(output).exists()
    assert "Traceback" not in done.stderr and not list(Path().glob(".*part"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("output", [["--output", "-"], ["--output", "df.npy", "--json"]])
def test_no_room_on_standard_output(output: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fastgrad", "derivative", "usersown:f", "--input", "x.npy", "--method", "central",
             *output], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("fastgrad: cannot ") and done.stderr.endswith("No space left on device.\n")
    assert done.stderr.count("\n") == 1
