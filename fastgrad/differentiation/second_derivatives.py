"""Second derivatives of functions of a vector: hessian, its diagonal, and the product that needs no matrix.

Points, batches and the forms of `f` are those of `first_derivatives`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Arguments, Function, Shape
from ..arguments import explains_keywords
from ..containers.registry import of_vectors
from ..estimates import Estimate
from ..rules.selection import Method
from .hessians import diagonals, hessians, of_second_order, products
from .problem import Derived, Problem, as_rows, broadcast_vectors, reshaped, retry_complex, vector_problem


# More than six parameters: the options that all derivatives share, as keywords.
@explains_keywords
@of_vectors("x", axes="de")
def hessian(
    f: Function,
    x: object,
    *,
    args: Arguments = (),
    diagonal: bool = False,
    method: Method = "adaptive",
    step: object = None,
    rel_step: object = None,
    bounds: object = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Differentiate a function of a vector twice, in all pairs of coordinates.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, a number or an array for every vector; its forms: see `gradient`. Several results cost as much
        as several functions.
    x : array_like, shape (..., d)
        The points, as in `gradient`.
    args : tuple, default ()
        As in `gradient`.
    diagonal : bool, default False
        Only the unmixed second derivatives, without the matrix: the cost grows with `d`, not with its square.
    method : {"adaptive", "central", "forward", "backward"} or a rule, default "adaptive"
        The rule, as in `derivative`; one for first derivatives stands for that of second ones.
    step, rel_step, bounds, full_output : optional
        As in `gradient`.
    workers : int, optional
        Threads for the diagonal of a large batch, as in `gradient`; without effect on the matrix.

    Returns
    -------
    ndarray, shape (..., result, d, d), or (..., result, d) for the diagonal
        Symmetric to the last bit; entry ``[..., i, k]`` is in units of `f` over those of coordinates `i` and `k`. One
        number, of shape () or (1,), has no axis. Types as of `gradient`.

    Raises
    ------
    TypeError, ValueError, Exception
        As `derivative`.

    Notes
    -----
    The diagonal is differentiated along coordinates, the rest as a quarter of the second derivative at 0 of
    ``f(x + t (u + w)) - f(x + t (u - w))``, `u` and `w` being vectors along two coordinates: with `central` the formula
    of four points (Abramowitz and Stegun 1964, 25.3.26). The error bounds of the diagonal tell how long `u` and `w` are
    against each other.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> hessian = fg.hessian(lambda v: v[0] ** 2 * np.sin(v[1]), [3.0, 0.5])
    >>> exact = np.array([[2 * np.sin(0.5), 6 * np.cos(0.5)], [6 * np.cos(0.5), -9 * np.sin(0.5)]])
    >>> float(np.max(abs(hessian - exact))) < 1e-9
    True
    """
    problem = vector_problem(f, x, args, method, step, rel_step, bounds, workers, full_output)
    shape, work = (problem.shape[-1:], diagonals) if diagonal else (2 * problem.shape[-1:], hessians)
    return _of_outputs(of_second_order(problem), lambda one: work(one, full_output), shape)


# More than six parameters: the options that all derivatives share, as keywords.
@explains_keywords
@of_vectors("x", "v", axes="d")
def hessian_vector(
    f: Function,
    x: object,
    v: object,
    *,
    args: Arguments = (),
    method: Method = "adaptive",
    step: object = None,
    rel_step: object = None,
    bounds: object = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Multiply the hessian of a function and a vector, without the hessian.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, a number or an array for every vector; its forms: see `gradient`.
    x, v : array_like, shape (..., d)
        The points, as in `gradient`, and the vectors, of any length; they broadcast together. Along them no coordinate
        moves farther than its step.
    args : tuple, default ()
        As in `gradient`.
    method, step, rel_step, bounds, full_output : optional
        As in `hessian`.
    workers : int, optional
        Checked, and without effect: the work stays on the calling thread.

    Returns
    -------
    ndarray, shape (..., result, d)
        ``H(x) v``; its cost grows with `d`, not with its square. Types as of `gradient`.

    Raises
    ------
    TypeError, ValueError, Exception
        As `derivative`.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> product = fg.hessian_vector(lambda v: v[0] ** 2 * v[1], [3.0, 0.5], [1.0, 2.0])
    >>> float(np.max(abs(product - [2 * 0.5 + 6 * 2, 6]))) < 1e-9
    True
    """
    x, v = broadcast_vectors(x, v)
    problem = of_second_order(vector_problem(f, x, args, method, step, rel_step, bounds, workers, full_output))
    return _of_outputs(problem, lambda one: products(one, as_rows(v), full_output), problem.shape[-1:])


def _of_outputs(problem: Problem, work: Callable[[Problem], Derived], shape: Shape) -> Derived:
    """Do the work for each output of `f`, one after the other: the steps of one are not those of another."""
    batch = problem.shape[:-1]
    if problem.x.size == 0 or problem.evaluator.outputs == 1:
        return reshaped(retry_complex(lambda: work(problem)), (*batch, *shape))

    def all_outputs() -> Derived:
        results = [work(problem._replace(output=i)) for i in range(problem.evaluator.outputs)]
        if isinstance(results[0], Estimate):
            return Estimate(*(np.stack(field, axis=1) for field in zip(*results, strict=True)))
        return np.stack(results, axis=1)

    return reshaped(retry_complex(all_outputs), (*batch, *problem.evaluator.result_shape, *shape))
