"""What the tests share: one kernel cache, seeded Hypothesis, functions that nobody can compile."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from fastgrad.estimates import Estimate
from fastgrad.evaluation import functions, trials

settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=40, database=None)
settings.register_profile("thorough", settings.get_profile("seeded"), max_examples=600)
settings.load_profile("seeded")

EPS = float(np.finfo(float).eps)


def pytest_configure(config: pytest.Config) -> None:
    """Keep machine code beside pytest's own cache, for this run, its subprocesses and the next run."""
    if "FASTGRAD_CACHE_DIR" not in os.environ:
        cache = getattr(config, "cache", None)
        os.environ["FASTGRAD_CACHE_DIR"] = str(cache.mkdir("kernels")) if cache else tempfile.mkdtemp()
    if config.option.markexpr == "slow":
        settings.load_profile("thorough")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # what a shell starts in the background ignores Ctrl-C, and so would every command that a test interrupts
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the laws too when the slow tests are run: a larger budget of examples makes them slow."""
    if config.option.markexpr == "slow":
        for item in items:
            if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
                item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Compile at the first call in tests of machine code, their fixtures included; the others run as users do."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("machine_code"):
            for trial in (trials.ELEMENTWISE, trials.VECTORS):
                patch.setattr(trial, "seconds", 0.0)
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process a contiguous share of the tests: those of a file share what they import and compile."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


class Opaque:
    """A function that nobody can compile, and the sizes of the calls it got."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.sizes: list[int] = []

    def __call__(self, *args: Any) -> Any:
        self.sizes.append(max(np.size(a) for a in args))
        return self.f(*args)


def engine_of(f: Callable[..., Any], nargs: int = 1) -> str:
    """How fastgrad runs `f`: ``"compiled"`` or ``"called"``."""
    return functions.function(f, nargs).engine


def covers(found: Estimate, truth: Any, most: Any) -> bool:
    """Whether every bar covers its error, and none is wider than `most`: an infinite one would cover anything."""
    return bool(np.all(np.abs(found.df - truth) <= found.error) and np.all(found.error <= most))


def run_python(script: str, **environment: str) -> str:
    """What a script prints in a fresh interpreter, warnings being errors there too: for what depends on imports."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class _ScriptServer:
    """The process from which those of scripts are forked; it starts with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(self, **task: Any) -> int:
        """Return the exit status of a script."""
        with self._lock:
            if self._process is None:
                server = [sys.executable, "-W", "error", str(Path(__file__).with_name("script_server.py"))]
                self._process = subprocess.Popen(server, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                atexit.register(self.close)
            assert self._process.stdin is not None and self._process.stdout is not None
            timer = threading.Timer(300, self._process.kill)
            timer.start()
            print(json.dumps(task), file=self._process.stdin, flush=True)
            reply = self._process.stdout.readline()
            timer.cancel()
            if not reply:
                self._process = None
                raise TimeoutError("The script took more than 300 s, or its server ended.")
            return int(reply)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


_server = _ScriptServer()


def complete_script(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh process that has imported fastgrad; warnings are errors there too."""
    variables = {**os.environ, **environment}
    if not sys.platform.startswith("linux"):  # where threads of other libraries may not survive a fork
        command = [sys.executable, "-W", "error", "-c", script, *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        files = {"folder": os.getcwd(), "output": str(output), "errors": str(errors)}
        status = _server.run(script=script, arguments=arguments, environment=variables, **files)
        return subprocess.CompletedProcess([script], status, output.read_text(), errors.read_text())


def run_script(script: str, **environment: str) -> str:
    """What a script prints in a fresh process that has imported fastgrad."""
    done = complete_script(script, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def bench_module(name: str) -> Any:
    """A file of the benchmarks as a module; an installed package has none beside it, and the tests are skipped."""
    path = Path(__file__).parent.parent / "bench" / f"{name}.py"
    if not path.exists():
        pytest.skip("an installed package has no benchmarks beside it", allow_module_level=True)
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
