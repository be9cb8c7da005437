"""Machine code on disk: found by the next process, and never in the way."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import run_script

import fastgrad as fg
from fastgrad.compilation import disk_cache as disk
from fastgrad.compilation import kernels

pytestmark = pytest.mark.machine_code

COUNTED = """
import numpy as np
import fastgrad as fg
from fastgrad.compilation import kernels
from fastgrad.evaluation.trials import compile_at_first_call
compile_at_first_call()
compiled = []
def counting(original):
    def compile(*args, **options):
        compiled.append(args[0])
        return original(*args, **options)
    return compile
kernels._compile, kernels._compile_text = counting(kernels._compile), counting(kernels._compile_text)
a = 3.0
def helper(x):
    return np.sin(a * x)
x = np.linspace(-1, 1, 101)
gap = np.max(abs(fg.derivative(lambda x: helper(x) + x * x, x, method='central') - a * np.cos(a * x) - 2 * x))
assert gap < 1e-8, gap
gap = np.max(abs(fg.derivative(fg.gates.sigmoid, x, method='central') - fg.gates.sigmoid.partials[0](x)))
assert gap < 1e-9, gap
{more}
print(len(compiled))
"""


def count(cache: Path, more: str = "") -> int:
    """How many programs a fresh process compiles."""
    return int(run_script(COUNTED.format(more=more), FASTGRAD_CACHE_DIR=str(cache)))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A cache directory that did not exist before a first process filled it, and what that process compiled."""
    cache = tmp_path_factory.mktemp("cache") / "not" / "there" / "yet"
    return cache, count(cache)


def copied(filled: tuple[Path, int], target: Path) -> Path:
    target.mkdir()
    for entry in filled[0].iterdir():
        (target / entry.name).write_bytes(entry.read_bytes())
    return target


def test_second_process_compiles_nothing(filled: tuple[Path, int]) -> None:
    cache, first = filled
    assert first >= 3
    assert sorted(p.suffix for p in cache.iterdir()) == [".fg"] * first
    before = {p.name: p.read_bytes() for p in cache.iterdir()}
    assert count(cache) == 0
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == before


def test_only_what_is_new_is_compiled(filled: tuple[Path, int], tmp_path: Path) -> None:
    cache = copied(filled, tmp_path / "cache")
    more = "fg.derivative(lambda x: helper(x) + x * x, x, method='forward')"
    assert count(cache, more) == 1
    assert count(cache, more) == 0
    # The same function with another float in a global of its helper is the same code, with a whole number it is not.
    more = "a = {}; assert abs(fg.derivative(lambda x: helper(x) + x * x, 0.0, method='central') - 4) < 1e-8"
    assert count(cache, more.format("4.0")) == 0
    assert count(cache, more.format("4")) == 1


def test_modules_that_write_machine_code_are_part_of_the_key() -> None:
    """A changed kernel of the same name was read from disk: a result too few, and numbers out of nowhere."""
    package = Path(fg.__file__).parent
    listed = {path for pattern in kernels.GENERATORS for path in package.glob(pattern)}
    assert all(list(package.glob(pattern)) for pattern in kernels.GENERATORS)
    writing = r"\b(Scan|native|native_from_text|native_loop)\("
    writers = {p for p in package.rglob("*.py") if re.search(writing, p.read_text())}
    assert writers <= listed, writers - listed


def test_refusals_are_remembered(filled: tuple[Path, int], tmp_path: Path) -> None:
    """What Numba has refused once is not compiled again."""
    more = "fg.derivative(lambda x: np.interp(x, np.arange(3.0), 'no'[0:0] or np.arange(3.0)), 0.5, method='central')"
    cache = copied(filled, tmp_path / "cache")
    assert count(cache, more) > 0
    assert count(cache, more) == 0


DAMAGES = (
    lambda blob: b"",
    lambda blob: blob[:40],
    lambda blob: blob[: len(blob) // 2],
    lambda blob: blob[:100] + bytes([blob[100] ^ 1]) + blob[101:],
    lambda blob: b"\0" * len(blob),
    lambda blob: blob + b"more",
)


@pytest.mark.parametrize("first", [0, 3])
def test_damaged_entries_are_made_anew(filled: tuple[Path, int], tmp_path: Path, first: int) -> None:
    cache = copied(filled, tmp_path / "cache")
    for i, entry in enumerate(sorted(cache.iterdir())):
        entry.write_bytes(DAMAGES[first + i % 3](entry.read_bytes()))
    assert count(cache) == filled[1]
    assert count(cache) == 0


ONE = """
import fastgrad as fg
from fastgrad.evaluation.functions import function
from fastgrad.evaluation.trials import compile_at_first_call
compile_at_first_call()
f = lambda x: x * x * x
assert abs(fg.derivative(f, 2.0, method="central") - 12.0) < 1e-8
assert function(f, 1).engine == "compiled"
print("right")
"""


def test_unusable_directories_cost_time_only(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a directory")
    for unusable in (file, file / "below"):
        assert run_script(ONE, FASTGRAD_CACHE_DIR=str(unusable)) == "right"
    assert file.read_text() == "not a directory"


def test_read_only_directory(filled: tuple[Path, int], tmp_path: Path) -> None:
    """Full and read-only it serves; empty and read-only it is of no use, and no harm."""
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    full, empty = copied(filled, tmp_path / "full"), tmp_path / "empty"
    empty.mkdir()
    for directory in (full, empty):
        directory.chmod(0o500)
    assert count(full) == 0
    assert count(empty) == filled[1]


def test_a_directory_that_others_may_write_to_is_not_read(
    filled: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machine code planted there was run."""
    if not hasattr(os, "getuid"):
        pytest.skip("permissions of POSIX")
    cache = copied(filled, tmp_path / "cache")
    entries = sorted(cache.iterdir())
    monkeypatch.setenv("FASTGRAD_CACHE_DIR", str(cache))
    digest, new = bytes.fromhex(entries[0].stem), bytes(32)
    assert disk.read(digest) is not None
    for mode in (0o777, 0o775, 0o757):
        cache.chmod(mode)
        disk._warn.cache_clear()
        with pytest.warns(RuntimeWarning, match=r"chmod go-w .*FASTGRAD_CACHE_DIR"):
            assert disk.read(digest) is None
        disk.write(new, {})
    assert sorted(cache.iterdir()) == entries
    cache.chmod(0o755)
    assert disk.read(digest) is not None
    disk._warn.cache_clear()
    monkeypatch.setattr(os, "getuid", lambda: cache.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert disk.read(digest) is None


def test_a_new_directory_is_the_users_own(filled: tuple[Path, int]) -> None:
    assert not hasattr(os, "getuid") or filled[0].stat().st_mode & 0o077 == 0


def test_entry_that_cannot_be_replaced(filled: tuple[Path, int], tmp_path: Path) -> None:
    """Directories stand where the entries should go."""
    for entry in filled[0].iterdir():
        (tmp_path / entry.name).mkdir()
    assert count(tmp_path) == filled[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_two_processes_at_once(filled: tuple[Path, int], tmp_path: Path) -> None:
    """Both compile into an empty directory; neither reads what the other has half written."""
    fork = "import os, warnings; warnings.simplefilter('ignore'); other = os.fork(); warnings.simplefilter('error')\n"
    wait = "\nif other: assert os.waitpid(other, 0)[1] == 0"
    counts = run_script(fork + COUNTED.format(more="") + wait, FASTGRAD_CACHE_DIR=str(tmp_path)).split()
    assert len(counts) == 2 and max(map(int, counts)) <= filled[1]
    assert count(tmp_path) == 0
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in filled[0].iterdir()}


def test_threads_that_compile_at_once_agree_with_serial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTGRAD_CACHE_DIR", str(tmp_path))
    x = np.linspace(-1, 1, 1001)
    functions = [
        lambda x: 1.25 * x * x,
        lambda x: x / (1.5 + x * x),
        lambda x: np.exp(-1.75 * x),
        lambda x, y: x * y * 2.25,
    ]
    arguments = [(x,), (x,), (x,), (x, 3.0)]
    results: dict[tuple[int, int], np.ndarray] = {}
    barrier = threading.Barrier(8)

    def work(me: int) -> None:
        barrier.wait()
        for k in range(4):
            i = (k + me) % 4
            results[me, i] = fg.derivative(functions[i], *arguments[i], method="central")

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serial = [fg.derivative(f, *a, method="central") for f, a in zip(functions, arguments, strict=True)]
    assert len(results) == 32
    assert all(np.array_equal(got, serial[i]) for (_, i), got in results.items())
    assert not list(tmp_path.glob("*.part"))


def test_cache_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_MOST", 10)
    for i in range(12):
        entry = tmp_path / f"{i}.fg"
        entry.write_bytes(b"old")
        os.utime(entry, (i, i))
    disk._drop_old(tmp_path)
    assert sorted(int(p.stem) for p in tmp_path.iterdir()) == [6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize(("environment", "wanted"), [
    ({"FASTGRAD_CACHE_DIR": "chosen", "XDG_CACHE_HOME": "xdg"}, Path("chosen")),
    ({"XDG_CACHE_HOME": "xdg"}, Path("xdg/fastgrad")),
    ({"LOCALAPPDATA": "local"}, Path("local/fastgrad")),
])  # fmt: skip
def test_where_the_cache_is(environment: dict[str, str], wanted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FASTGRAD_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert disk.directory() == wanted


# Regressions ----------------------------------------------------------------------------------------------------------


def test_a_refusal_of_the_moment_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too deep a stack, too little memory: that says nothing about the function."""
    monkeypatch.setenv("FASTGRAD_CACHE_DIR", str(tmp_path))

    def deep() -> None:
        raise RecursionError("too deep")

    with pytest.raises((RecursionError, kernels.Uncompilable)):
        kernels.native(b"test of a refusal", deep)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
