"""Elementary functions that LLVM can vectorise.

Inside Numba ``math.exp`` and ``np.exp`` call libm once per number. The kernels here are straight-line arithmetic, so a
loop over them becomes packed instructions. They are right everywhere: at zeros, infinities, NaN, subnormals, overflow,
and at any argument of the circular functions.

Each takes real scalars (int, bool and float32 too: computed and returned as float64), from Python or from compiled
code; arrays and, where Numba's own function does, complex numbers as well. Errors are in units in the last place of the
true result, the largest that ``tests/test_elementary.py`` finds against mpmath, with and without fused multiply-add.
Polynomials are minimax (Remez exchange in 50 digits), rounded to float64; the error stated beside each is that before
rounding.

A function is defined in one place. The decorator `elementary` or `composed` names what the function replaces, and makes
it a member of this package and a primitive of traced programs. Imports nothing of fastgrad; begin reading in `_exp`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numba.core.dispatcher import Dispatcher

from . import _composed, _error, _exp, _hyperbolic, _inverse, _log, _power, _trig  # noqa: F401 (define the kernels)
from ._overload import KERNELS, Kernel

if TYPE_CHECKING:

    def __getattr__(name: str) -> Kernel: ...


globals().update(KERNELS)

__all__ = ["KERNELS", "Kernel", "REPLACEMENTS", "SCIPY_SPECIAL", *sorted(KERNELS)]

#: The kernel in place of each function of `numpy` and `math`.
REPLACEMENTS: dict[Callable[..., Any], Kernel] = {
    f: kernel for kernel in KERNELS.values() for f in kernel.originals if not isinstance(f, Dispatcher)
}

#: The same by name for `scipy.special`, which is not imported here: it would take longer than all the rest.
SCIPY_SPECIAL: dict[str, Kernel] = {kernel.scipy: kernel for kernel in KERNELS.values() if kernel.scipy}
