"""Circuits: a function run once on symbols, and its exact partial derivatives by the chain rule.

Imports `tracing`, `gates` and what is below them, nothing of the numerical derivatives. Begin reading in
`circuit_type`; `derivatives` is the table of partial derivatives, `chain_rule` applies them.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._typing import Function
from ..arguments import explains_keywords
from ..evaluation.signatures import check_callable
from .circuit_type import Circuit
from .gate_primitives import where

__all__ = ["Circuit", "circuit", "where"]


@explains_keywords
def circuit(f: Function, n: int | Sequence[int | None] | None = None) -> Circuit:
    """Trace a function once on symbols, for its exact derivatives by the chain rule.

    `f` may use gates, Python's operators, NumPy's and `math`'s functions, those of scipy.special that have a gate or
    are written with such, helpers and methods, loops of fixed length and, on vectors, everything that NumPy does to
    arrays of objects. Choices are written ``fg.where(condition, a, b)``, np.where, `max` and `min`. At ties and kinks
    the partials are those of the branch taken. Functions, methods and objects of your classes are traced as copies.

    Parameters
    ----------
    f : callable
        Function of numbers that broadcast, or of vectors. Arguments with defaults keep them. It is called while it is
        traced and never again, except where a gate of yours raises; data that it captures are read once, here.
    n : int, or sequence of int or None, optional
        Length of the vector that `f` takes; for several arguments one entry each, None for a number. Left out, all
        arguments are numbers.

    Returns
    -------
    Circuit
        Called like `f`; ``c.partials(*args)`` is the tuple of partial derivatives, ``c.gradient(x)``,
        ``c.jacobian(x)`` and ``c.hessian(x)`` are for vectors, with the batch in front. ``help(type(c))`` has shapes,
        types, options and errors.

    Raises
    ------
    TypeError, ValueError
        When `f` cannot be traced: it branches on a value, its loops depend on one, it calls code that takes numbers
        only, or it unrolls to more than 10,000 nodes; the message names the line and the remedy. When `n` is below 1.
        Exceptions of `f` are raised unchanged.

    Notes
    -----
    Reverse accumulation for few results, forward accumulation where they outnumber the inputs (Griewank and Walther
    2008). To compile a thousand nodes, once per machine, takes one second for arithmetic and up to ten for functions
    such as `exp`; circuits of the same code over other floats and arrays take some 100 microseconds.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> c = fg.circuit(lambda x, y: np.exp(x * y) * np.sin(x))
    >>> x, y = np.linspace(0.1, 1, 5), 2.0
    >>> by_x, by_y = c.partials(x, y)
    >>> float(abs(by_y - x * np.exp(x * y) * np.sin(x)).max()) < 1e-15
    True
    >>> loss = fg.circuit(lambda w: np.linalg.norm(np.tanh(w)), n=3)
    >>> bool(fg.check(loss))
    True
    """
    check_callable(f)
    return Circuit(f, n)
