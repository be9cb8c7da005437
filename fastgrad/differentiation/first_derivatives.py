"""First derivatives of functions of a vector: gradient, jacobian, and the product that needs no matrix.

The vector is on the last axis of the points, the batch in front. `f` has any of these forms:

- for one vector: it gets a one-dimensional array and returns a number, a tuple, a list or an array;
- for one vector, filling ``f(x, *args, out)``: as many results as coordinates;
- for a batch: vectors on the last axis, ``v[..., 0]``, results on the last axes too; or on the first, ``v[0]``;
- for batches only, ``v[:, 0]``, as models of learning are: it gets shape (k, d) and returns (k,) or (k, *result).

`f` gets copies: it cannot change the caller's array, nor the next evaluation. Numbers that it masks, as `np.ma.log`
does, count as NaN. `evaluation.vector_functions` decides how it is run.
"""

from __future__ import annotations

from typing import Any

from .._typing import Arguments, Function
from ..arguments import explains_keywords
from ..containers.registry import of_vectors
from ..rules.selection import Method
from .jacobians import along, jacobians
from .problem import as_rows, broadcast_vectors, reshaped, retry_complex, vector_problem
from .sparsity_pattern import sparse_jacobian


# More than six parameters: the options that all derivatives share, as keywords.
@explains_keywords
@of_vectors("x", axes="d", trees=True)
def gradient(
    f: Function,
    x: object,
    *,
    args: Arguments = (),
    method: Method = "adaptive",
    step: object = None,
    rel_step: object = None,
    bounds: object = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Differentiate a number-valued function of a vector in all its coordinates.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, one number for every vector, of shape () or (1,). Written for one vector ``(d,)``, for a batch
        with the vector on the last axis, ``v[..., 0]``, or with the coordinates first, ``v[0]``.
    x : array_like, shape (..., d), or a tree of arrays
        The points; never changed. Integers and booleans count as float64; containers as in `derivative`. A tree is a
        dictionary, list, tuple, named tuple or dataclass of arrays, the parameters of a model: one point.
    args : tuple, default ()
        Further arguments of `f`, the same for all points; one alone may stand without a tuple.
    method : {"adaptive", "central", "forward", "backward", "complex"} or a rule, default "adaptive"
        The rule, as in `derivative`; `adaptive` finds the step for every entry.
    step, rel_step, bounds, full_output : optional
        As in `derivative`; they broadcast with `x`.
    workers : int, optional
        Threads for a large batch; the result does not depend on it. By default all cores for compiled functions, the
        calling thread for others.

    Returns
    -------
    ndarray, shape (..., d), or a tree of the structure of `x`
        In units of `f` over those of `x`. float32 and float16 when `x` is, else float64; complex when `f` returns
        complex numbers. NaN where `f` or the point is not finite, and only there.

    Raises
    ------
    TypeError, ValueError, Exception
        As `derivative`.

    See Also
    --------
    jacobian : for functions with several results.
    check : compares a gradient of yours with this one and its bounds.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> x = np.random.default_rng(0).normal(size=(1000, 2))
    >>> exact = np.sin(x[:, :1] * x[:, 1:]) * -x[:, ::-1]
    >>> float(np.max(abs(fg.gradient(lambda v: np.cos(v[0] * v[1]), x) - exact))) < 1e-12
    True

    Parameters of a model:

    >>> weights = {"w": np.array([1.0, 2.0]), "b": 3.0}
    >>> slopes = fg.gradient(lambda p: p["w"] @ p["w"] + p["b"] ** 2, weights)
    >>> bool(np.max(abs(slopes["w"] - [2, 4])) < 1e-12), bool(abs(slopes["b"] - 6) < 1e-12)
    (True, True)
    """
    problem = vector_problem(f, x, args, method, step, rel_step, bounds, workers, full_output)
    if problem.x.size == 0:
        return reshaped(problem.empty(problem.shape, full_output).whole, problem.shape)
    if problem.evaluator.outputs != 1:
        raise ValueError(
            f"`f` must return one number for a gradient; got {problem.evaluator.outputs}. Use `jacobian` for several."
        )
    return reshaped(retry_complex(lambda: jacobians(problem, full_output)), problem.shape)


# More than six parameters: the options that all derivatives share, as keywords.
@explains_keywords
@of_vectors("x", axes="md", trees=True)
def jacobian(
    f: Function,
    x: object,
    *,
    args: Arguments = (),
    sparsity: object = None,
    method: Method = "adaptive",
    step: object = None,
    rel_step: object = None,
    bounds: object = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Differentiate all results of a function of a vector in all coordinates.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, a number or an array for every vector; its forms: see `gradient`.
    x : array_like, shape (..., d), or a tree of arrays
        The points, as in `gradient`.
    args : tuple, default ()
        As in `gradient`.
    sparsity : array_like or scipy.sparse array, shape (m, d), optional
        Pattern of the entries that can be other than zero, for one vector `x` and one row of results: the true ones of
        an array, those stored in a sparse one. Columns that share no row move together, which takes as many evaluations
        as there are colours times positions of the rule. An entry that the pattern leaves out makes others in its row
        wrong: `fastgrad.sparsity` detects patterns.
    method, step, rel_step, bounds, full_output, workers : optional
        As in `gradient`.

    Returns
    -------
    ndarray, shape (..., result, d), a tree, or scipy.sparse.csr_array, shape (m, d)
        Entry ``[..., i, k]`` is the derivative of result `i` in coordinate `k`, in units of the one over those of the
        other; types as of `gradient`. One number counts as ``m = 1``, one row or column of numbers as one axis. For a
        tree, a tree of leaves with shape ``(*result, *leaf)``. With `sparsity` a CSR array with the entries of the
        pattern, zeros included; an `Estimate` then holds such arrays.

    Raises
    ------
    TypeError, ValueError, Exception
        As `derivative`.

    References
    ----------
    A. R. Curtis, M. J. D. Powell and J. K. Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Maths
    Applics 13 (1974) 117-119; T. F. Coleman and J. J. More, "Estimation of sparse Jacobian matrices and graph coloring
    problems", SIAM J. Numer. Anal. 20 (1983) 187-209.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> def polar(v):
    ...     return v[0] * np.cos(v[1]), v[0] * np.sin(v[1])
    >>> jacobian = fg.jacobian(polar, [2.0, 0.5])
    >>> exact = [[np.cos(0.5), -2 * np.sin(0.5)], [np.sin(0.5), 2 * np.cos(0.5)]]
    >>> float(np.max(abs(jacobian - exact))) < 1e-13
    True
    """
    problem = vector_problem(f, x, args, method, step, rel_step, bounds, workers, full_output)
    result_shape = problem.evaluator.result_shape
    if sparsity is not None:
        if len(result_shape) > 1:
            raise ValueError(
                f"`f` must return one row of numbers for a sparse jacobian; got shape {result_shape}. "
                "Return it raveled."
            )
        return sparse_jacobian(problem, sparsity, full_output)
    shape = (*problem.shape[:-1], *(result_shape or (1,)), problem.shape[-1])
    return reshaped(retry_complex(lambda: jacobians(problem, full_output)), shape)


# More than six parameters: the options that all derivatives share, as keywords.
@explains_keywords
@of_vectors("x", "v", axes="m")
def directional(
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
    """Differentiate along a vector: the product of the jacobian and `v`, without the jacobian.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``, a number or an array for every vector; its forms: see `gradient`.
    x, v : array_like, shape (..., d)
        The points, as in `gradient`, and the vectors, of any length; they broadcast together.
    args : tuple, default ()
        As in `gradient`.
    method : {"adaptive", "central", "forward", "backward", "complex"} or a rule, default "adaptive"
        The rule, as in `derivative`, for the function of `t` that ``f(x + t v)`` is.
    step, rel_step : array_like, optional
        As in `derivative`, one number for each point: absolute, in units of `v`, or relative to the `t` that moves a
        coordinate by about ``max(|x|, 1)``.
    bounds, full_output : optional
        As in `gradient`.
    workers : int, optional
        Checked, and without effect: the work stays on the calling thread.

    Returns
    -------
    ndarray, shape (..., result)
        ``J(x) v``, in units of `f` times those of `v` over those of `x`, at the cost of one coordinate. Types as of
        `gradient`. The length of `v` does not matter to the accuracy.

    Raises
    ------
    TypeError, ValueError, Exception
        As `derivative`.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> product = fg.directional(lambda v: v[0] * v[1], [3.0, -4.0], [1.0, 2.0])
    >>> float(abs(product - 2)) < 1e-12
    True
    """
    x, v = broadcast_vectors(x, v)
    problem = vector_problem(f, x, args, method, step, rel_step, bounds, workers, full_output, is_along_vectors=True)
    shape = (*problem.shape[:-1], *problem.evaluator.result_shape)
    return reshaped(retry_complex(lambda: along(problem, as_rows(v), full_output)), shape)
