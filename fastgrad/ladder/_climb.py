"""Climb the ladder, with a Python function or with machine code to evaluate: in machine code, or by Python itself.

The rule takes ten seconds to compile. Few points do not wait for that: Python runs the same text, slowly, to the same
bits.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np

from .._compiling.interpreted import empty, interpreted
from .._compiling.kernels import at_hand
from .._compiling.memory import address_of, array_at
from ._callback import EVALUATOR, hearing
from ._machine import CALLED, COMPILED, EXTRA, FIELDS, RULE, STRETCH, launch, run, shared
from ._rounds import OUTCOME

#: Before the rule is compiled, batches of at most so many points are left to Python, until that has taken as many
#: seconds as one may take without being noticed.
_FEW, _PATIENCE = 256, 1.0

class _Python:
    """The rule run by Python itself."""

    def __init__(self) -> None:
        self.spent = 0.0
        """Seconds it has taken in this process."""

    @cached_property
    def run(self) -> Any:
        """The kernel `run`; its evaluator is a Python function of addresses."""
        return interpreted(run, {"call_evaluator": lambda evaluator, *given: evaluator(*given)})

    def __call__(self, evaluate: Any, rule: Any, inputs: Iterable[Any], results: dict[str, Any]) -> None:
        """Differentiate; `inputs` are the points, largest steps and both bounds."""
        start, outside = time.perf_counter(), 0.0
        x, step, low, high = inputs

        def timed(*given: Any) -> None:  # what the function takes is not what compiling would save
            nonlocal outside
            began = time.perf_counter()
            evaluate(*given)
            outside += time.perf_counter() - began

        out = empty(x.size, OUTCOME)
        tolerances = np.float64(rule.rtol or 0.0), np.float64(rule.atol)
        with np.errstate(all="ignore"):
            self.run(timed, 0, x, low, high, step, rule.n, rule.sign, *tolerances, CALLED, out)
        for name, values in results.items():
            values[:] = [getattr(o, name) for o in out]
        self.spent += time.perf_counter() - start - outside


_python = _Python()


def compiled_for(operands: Iterable[Any]) -> bool:
    """Tell whether these points are for machine code: whenever it is there, else when compiling it pays."""
    if shared.cache_info().currsize or at_hand(RULE) or _python.spent > _PATIENCE:
        return True
    return math.prod(np.broadcast_shapes(*map(np.shape, operands))) > _FEW


def climb(
    f: Callable[[Any, Any], Any], rule: Any, x: Any, step: Any, low: Any, high: Any, together: int | None = None
) -> dict[str, Any]:
    """Differentiate a Python function of positions and the indices of their points; return the `FIELDS`.

    It gets what `together` points ask for in one call; each of them takes 2 kB meanwhile.
    """
    failure: list[BaseException] = []
    first = 0

    def evaluate(points: int, index: int, count: int, values: int, _context: int) -> None:
        found = array_at(values, count, ctypes.c_double)
        found[...] = np.nan
        if failure:
            return
        try:
            # copies: the function may keep or change what it is given
            of = array_at(index, count, ctypes.c_int64) + first
            found[...] = f(array_at(points, count, ctypes.c_double).copy(), of)
        except BaseException as raised:  # carried over the machine code and raised below
            failure.append(raised)

    inputs = np.empty((1 + EXTRA, x.size))
    for row, values in zip(inputs, (x, step, low, high), strict=True):
        row[...] = values
    results = np.empty((len(FIELDS), x.size))
    fields = dict(zip(FIELDS, results, strict=True))
    if compiled_for([x]):
        callback = EVALUATOR(evaluate)
        address = ctypes.cast(callback, ctypes.c_void_p).value or 0
        at_a_time = together or CALLED
        stretch = max(STRETCH, at_a_time)
        with hearing(evaluate, failure):
            for first in range(0, x.size, stretch):  # the body counts its points anew in every stretch
                launch(address, 0, rule, at_a_time, inputs, results, first, min(stretch, x.size - first))
                if failure:
                    break
    else:
        _python(evaluate, rule, inputs, fields)
    if failure:
        raise failure[0]
    return fields


def climb_compiled(evaluator: int, passed: int, rule: Any, inputs: Any, nout: int = len(FIELDS)) -> Any:
    """Differentiate by an evaluator in machine code: the first `nout` of the `FIELDS` as rows.

    The rows of `inputs` are positions, whatever else the evaluator looks at, largest steps, lower and upper bounds;
    `passed` is the first word of its context.
    """
    results = np.empty((nout, inputs.shape[1]))
    if compiled_for(inputs[:1]):
        launch(evaluator, passed, rule, COMPILED, inputs, results, 0, inputs.shape[1])
        return results
    places = (ctypes.c_int64 * 16)(*map(address_of, inputs))
    context = (ctypes.c_int64 * 4)(passed, len(inputs) - EXTRA, 0, ctypes.addressof(places))
    call = EVALUATOR(evaluator)

    def evaluate(points: int, index: int, count: int, values: int, _context: int) -> None:
        call(points, index, count, values, ctypes.addressof(context))

    _python(evaluate, rule, (inputs[0], *inputs[-EXTRA:]), dict(zip(FIELDS[:nout], results, strict=True)))
    return results


