"""Where and with what a report was made."""

from __future__ import annotations

import platform
from importlib import import_module

from .._parallel import cores


def about(count: int | None) -> dict[str, str]:
    """Points of a function (None: the caller's own), machine and versions, in words."""
    libraries = ("fastgrad", "numpy", "scipy", "numba")
    return {
        "points": f"{count:,}" if count else "given",
        "cores": str(cores()),
        "vectors": _vectors(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    } | {name: import_module(name).__version__ for name in libraries}


def _vectors() -> str:
    """Width of the vector unit, in words."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    known = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("neon", "NEON"))
    return next((words for name, words in known if features.get(name)), "no wide vectors")
