"""Colours for the columns of a sparse matrix: columns of one colour share no row, so they can move together.

Grouping the columns of a jacobian is the idea of Curtis, Powell and Reid ("On the estimation of sparse Jacobian
matrices", J. Inst. Maths Applics 13, 1974); that it is a colouring of the graph in which columns with a common row are
neighbours, and that the smallest-last order serves it well, is Coleman and More's ("Estimation of sparse Jacobian
matrices and graph coloring problems", SIAM J. Numer. Anal. 20, 1983). For banded matrices that order is optimal.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numba.core import types

from .._typing import Function, Index
from ..compilation.kernels import Native, native_loop
from ..compilation.memory import WORDS

if TYPE_CHECKING:
    import scipy


# Seven parameters: arrays, because machine code knows no sparse matrix.
def _colour(n, heads, rows, starts, columns, colour, work):  # type: ignore[no-untyped-def]
    """Colour `n` columns; `heads` and `rows` are the matrix by columns, `starts` and `columns` the same by rows.

    `work` holds six times `n` words: degrees, a doubly linked list of columns for every degree, marks, order.
    """
    _count_neighbours(n, heads, rows, starts, columns, work)  # type: ignore[no-untyped-call]
    _order_smallest_last(n, heads, rows, starts, columns, work)  # type: ignore[no-untyped-call]
    # each column in turn takes the first colour that no neighbour has
    mark, order = 4 * n, 5 * n
    for j in range(n):
        colour[j] = work[mark + j] = -1
    for k in range(n):
        j = work[order + k]
        for a in range(heads[j], heads[j + 1]):
            for b in range(starts[rows[a]], starts[rows[a] + 1]):
                if colour[columns[b]] >= 0:
                    work[mark + colour[columns[b]]] = j
        free = 0
        while work[mark + free] == j:
            free += 1
        colour[j] = free


def _count_neighbours(n, heads, rows, starts, columns, work):  # type: ignore[no-untyped-def]
    """Count the neighbours of every column, and list the columns of every count."""
    degree, first, after, before, mark = 0, n, 2 * n, 3 * n, 4 * n
    for j in range(n):
        work[first + j] = work[mark + j] = -1
    for j in range(n):
        count = 0
        work[mark + j] = j
        for a in range(heads[j], heads[j + 1]):
            for b in range(starts[rows[a]], starts[rows[a] + 1]):
                if work[mark + columns[b]] != j:
                    work[mark + columns[b]] = j
                    count += 1
        work[degree + j] = count
    for j in range(n):
        d = work[degree + j]
        head = work[first + d]
        work[after + j], work[before + j] = head, -1
        if head >= 0:
            work[before + head] = j
        work[first + d] = j
        work[mark + j] = -1


def _order_smallest_last(n, heads, rows, starts, columns, work):  # type: ignore[no-untyped-def]
    """Order the columns: the one with the fewest neighbours among those that are left comes last."""
    degree, first, after, before, mark, order = 0, n, 2 * n, 3 * n, 4 * n, 5 * n
    least = 0
    for k in range(n - 1, -1, -1):
        while work[first + least] < 0:
            least += 1
        j = work[first + least]
        work[first + least] = work[after + j]
        if work[after + j] >= 0:
            work[before + work[after + j]] = -1
        work[order + k] = j
        work[degree + j] = -1
        work[mark + j] = k
        for a in range(heads[j], heads[j + 1]):
            for b in range(starts[rows[a]], starts[rows[a] + 1]):
                c = columns[b]
                d = work[degree + c]
                if d < 0 or work[mark + c] == k:
                    continue
                work[mark + c] = k
                left, right = work[before + c], work[after + c]
                if left >= 0:
                    work[after + left] = right
                else:
                    work[first + d] = right
                if right >= 0:
                    work[before + right] = left
                head = work[first + d - 1]
                work[degree + c], work[after + c], work[before + c] = d - 1, head, -1
                if head >= 0:
                    work[before + head] = c
                work[first + d - 1] = c
        least = max(least - 1, 0)


@cache
def _kernel() -> tuple[Native, Function]:
    """Compile the colouring; machine code comes from the disk."""
    code = native_loop(b"colour", _colour, types.void(types.intp, *[WORDS] * 6))
    return code, ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * 6)(code.address)


def colours(pattern: scipy.sparse.sparray) -> Index:
    """Colour the columns of a sparse matrix, whose stored entries count, by numbers from 0 without gaps.

    No row has two entries in columns of one number.

    >>> import scipy.sparse
    >>> colours(scipy.sparse.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(6, 6))).max() + 1
    np.int64(3)
    """
    by_rows, by_columns = pattern.tocsr(), pattern.tocsc()
    n = pattern.shape[1]
    if np.diff(by_rows.indptr).max(initial=0) == n:  # a full row; counting neighbours would take n^2
        return np.arange(n)
    colour, work = np.empty(n, np.int64), np.empty(6 * n, np.int64)
    parts = [a.astype(np.int64) for s in (by_columns, by_rows) for a in (s.indptr, s.indices)]
    _kernel()[1](n, *(a.ctypes.data for a in (*parts, colour, work)))
    return colour
