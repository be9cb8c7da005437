"""Derivatives of functions of a vector: gradient, jacobian, hessian, and the products that need no matrix."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ._hessians import diagonals, hessians, products, second
from ._jacobians import along, jacobians
from ._questions import as_rows, question, retried, shaped, together
from .complexstep import ComplexStep
from .estimates import Estimate
from .ladder import Adaptive
from .stencils import Stencil

Method = str | Stencil | Adaptive | ComplexStep


def gradient(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    method: Method = "adaptive",
    step: Any = None,
    rel_step: Any = None,
    bounds: Any = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Differentiate a number-valued function of a vector in all its coordinates."""
    p = question(f, x, args, method, step, rel_step, bounds, workers, full_output)
    if p.x.size == 0:
        return shaped(Estimate(*p.empty(p.shape, True)) if full_output else p.empty(p.shape, False)[0], p.shape)
    if p.form.outputs != 1:
        raise ValueError(
            f"`f` must return one number for a gradient; got {p.form.outputs}. Use `jacobian` for several."
        )
    return shaped(retried(lambda: jacobians(p, full_output)), p.shape)


def jacobian(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    sparsity: Any = None,
    method: Method = "adaptive",
    step: Any = None,
    rel_step: Any = None,
    bounds: Any = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Differentiate a vector-valued function of a vector: all outputs in all coordinates."""
    if sparsity is not None:
        return importlib.import_module(".sparsity", __package__).sparse_jacobian(
            f, x, args=args, sparsity=sparsity, method=method, step=step, rel_step=rel_step, bounds=bounds,
            full_output=full_output, workers=workers,
        )  # fmt: skip
    p = question(f, x, args, method, step, rel_step, bounds, workers, full_output)
    shape = (*p.shape[:-1], p.form.outputs, p.shape[-1])
    return shaped(retried(lambda: jacobians(p, full_output)), shape)


def hessian(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    diagonal: bool = False,
    method: Method = "adaptive",
    step: Any = None,
    rel_step: Any = None,
    bounds: Any = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Second derivatives of a number-valued function of a vector, in all pairs of coordinates."""
    p = question(f, x, args, method, step, rel_step, bounds, workers, full_output)
    p = second(p)
    made = retried(lambda: (diagonals if diagonal else hessians)(p, full_output))
    return shaped(made, p.shape if diagonal else (*p.shape, p.shape[-1]))


def hessian_vector(
    f: Callable[..., Any],
    x: Any,
    v: Any,
    *,
    args: tuple[Any, ...] = (),
    method: Method = "adaptive",
    step: Any = None,
    rel_step: Any = None,
    bounds: Any = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Product of the hessian and a vector, without the hessian."""
    x, v = together(x, v)
    p = second(question(f, x, args, method, step, rel_step, bounds, workers, full_output))
    return shaped(retried(lambda: products(p, as_rows(v), full_output)), p.shape)


def directional(
    f: Callable[..., Any],
    x: Any,
    v: Any,
    *,
    args: tuple[Any, ...] = (),
    method: Method = "adaptive",
    step: Any = None,
    rel_step: Any = None,
    bounds: Any = None,
    full_output: bool = False,
    workers: int | None = None,
) -> Any:
    """Differentiate along a vector: the product of the jacobian and `v`, without the jacobian."""
    x, v = together(x, v)
    p = question(f, x, args, method, step, rel_step, bounds, workers, full_output, whole=True)
    form = p.form
    shape = (*p.shape[:-1], *(() if form.scalar else (form.outputs,)))
    return shaped(retried(lambda: along(p, as_rows(v), full_output)), shape)
