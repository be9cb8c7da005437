"""Stencils along all coordinates of functions of a vector that Numba has compiled, in one loop of machine code."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba.core import types

from ..compilation.memory import EXPONENT, WORDS, address_of, pointer
from ..evaluation.vector_loops import call_one
from ..evaluation.vector_machine import Machine, loop
from ..rules.stencil_codegen import best_step
from ..rules.stencils import Stencil


def _loop(count, places, rule, one, words):  # type: ignore[no-untyped-def]
    """Apply a stencil along every coordinate of `count` points; return how many exceptions and missing entries it met.

    `places`: points, steps or 0, entries ``(count, m, d)``, memory for a vector and for the values at all offsets.
    `rule`: order of the derivative, bits of the best step, how many offsets, their bits, how many differences, and
    each as bits of its weight and two indices of offsets.
    """
    d, m = words[0], words[1]
    n, offsets = rule[0], rule[2]
    best = np.int64(rule[1]).view(np.float64)
    differences = rule[3 + offsets]
    table = 4 + offsets
    vector, values = pointer(places[3], "d"), pointer(places[4], "d")  # type: ignore[call-arg,var-annotated]
    wrong = 0
    simple = n == 1 and offsets == 2 and differences == 1 and rule[3] != 0 and rule[4] != 0
    first, second = np.int64(rule[3]).view(np.float64), np.int64(rule[4]).view(np.float64)
    weight = np.int64(rule[table]).view(np.float64)
    for b in range(count):
        x, out = pointer(places[0] + 8 * d * b, "d"), pointer(places[2] + 8 * d * m * b, "d")
        none = False
        for k in range(d):
            vector[k] = x[k]
            none = none or x[k] != x[k]
        if none:
            for i in range(m * d):
                out[i] = np.nan
            continue
        for o in range(offsets):
            if rule[3 + o] == 0:
                wrong += call_one(one, places[3], places[4] + 8 * m * o, words) != 0
        for k in range(d):
            at = x[k]
            if places[1] == 0:
                binade = max(np.float64(at).view(np.int64) & np.int64(EXPONENT), np.int64(1023 << 52))
                h = np.int64(binade).view(np.float64) * best
            else:
                h = (at + pointer(places[1] + 8 * d * b, "d")[k]) - at
            if simple:  # the central rule of two points, which most people take
                vector[k] = at + first * h
                wrong += call_one(one, places[3], places[4], words) != 0
                vector[k] = at + second * h
                wrong += call_one(one, places[3], places[4] + 8 * m, words) != 0
                vector[k] = at
                for i in range(m):
                    total = weight * (values[rule[table + 1] * m + i] - values[rule[table + 2] * m + i]) / h
                    out[i * d + k] = total
                    wrong += (np.float64(total).view(np.int64) & np.int64(EXPONENT)) == np.int64(EXPONENT)
                continue
            for o in range(offsets):
                if rule[3 + o] != 0:
                    vector[k] = at + np.int64(rule[3 + o]).view(np.float64) * h
                    wrong += call_one(one, places[3], places[4] + 8 * m * o, words) != 0
            vector[k] = at
            for i in range(m):
                total = 0.0
                for w in range(differences):
                    a, c = values[rule[table + 3 * w + 1] * m + i], values[rule[table + 3 * w + 2] * m + i]
                    total += np.int64(rule[table + 3 * w]).view(np.float64) * (a - c)
                for _ in range(n):
                    total /= h
                out[i * d + k] = total
                wrong += (np.float64(total).view(np.int64) & np.int64(EXPONENT)) == np.int64(EXPONENT)
    return wrong


_WORD = types.intp
_SIGNATURE = _WORD(_WORD, WORDS, WORDS, _WORD, WORDS)


def apply_stencil(machine: Machine, x: Any, rule: Stencil, result: str, step: Any, out: Any) -> int:
    """Apply a stencil along all coordinates, into `out` (points, outputs, coordinates).

    Returns how many times `f` raised or an entry was not finite.
    """
    scratch = np.empty(machine.d + len(rule.needed) * machine.m)
    at = address_of(scratch)
    places = np.array(
        [address_of(x), 0 if step is None else address_of(step), address_of(out), at, at + 8 * machine.d]
    )
    call = loop("stencil", _loop, _SIGNATURE)[1]
    return int(call(len(x), address_of(places), address_of(table_of(rule, result)), *machine.call))


@lru_cache(maxsize=256)
def table_of(rule: Stencil, result: str) -> Any:
    """Words that describe a stencil to the loop."""
    numbers = [best_step(rule, result), *map(float, rule.needed), *(float(w) for w, _, _ in rule.differences)]
    best, *rest = np.array(numbers).view(np.int64).tolist()
    offsets, weights = rest[: len(rule.needed)], rest[len(rule.needed) :]
    words = [rule.n, best, len(offsets), *offsets, len(weights)]
    for weight, (_, a, b) in zip(weights, rule.differences, strict=True):
        words += [weight, rule.needed.index(a), rule.needed.index(b)]
    return np.array(words)
