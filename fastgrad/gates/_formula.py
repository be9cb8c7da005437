"""Checks of a gate's formula, partial derivatives and domain, before anything is compiled."""

from __future__ import annotations

import inspect
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Function, Interval


def signature_of(formula: object) -> inspect.Signature:
    """Check that a formula takes numbers by position, and return its signature."""
    remedy = "Write `@gate(partials=...)` above a `def` of one number or more."
    if not callable(formula):
        raise TypeError(f"`formula` must be a function of numbers; got {formula!r:.80}. {remedy}")
    try:
        signature = inspect.signature(formula)
    except (TypeError, ValueError):
        raise TypeError(f"`formula` must say what arguments it takes; got {formula!r:.80}. {remedy}") from None
    kinds = {p.kind for p in signature.parameters.values()}
    required = [p for p in signature.parameters.values() if p.default is p.empty]
    if not required or not kinds <= {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}:
        name = getattr(formula, "__name__", "formula")
        raise TypeError(f"`formula` must take a fixed number of arguments by position; got {name}{signature}. {remedy}")
    return signature


def partials_of(partials: object, names: list[str]) -> tuple[Function, ...]:
    """Check partial derivatives and return one function for each argument of the formula."""
    if callable(partials):
        _check_arguments(partials, "partials", names)
        return (partials,) if len(names) == 1 else tuple(_nth(partials, i) for i in range(len(names)))
    remedy = "Pass a tuple of functions, or one function that returns a tuple."
    if not isinstance(partials, (tuple, list)):
        raise TypeError(f"`partials` must be one function for each argument; got {partials!r:.80}. {remedy}")
    for i, partial in enumerate(partials):
        if not callable(partial):
            raise TypeError(f"`partials[{i}]` must be a function; got {partial!r:.80}. {remedy}")
    if len(partials) != len(names):
        raise ValueError(
            f"`partials` must be one function for each argument, {', '.join(names)}; got {len(partials)}. {remedy}"
        )
    for i, partial in enumerate(partials):
        _check_arguments(partial, f"partials[{i}]", names)
    return tuple(partials)


def _check_arguments(partial: Function, name: str, names: list[str]) -> None:
    """Check that a partial derivative takes the arguments of the formula, in their order."""
    try:
        signature = inspect.signature(partial)
    except (TypeError, ValueError):  # some builtins have no signature
        return
    expected = ", ".join(names)
    try:
        signature.bind(*names)
    except TypeError as err:
        raise TypeError(
            f"`{name}` must take what the formula takes, ({expected}); got {signature}, with {err}. Give it the same "
            "arguments."
        ) from None
    order = list(signature.parameters)[: len(names)]
    if order != names and sorted(order) == sorted(names):
        raise ValueError(
            f"`{name}` must take the arguments in the order of the formula, ({expected}), for they go by position; got "
            f"({', '.join(order)}). Put them in that order."
        )


def _nth(partials: Function, i: int) -> Function:
    """One entry of a function that returns all partials."""

    def partial(*args: object) -> object:
        return partials(*args)[i]

    return partial


def by_position(signature: inspect.Signature, args: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
    """Return the arguments of a call by position, with defaults for those left out."""
    if not named:
        return args
    bound = signature.bind(*args, **named)
    bound.apply_defaults()
    return bound.args


def domain_of(domain: ArrayLike | None, nin: int) -> tuple[Interval, ...]:
    """Check the domain and return one interval for each argument."""
    if domain is None:
        return ((-inf, inf),) * nin
    try:
        ends = np.asarray(domain, dtype=np.float64)
    except (TypeError, ValueError):
        ends = np.empty(0)
    if ends.shape not in ((2,), (1, 2), (nin, 2)) or not np.all(ends[..., 0] < ends[..., 1]):
        raise ValueError(
            f"`domain` must be (low, high) with low < high, or such a pair for each of {nin} arguments; got "
            f"{domain!r:.80}. Leave it out for the whole line."
        )
    return tuple((float(low), float(high)) for low, high in np.broadcast_to(ends, (nin, 2)))
