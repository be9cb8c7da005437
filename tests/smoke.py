"""What a new user tries first, with nothing installed but fastgrad itself: ``python tests/smoke.py``.

Pytest does not collect it: `.ci/run` runs it in an empty environment, on the wheel and the oldest libraries allowed.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numpy as np
from scipy import special

import fastgrad as fg
from fastgrad import gates

x = np.linspace(-3, 3, 1001)


def wave(x: Any) -> Any:
    return np.exp(-0.3 * x) * np.sin(3 * x)


def slope(x: Any) -> Any:
    return np.exp(-0.3 * x) * (3 * np.cos(3 * x) - 0.3 * np.sin(3 * x))


def close(value: Any, exact: Any, tolerance: float) -> None:
    error = np.max(abs(np.asarray(value) - exact))
    assert error <= tolerance, f"off by {error}, {tolerance} is allowed"


def derivatives() -> None:
    for method, tolerance in ("adaptive", 1e-12), ("central", 1e-8), ("forward", 1e-6), (fg.central(order=4), 1e-9):
        close(fg.derivative(wave, x, method=method), slope(x), tolerance)
    close(fg.derivative(lambda x: np.exp(x) * x, x, method="complex"), np.exp(x) * (x + 1), 1e-13)
    close(fg.derivative(wave, x.astype(np.float32)), slope(x), 1e-5)
    close(fg.derivative(special.j0, x), -special.j1(x), 1e-12)
    result = fg.derivative(abs, np.array([-2.0, 0.0, 1e-12]), full_output=True)
    assert [fg.Status(s).name for s in result.status] == ["CONVERGED", "KINK", "CONVERGED"]


def vectors() -> None:
    def rosenbrock(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    ones = np.ones((20, 5))
    close(fg.gradient(rosenbrock, ones), 0, 1e-9)
    close(fg.hessian(rosenbrock, ones[0], diagonal=True), [802, 1002, 1002, 1002, 200], 1e-7)
    close(fg.jacobian(lambda x: x[1:] * x[:-1], np.arange(3.0)), [[1, 0, 0], [0, 2, 1]], 1e-12)
    assert fg.jacobian(lambda x: x**2, np.ones(9), sparsity=np.eye(9)).nnz == 9


def gates_and_circuits() -> None:
    sigmoid = 1 / (1 + np.exp(-x))
    close(gates.sigmoid(x), sigmoid, 1e-15)
    close(gates.sigmoid.partials[0](x), sigmoid * (1 - sigmoid), 1e-15)
    c = fg.circuit(lambda x, y: gates.maximum(math.tanh(x) * y, math.erf(x)))
    close(c(x, 2.0), np.maximum(np.tanh(x) * 2, special.erf(x)), 1e-15)
    close(c.partials(x + 1e-9, 2.0)[0], fg.derivative(c, x + 1e-9, 2.0), 1e-10)
    w = np.random.default_rng(0).normal(size=(50, 6))
    network = fg.circuit(lambda w: np.sum(np.tanh(w[:3] * w[3:])), n=6)
    exact = np.concatenate([w[:, 3:], w[:, :3]], axis=1) / np.tile(np.cosh(w[:, :3] * w[:, 3:]) ** 2, 2)
    close(network.gradient(w), exact, 1e-14)
    close(network.hessian(w), fg.jacobian(network.gradient, w), 1e-9)


def checks() -> None:
    assert fg.check(wave, slope, x)
    assert not fg.check(wave, lambda x: 1.001 * slope(x), x)
    assert all(fg.check(gate) for gate in (gates.multiply, gates.softplus, gates.minimum))


def within_numba() -> None:
    cube = numba.njit(lambda x: x**3)
    newton = numba.njit(lambda x: x - cube(x) / fg.derivative(cube, x, method="central"))
    close(newton(3.0), 2.0, 1e-8)
    close(numba.njit(lambda x: gates.sigmoid(x))(0.0), 0.5, 0)


def commands() -> None:
    def told(status: int, *arguments: str) -> None:
        done = subprocess.run([str(fastgrad), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == status and "Traceback" not in done.stderr, done

    fastgrad = Path(sys.executable).with_name("fastgrad")
    Path("model.py").write_text("import numpy as np\nf = lambda x: np.sin(x)\ndf = lambda x: np.cos(x)\n")
    np.save("points.npy", x)
    np.savetxt("points.csv", x, header="x", comments="")
    told(0, "check", "model.py:f", "model.py:df", "--domain", "-3", "3")
    told(1, "check", "model.py:f", "model.py:f", "--domain", "-3", "3")
    told(2, "check", "model.py:f", "model.py:nothing", "--domain", "-3", "3")
    told(0, "derivative", "model.py:f", "--input", "points.npy", "--output", "df.npy")
    told(0, "derivative", "model.py:f", "--input", "points.csv", "--output", "df.csv")
    close(np.load("df.npy"), np.cos(x), 1e-12)


def a_second_process() -> None:
    """What one process has compiled, the next one reads."""
    kernels = Path(os.environ["FASTGRAD_CACHE_DIR"])
    program = "import numpy, model, fastgrad as fg; fg.derivative(model.f, numpy.load('points.npy'))"
    seen = []
    for _ in range(2):
        subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
        seen.append({path: path.stat().st_mtime_ns for path in kernels.iterdir()})
    assert seen[0] and seen[0] == seen[1]


if __name__ == "__main__":
    print(fg.__file__, *(f"{name} {version(name)}" for name in ("fastgrad", "numpy", "numba", "scipy")), sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["FASTGRAD_CACHE_DIR"] = str(Path(folder, "kernels"))
        for part in (derivatives, vectors, gates_and_circuits, checks, within_numba, commands, a_second_process):
            print(part.__name__, flush=True)
            part()
