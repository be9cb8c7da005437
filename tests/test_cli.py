"""The command line, from outside: what it prints, what it returns, and no traceback for a mistake."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fastgrad
from fastgrad.cli import main

pytestmark = pytest.mark.machine_code

pytest.importorskip("mpmath")

MODULE = """
import math
import numpy as np
K = 3
def f(x): return np.exp(-0.3 * x) * np.sin(3 * x)
def two(x, y): return x**2 * y
def boom(x): raise RuntimeError("no way")
def three(x): return np.ones(3)
def word(x): return "a"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of the user's, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("usersown", None)
    (tmp_path / "usersown.py").write_text(MODULE)
    np.save(tmp_path / "points.npy", np.linspace(-3, 3, 100))
    np.save(tmp_path / "pairs.npy", np.random.default_rng(1).uniform(1, 2, (60, 2)))
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "plain").write_text("hello")
    (tmp_path / "broken.py").write_text("def f(x) return x")
    return tmp_path


FEW = ["--method", "central", "--method", "adaptive"]


def test_a_part_of_the_default_report(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert main(["report", "-n", "100", "--only", "runge", "--only", "sin", *FEW, "--out", "out"]) == 0
    shown = capsys.readouterr().out
    assert "Runge" in shown
    assert "central" in shown
    names = {path.name for path in (module / "out").iterdir()}
    assert names >= {"report.md", "report.html", "report.json", "vcurve-runge.svg", "vcurve-runge.png"}
    linked = re.findall(r"\]\((.*?)\)", (module / "out" / "report.md").read_text())
    assert set(linked) == {name for name in names if name.endswith(".png")}


@pytest.mark.parametrize(
    ("arguments", "few"),
    [(["usersown:f", "--domain", "-5", "5"], []), (["usersown.py:f", "--domain", "-5e0", "5"], FEW),
     (["usersown:f", "--points", "points.npy"], FEW), (["usersown:two", "--points", "pairs.npy", "--wrt", "1"], FEW),
     (["usersown:two", "--domain", "0", "1", "--domain", "1", "2"], FEW), (["fastgrad.gates:power"], FEW)],
)  # fmt: skip
def test_a_function_of_yours(
    module: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], few: list[str]
) -> None:
    """By all methods, or by those that are named."""
    assert main(["report", *arguments, *few, "-n", "100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["method"]: row for row in found["rows"]}
    assert len(rows) == 2 if few else len(rows) >= 7
    assert rows["central(order=2)"]["median_error"] < 1e-8
    assert rows["central(order=2)"]["truth"] in ("mpmath, 1000 bits", "closed form")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["usersown"], "MODULE:FUNCTION"),
        (["nomodule:f", "--domain", "0", "1"], "no module named 'nomodule'"),
        (["nofile.py:f", "--domain", "0", "1"], "no file nofile.py"),
        (["usersown:g", "--domain", "0", "1"], "has no 'g'; it has f, two, boom, three, word"),
        (["usersown:K", "--domain", "0", "1"], "must be a function"),
        (["usersown:f"], "--domain LOW HIGH, or --points"),
        (["usersown:f", "--domain", "5", "-5"], "the lower first; got 5 -5"),
        (["usersown:f", "--domain", "0", "nan"], "two finite numbers"),
        (["usersown:f", "--domain", "0", "1", "--wrt", "3"], "--wrt"),
        (["usersown:f", "--points", "none.npy"], "cannot read --points none.npy"),
        (["usersown:f", "--points", "text.npy"], "is not an array"),
        (["usersown:f", "--points", "words.npy"], "real numbers"),
        (["usersown:f", "--points", "points.npy", "--domain", "0", "1"], "exclude each other"),
        (["usersown:two", "--domain", "0", "1"], "two(x, y) cannot take 1 argument(s). Give one --domain for each"),
        (["usersown.f", "--domain", "0", "1"], "got 'usersown.f'. Did you mean usersown:f."),
        (["broken.py", "--domain", "0", "1"], "Say which function: broken.py:NAME."),
        (["usersown:boom", "--domain", "0", "1"], "raised RuntimeError: no way (usersown.py, line 7)"),
        (["fastgrad.gates:logical_or", *2 * ["--domain", "0", "1"]], "Use the differentiable `soft_or`"),
        (["usersown:three", "--domain", "0", "1"], "`three` must return one real number for one point; got shape (3,)"),
        (["usersown:word", "--domain", "0", "1"], "`word` must return one real number for one point; got 'a'."),
        (["broken.py:f", "--domain", "0", "1"], "importing broken.py raised SyntaxError: expected ':'"),
        (["-n", "1"], "at least 2"),
        (["usersown:f", "--domain", "-1e308", "1e308"], "two finite numbers"),
        (["--only", "sigmiod"], "must match a function; got 'sigmiod'. There are 285: sigmoid;"),
        (["--domain", "0", "1"], "go with a function of yours"),
        (["usersown:f", "--domain", "0", "1", "--out", "plain"], "cannot write to --out plain"),
        (["usersown:f", "--domain", "0", "1", "--out", "page.pdf"], "a page ends in .html, .md, .json"),
        (["usersown:f", "--domain", "0", "1", "--out", "plain/page.md"], "cannot write to --out plain/page.md"),
        (["usersown:f", "--domain", "0", "1", "--method", "newton"], "'newton'"),
        (["usersown:f", "--domain", "0", "1", "--method", "central99"], "--method central99: `order` must be"),
    ],
)
def test_mistakes(module: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """One line on standard error, and status 2."""
    assert main(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("fastgrad: ")
    assert err.count("\n") == 1


def test_without_a_command_the_commands_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert all(word in err for word in ("derivative", "check", "report", "bench", "fastgrad COMMAND --help"))


def test_version_from_a_tree_that_is_not_installed(tmp_path: Path) -> None:
    """Copied, without the metadata that an installation writes."""
    shutil.copytree(Path(fastgrad.__file__).parent, tmp_path / "fastgrad", ignore=shutil.ignore_patterns("__pycache__"))
    program = ("import sys\n"
               "import importlib.metadata as m\n"
               "def lost(name): raise m.PackageNotFoundError(name)\n"
               "m.version = m.distribution = lost\n"
               "import fastgrad.cli\n"
               "assert fastgrad.__file__.startswith(sys.argv[1]), fastgrad.__file__\n"
               "fastgrad.cli.main(['--version'])")  # fmt: skip
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=tmp_path, text=True, capture_output=True,
                         env={**os.environ, "PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert ran.stderr == ""
    assert ran.stdout == f"fastgrad {fastgrad.__version__}\n"


def test_without_matplotlib_the_extra_is_named(
    module: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is measured; tables need it not."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["report", "--only", "sin", "-n", "100", "--out", "page.html"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and 'pip install "fastgrad[report]"' in err
    assert main(["report", "--only", "sin", "-n", "100", "--method", "central"]) == 0
    assert "central 2" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["report", "check", "derivative", "bench"])
def test_help_has_an_example_and_fits_a_terminal(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert f"examples:\n  fastgrad {command}" in shown
    assert "exit status: 0" in shown
    assert "--json" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_where_this_machine_stands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["bench", "-n", "1e3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for line in found["nanoseconds"].values():
        assert set(line) == {"central 2", "adaptive", "NumPy", "SciPy", "copy"}
        assert all(value > 0 for value in line.values())
    assert found["ratios"]["times as fast as SciPy"]["central 2"] > 1
    assert main(["bench", "-n", "1000"]) == 0
    shown = capsys.readouterr().out
    assert "small network" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert main(["bench", "-n", "1"]) == 2
    assert "at least 2" in capsys.readouterr().err


def test_as_a_module_in_a_pipe(module: Path) -> None:
    """`python -m fastgrad` works from a shell: no colours, no bar, nothing on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "fastgrad", "report", "usersown:f", "--domain", "0", "1", "-n", "100"],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "central" in done.stdout


def test_a_reader_who_goes_away(module: Path) -> None:
    """Status 0 and not a word, as for `head`."""
    with subprocess.Popen(
        [sys.executable, "-m", "fastgrad", "report", "usersown:f", "--domain", "0", "1", "-n", "100", "--method",
         "central"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        assert run.stdout is not None and run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists() or len(os.sched_getaffinity(0)) < 2,
                    reason="needs /proc and two cores")  # fmt: skip
def test_interrupted_while_others_compile(module: Path) -> None:
    """Ctrl-C reaches all processes of a terminal: one line after the first result, no traceback, and soon."""
    with subprocess.Popen(
        [sys.executable, "-m", "fastgrad", "report", "-n", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    ) as run:  # fmt: skip
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        deadline = time.monotonic() + 60
        while len(children.read_text().split()) < 2:
            assert time.monotonic() < deadline and run.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    first, *rest = err.splitlines()
    assert re.fullmatch(r"first of \d+ functions, sigmoid, right digits: adaptive 1\d.*, central 2 .*, NumPy .*", first)
    assert (run.returncode, out, rest) == (130, "", ["fastgrad: interrupted"])


def test_certified_regressions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--nist", "--only", "Misra1[ab]"]) == 0
    shown = capsys.readouterr().out
    assert "Misra1a" in shown and "Misra1b" in shown and "Thurber" not in shown
    assert "8 digits reached" in shown
    assert main(["report", "--nist", "--only", "misra1a", "--json"]) == 0
    rows = {row["way"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["adaptive"]["errors"] > 8 and len(rows["adaptive"]["parameters"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["usersown:f"], "--nist brings"), (["--out", "out"], "--nist brings"), (["--only", "Misra9"], "match a set")],
)
def test_certified_regressions_refuse(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *arguments, "--nist"]) == 2
    assert words in capsys.readouterr().err


ODD = """
import numpy as np
print("imported")
loads = globals().setdefault("loads", []); loads.append(1)
def f(x): print("called"); return np.sin(x)
def df(x): print("called"); return np.cos(x) if len(loads) == 1 else 0 * x
class Ends:
    def __call__(self, x): raise SystemExit(0)
ends = Ends()
"""


@pytest.mark.parametrize("place", ["odd", "odd.py", "random.py"])
@pytest.mark.parametrize(
    "arguments",
    [["check", "{0}:f", "{0}:df", "--domain", "0", "1"], ["report", "{0}:f", "--domain", "0", "1", "-n", "50", *FEW],
     ["derivative", "{0}:f", "--input", "points.npy", "--output", "df.npy"]],
)  # fmt: skip
def test_what_the_callers_code_prints_stays_out_of_json(
    module: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], place: str
) -> None:
    """A file is imported once, for all that is named in it, and never in the place of a module of that name."""
    import random

    sys.modules.pop("odd", None)
    (module / f"{place.removesuffix('.py')}.py").write_text(ODD)
    assert main([argument.format(place) for argument in arguments] + ["--json"]) == 0
    out, err = capfd.readouterr()
    json.loads(out)
    assert err.startswith("imported\n") and err.count("imported") == 1
    assert sys.modules["random"] is random


@pytest.mark.parametrize("arguments", [["check", "odd.py:ends", "odd.py:df", "--domain", "0", "1"],
                                       ["report", "odd.py:ends", "--domain", "0", "1"],
                                       ["derivative", "odd.py:ends", "--input", "points.npy", "--output", "df.npy"],
                                       ["check", "quits.py:f", "quits.py:df"]])  # fmt: skip
def test_a_function_that_ends_the_program_passes_no_check(
    module: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    sys.modules.pop("odd", None)
    (module / "odd.py").write_text(ODD)
    (module / "quits.py").write_text("raise SystemExit(0)")
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith("called sys.exit(0), and nothing is decided.\n")
    assert not (module / "df.npy").exists()


def test_more_points_than_memory(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "usersown:f", "usersown:f", "--domain", "0", "1", "-n", "1e15"]) == 2
    assert capsys.readouterr().err.startswith("fastgrad: there is not enough memory: Unable to allocate")


def test_a_mistake_of_ours_is_no_verdict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own status for an exception, 1, would say that a derivative is wrong."""
    monkeypatch.setattr("fastgrad.cli.check.run", lambda given: 1 / 0)
    assert main(["check", "fastgrad.gates:sin"]) == 2
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert err.endswith("please report it.\n")


CHECKED = MODULE + """
def df(x): return np.exp(-0.3 * x) * (3 * np.cos(3 * x) - 0.3 * np.sin(3 * x))
def late(x): return np.where(x > 1, 2, 1) * df(x)
def both(x, y): return 2 * x * y, x**2
def sphere(x): return np.sum(x * x, axis=-1)
def slope(x): return 2 * x
def short(x): return x[1:]
class Noise:
    def __call__(self, x): return np.sin(1e12 * np.asarray(x) ** 2 + 1e15 * np.asarray(x))
noise = Noise()
"""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["usersown:f", "usersown:df", "--domain", "-3", "3"], 0, "nothing disagrees, 1,000 entries"),
        (["usersown.py:f", "usersown.py:df", "--domain", "-3e0", "3", "-n", "50"], 0, "AGREES 50,"),
        (["usersown:f", "usersown:df", "--points", "points.npy"], 0, "nothing disagrees, 100 entries"),
        (["usersown:f", "usersown:late", "--domain", "-3", "3"], 1, "wrong only for x > 1 "),
        (["usersown:two", "usersown:both", "--points", "pairs.npy", "--wrt", "0", "1"], 0, "120 entries"),
        (["usersown:two", "usersown:both", "--points", "pairs.npy", "--wrt", "1", "0"], 1, "y and x are swapped"),
        (["usersown:sphere", "usersown:slope", "--of", "gradient", "--dimension", "3", "--domain", "0", "1"], 0,
         "nothing disagrees, 3,000 entries"),
        (["usersown:sphere", "usersown:slope", "--of", "gradient", "--points", "pairs.npy"], 0, "120 entries"),
        (["usersown:noise", "usersown:df", "--domain", "0", "1", "-n", "20"], 2, "NOTHING COULD BE DECIDED"),
        (["fastgrad.gates:softplus"], 0, "nothing disagrees"),
    ],
)  # fmt: skip
def test_checks(
    module: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    (module / "usersown.py").write_text(CHECKED)
    assert main(["check", *arguments]) == status
    shown, err = capsys.readouterr()
    assert said in shown
    assert err == ""
    assert main(["check", *arguments, "--json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert found["agrees"] == (status == 0)
    assert found["decided"] == (status != 2)
    assert sum(found["counts"].values()) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["usersown:f"], "name the derivative of usersown:f, too"),
        (["usersown:f", "usersown:two", "--domain", "0", "1"], "cannot take 1 argument(s), those of usersown:f."),
        (["usersown:f", "usersown:df"], "--domain LOW HIGH, or --points"),
        (["usersown:f", "usersown:g", "--domain", "0", "1"], "has no 'g'"),
        (["usersown:f", "usersown:boom", "--domain", "0", "1"], "raised RuntimeError: no way (usersown.py, line 7)"),
        (["usersown:boom", "usersown:df", "--domain", "0", "1"], "raised RuntimeError: no way (usersown.py, line 7)"),
        (["usersown:f", "usersown:short", "--domain", "0", "1"], "must return the shape of the derivative, (1000,)"),
        (["usersown:f", "usersown:df", "--domain", "1", "0"], "the lower first; got 1 0"),
        (["usersown:f", "usersown:df", "--domain", "0", "1", "--wrt", "3"], "`wrt` must be from -1 to 0"),
        (["usersown:f", "usersown:df", "--domain", "0", "1", "-n", "0"], "-n must be at least 1"),
        (["usersown:f", "usersown:df", "--domain", "0", "1", "--points", "points.npy"], "exclude each other"),
        (["usersown:two", "usersown:both", "--domain", "0", "1", "--domain", "1", "2"], "Pass wrt=(0, 1)"),
        (["usersown:sphere", "usersown:slope", "--of", "gradient", "--domain", "0", "1"], "say how long the vector is"),
        (["usersown:f", "usersown:df", "--domain", "0", "1", "--dimension", "2"], "--dimension 2 goes with"),
        (["usersown:f", "usersown:df", "--domain", "0", "1", "--dimension", "0"], "--dimension must be at least 1"),
        (["fastgrad.gates:logical_or"], "Use the differentiable `soft_or`"),
    ],
)
def test_mistakes_of_checks(
    module: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (module / "usersown.py").write_text(CHECKED)
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("fastgrad: ")
    assert err.count("\n") == 1
