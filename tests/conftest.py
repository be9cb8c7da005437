"""What the tests share: one kernel cache, seeded Hypothesis, functions that nobody can compile."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from fastgrad.evaluation import functions

settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=40, database=None)
settings.register_profile("thorough", settings.get_profile("seeded"), max_examples=600)
settings.load_profile("seeded")

functions.compile_at_first_call()  # tests of machine code want it for a few points too

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
    """Count the laws among the slow tests when those are asked for: with a larger budget they are."""
    if config.option.markexpr == "slow":
        for item in items:
            if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
                item.add_marker(pytest.mark.slow)


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


def run_python(script: str, **environment: str) -> str:
    """What a script prints in a fresh process, warnings being errors there too."""
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


def bench_room(name: str) -> Any:
    """A room of the benchmarks as a module; an installed package has none beside it, and nothing to test."""
    path = Path(__file__).parent.parent / "bench" / f"{name}.py"
    if not path.exists():
        pytest.skip("an installed package has no benchmarks beside it", allow_module_level=True)
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
