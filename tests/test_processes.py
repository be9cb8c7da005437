"""Other processes and threads: what people pass around travels, and everything works there after use here."""

from __future__ import annotations

import functools
import math
import multiprocessing
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from conftest import run_python
from process_tasks import RULES, TASKS, V, X, energy, run, same
from scipy import special

import fastgrad as fg
from fastgrad import gates

METHODS = multiprocessing.get_all_start_methods() + ["loky"] * (find_spec("joblib") is not None)

SCRIPT = """
import multiprocessing, sys, warnings
from concurrent.futures import ProcessPoolExecutor

sys.path.insert(0, {tests!r})
import process_tasks as here

def results(method):
    if method == "loky":
        import joblib

        return joblib.Parallel(2)(map(joblib.delayed(here.run_this), here.TASKS.values()))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        return list(pool.map(here.run_this, here.TASKS.values()))

if __name__ == "__main__":
    wanted = [here.run(name) for name in here.TASKS]  # used before any other process is there
    # newer Pythons warn of threads at a fork: there are some, they are replaced in the child, and that is the test
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    for method in {methods!r}:
        found = results(method)
        assert len(found) == len(wanted) > 15
        wrong = [name for name, a, b in zip(here.TASKS, found, wanted, strict=True) if not here.same(a, b)]
        print(method, "wrong:", wrong, flush=True)
"""


@pytest.fixture(scope="module")
def other_processes(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What a process says that has others repeat its calls, started in one way after the other."""
    script = tmp_path_factory.mktemp("processes") / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), methods=METHODS))
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.parametrize("method", METHODS)
def test_everything_works_in_other_processes_after_use(
    method: str, other_processes: subprocess.CompletedProcess[str]
) -> None:
    assert f"{method} wrong: []" in other_processes.stdout.splitlines(), other_processes.stderr


def test_other_processes_end_without_a_word(other_processes: subprocess.CompletedProcess[str]) -> None:
    assert other_processes.returncode == 0, other_processes.stderr
    assert other_processes.stderr == ""


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])
@pytest.mark.parametrize("name", TASKS)
def test_everything_travels_before_and_after_use(name: str, dumps: Any) -> None:
    before = dumps(TASKS[name])
    wanted = run(name)
    for sent in (before, dumps(TASKS[name])):
        f, *args = pickle.loads(sent)
        assert same(f(*args), wanted)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_rules_are_equal_after_a_journey(rule: Any) -> None:
    again = pickle.loads(pickle.dumps(rule))
    assert again == rule and hash(again) == hash(rule) and repr(again) == repr(rule)


def test_what_cannot_be_imported_travels_by_cloudpickle() -> None:
    k = 1.5

    @fg.gate(partials=lambda x: k * math.cos(k * x))
    def local(x: float) -> float:
        return math.sin(k * x)

    for f in (lambda x: np.sin(k * x) * x, local, lambda x: local(x) + x * x, fg.circuit(lambda x: gates.tanh(k * x))):
        wanted = fg.derivative(f, X)
        again = cloudpickle.loads(cloudpickle.dumps(f))
        assert again is not f
        assert np.array_equal(fg.derivative(again, X), wanted)
    gradient = cloudpickle.loads(cloudpickle.dumps(functools.partial(fg.gradient, lambda v: energy(k * v))))
    assert np.array_equal(gradient(V), fg.gradient(lambda v: energy(k * v), V))


def test_many_threads_use_new_functions_at_once() -> None:
    """The first use finds out how a function runs; eight threads at once all get the right numbers."""
    k = 0.75
    functions = [
        (fg.derivative, lambda x: np.sin(k * x) * x, X),
        (fg.derivative, lambda x: special.j1(k * x), X),
        (fg.gradient, lambda v: energy(k * v), V),
        (fg.jacobian, lambda v: (k * v[0] * v[1], v[2]), V),
        (fg.derivative, fg.circuit(lambda x: gates.tanh(k * x)), X),
    ]
    for make, f, x in functions:
        barrier = threading.Barrier(8)

        def one(_: int, make: Any = make, f: Any = f, x: Any = x, barrier: Any = barrier) -> Any:
            barrier.wait()
            return make(f, x)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(one, range(8)))
        assert all(np.array_equal(a, found[0]) for a in found)
        assert np.array_equal(make(f, x), found[0])


COLD = """
import threading, warnings
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import fastgrad as fg

x, v = np.linspace(0.1, 2, 1000), np.linspace(0.1, 2, 400).reshape(100, 4)
scales = [0.5, 1.5]
calls = [
    lambda k: fg.derivative(lambda x: np.sin(k * x) * x, x),
    lambda k: fg.derivative(lambda x: np.exp(-k * x), x, method="central"),
    lambda k: fg.derivative(lambda x: np.log(k * x), x, method=fg.adaptive(n=2)),
    lambda k: fg.gradient(lambda v: np.sum(np.sin(k * v)) * v[0], v),
    lambda k: fg.jacobian(lambda v: (k * v[0] * v[1], v[2]), v),
    lambda k: fg.hessian(lambda v: np.sum(k * v * v) * v[0], v),
    lambda k: fg.circuit(lambda x: np.tanh(k * x)).partials(x),
    lambda k: fg.check(lambda x: np.cos(k * x), lambda x: -k * np.sin(k * x), x).analytic,
]
tasks = [(call, k) for k in scales for call in calls] * 2
barrier = threading.Barrier(len(tasks))

def run(task):
    barrier.wait()
    call, k = task
    return call(k)

with ThreadPoolExecutor(len(tasks)) as pool:
    results = list(pool.map(run, tasks))
alone = [call(k) for call, k in tasks]
same = [np.array_equal(a, b, equal_nan=True) for a, b in zip(results, alone)]
print(len(tasks), "wrong:", [k for k, right in enumerate(same) if not right])
"""


@pytest.mark.slow
def test_thirty_two_threads_start_on_cold_caches(tmp_path: Path) -> None:
    """All at their first call, which compiles, loads and finds out how a function runs."""
    assert run_python(COLD, FASTGRAD_CACHE_DIR=str(tmp_path)) == "32 wrong: []"
