"""Loops over words: what is compiled does what Python does with the same text."""

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core import types

from fastgrad.compilation.kernels import native_loop
from fastgrad.compilation.memory import WORDS

pytestmark = pytest.mark.machine_code

SIZE = 5  # a global name is part of the code


def collatz(n, words):
    """Loop until a condition holds."""
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    words[0] = steps
    return steps


def first_of(n, words):
    """Leave a loop within a loop, and skip parts of it."""
    for i in range(n):
        if words[i] < 0:
            continue
        for j in range(i + 1, n):
            if words[j] == words[i]:
                return 100 * i + j
            if words[j] > words[i] + SIZE:
                break
    return -1


def _largest(n, words):
    best = words[0]
    for k in range(1, n):
        if words[k] > 1000:
            return 1000
        best = max(best, words[k])
    return best


def inlined(n, words):
    """Call functions that return early."""
    largest = _largest(n, words)
    return largest - min(_largest(2, words), 10)


def guarded(n, words):
    """Read no further than the condition before allows."""
    k = 0
    while k < n and words[k] > 0:
        k += 1
    is_end = k == n or words[k] == 0
    is_all = not (k < n) and is_end
    return k + (50 if is_end else 0) + (100 if is_all else 0)


def swapped(n, words):
    """Assign several names at once, and to memory."""
    a, b = n, 2
    a, b = b, a
    words[0], words[1] = b, a
    c = d = 3
    words[2] = -words[2]
    words[3] |= 4
    c += d
    return 10 * a + b - c


def counted(n, words):
    """Gather truth values."""
    some, every, count = False, True, 0
    for k in range(n):
        some |= words[k] > 3
        every = every and words[k] != 0
        count |= np.int64(words[k] < 0)
    if some:
        return 1 + (2 if every else 0)
    elif n == 0:
        return 7
    return count


def backwards(n, words):
    """Count down."""
    total = 0
    for k in range(n - 1, -1, -2):
        total = 3 * total + words[k]
    return total


FUNCTIONS = (backwards, collatz, first_of, inlined, guarded, swapped, counted)
SIGNATURE = types.intp(types.intp, WORDS)


def compiled(function):
    code = native_loop(b"test " + function.__name__.encode(), function, SIGNATURE)
    call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)(code.address)
    return code, lambda n, array: call(n, array.ctypes.data)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_machine_code_does_what_python_does(function):
    _code, call = compiled(function)

    @given(st.lists(st.integers(-9, 9), min_size=4, max_size=12))
    def law(numbers):
        ours, theirs = np.array(numbers, np.int64), list(numbers)
        assert call(len(numbers), ours) == function(len(numbers), theirs)
        assert ours.tolist() == theirs

    law()


def test_bits_are_numbers():
    def half_of(_n, words):
        number = np.int64(words[0]).view(np.float64)
        words[0] = (number * 0.5).view(np.int64)
        return 1 if number > 0.25 else 0

    _code, call = compiled(half_of)
    numbers = np.array([3.0])
    assert call(1, numbers) == 1 and numbers[0] == 1.5


def test_other_statements_are_refused():
    def raising(_n, _words):
        raise ValueError

    with pytest.raises(AttributeError, match="raise"):
        compiled(raising)
