"""What is remembered from call to call: memory of functions that are gone is given back."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import run_script

pytestmark = pytest.mark.machine_code


def test_machine_code_of_functions_that_are_gone_is_unloaded(tmp_path: Path) -> None:
    """Every function that was compiled left a megabyte and a half, because llvmlite did not free LLVM's passes."""
    script = """
import gc, numpy as np, fastgrad as fg
from fastgrad.compilation import caches
from fastgrad.evaluation.trials import compile_at_first_call
compile_at_first_call()
for table in caches._tables:
    if isinstance(table, caches.Recent):
        table._size = 4
def memory():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * 4096
def run(first, last):
    for i in range(first, last):
        f = eval(f"lambda x: x * x + {i}.5")
        fg.derivative(f, np.linspace(0.0, 1.0, 50), method="central")
run(0, 6)
before = memory()
run(6, 16)
print((memory() - before) / 10)
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is read from /proc")
    compiled, loaded = (float(run_script(script, FASTGRAD_CACHE_DIR=str(tmp_path))) for _ in range(2))
    assert compiled < 500_000
    assert loaded < 150_000
