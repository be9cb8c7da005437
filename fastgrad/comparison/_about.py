"""Machine and versions of a report."""

from __future__ import annotations

import platform
from importlib import import_module

from .._parallel import cores

#: Features of processors in the order of preference, and their names.
VECTORS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("neon", "NEON"))


def about(count: int | None) -> dict[str, str]:
    """Return points of a function (None: the caller's own), machine and versions, in words."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return {
        "points": f"{count:,}" if count else "given",
        "cores": str(cores()),
        "vectors": next((words for name, words in VECTORS if features.get(name)), "no wide vectors"),
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: import_module(name).__version__ for name in ("fastgrad", "numpy", "scipy", "numba")}
