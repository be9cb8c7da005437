"""The methods that are compared: one list for the report, the tests and `accuracy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .derivatives import METHODS, derivative
from .stencils import Stencil, central

#: The step of the textbook: near the best one for a central difference of points and values of size 1.
NAIVE_STEP = 1e-5


@dataclass(frozen=True)
class Method:
    """A way to differentiate an elementwise function on arrays.

    Parameters
    ----------
    name : str
        What a caller would write.
    label : str
        What stands over a column; at most nine letters a line.
    run : callable
        ``run(f, args, wrt)`` returns the derivative at every point.
    ours : bool
        Whether fastgrad runs it; other libraries call `f` with arrays.
    limit : int, optional
        Most points it is run on, because it is slow.
    stencil : Stencil, optional
        The rule, where there is one with a fixed step: it gets a curve of error against step.
    """

    name: str
    label: str
    run: Callable[[Callable[..., Any], tuple[Any, ...], int], Any]
    ours: bool = True
    limit: int | None = None
    stencil: Stencil | None = field(default=None, compare=False)


def _naive(f: Callable[..., Any], args: tuple[Any, ...], wrt: int) -> Any:
    """Difference as everybody writes it in NumPy."""
    h, x = NAIVE_STEP, np.asarray(args[wrt])
    before, after = args[:wrt], args[wrt + 1 :]
    return (f(*before, x + h, *after) - f(*before, x - h, *after)) / (2 * h)


def _scipy(f: Callable[..., Any], args: tuple[Any, ...], wrt: int) -> Any:
    """SciPy's adaptive derivative, with its own defaults."""
    from scipy import differentiate

    def moved(x: Any, *others: Any) -> Any:
        return f(*others[:wrt], x, *others[wrt:])

    return differentiate.derivative(moved, args[wrt], args=args[:wrt] + args[wrt + 1 :]).df


NUMPY = Method("NumPy, step 1e-5", "NumPy", _naive, ours=False)
SCIPY = Method("scipy.differentiate", "SciPy", _scipy, ours=False, limit=20_000)


def method_of(rule: Any) -> Method:
    """Make a method of a word, a stencil or any other rule that `derivative` takes."""
    if isinstance(rule, Method):
        return rule
    if rule in ("numpy", "scipy"):
        return NUMPY if rule == "numpy" else SCIPY
    known = METHODS.get(rule) if isinstance(rule, str) else rule
    if isinstance(rule, str) and known is None:
        words = ", ".join(map(repr, (*METHODS, "numpy", "scipy")))
        raise ValueError(f"`methods` must be rules or some of {words}; got {rule!r}. See fg.central.")

    def run(f: Callable[..., Any], args: tuple[Any, ...], wrt: int) -> Any:
        return derivative(f, *args, wrt=wrt, method=known if known is not None else rule)

    stencil = known if isinstance(known, Stencil) else None
    name = repr(known)
    return Method(name, _label(name), run, stencil=stencil)


def _label(name: str) -> str:
    """Shorten ``central(order=4)`` to ``central 4``: eight columns must fit into 80 letters."""
    word, _, rest = name.partition("(")
    word = {"forward": "fwd", "backward": "bwd"}.get(word, word)
    order = rest.partition("order=")[2].partition(",")[0].strip(")")
    return f"{word} {order}".strip()


def standard_methods() -> tuple[Method, ...]:
    """Every rule that `derivative` knows by a word, central differences of higher order, and the peers."""
    rules = [rule for word, rule in METHODS.items() if word not in ("complex", "adaptive")]
    rules += [central(4), central(6)]
    rules += [rule for word, rule in METHODS.items() if word == "adaptive"]  # beside the peers it is compared with
    return (*map(method_of, rules), NUMPY, SCIPY)


def best_rule() -> Any:
    """Choose the rule to trust where nothing better is known."""
    return "adaptive" if "adaptive" in METHODS else central(8)


def chosen_methods(methods: Iterable[Any] | None) -> tuple[Method, ...]:
    """Methods out of what the caller gave; the standard ones for None."""
    if methods is None:
        return standard_methods()
    if isinstance(methods, (str, Stencil, Method)):
        methods = (methods,)
    found = tuple(map(method_of, methods))
    if not found:
        raise ValueError("`methods` must name at least one rule; got none. Leave it out to compare them all.")
    return found
