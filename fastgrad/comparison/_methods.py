"""The methods that are compared: one list for reports, tests, benchmarks and `accuracy`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..adaptive_rule import Adaptive
from ..differentiation.derivatives import derivative
from ..rules.complexstep import ComplexStep
from ..rules.selection import METHODS
from ..rules.stencils import Stencil, central
from ._method import Answer, Args, Elementwise, Method
from ._peers import INSTALLED, PEERS

#: Short names of rules: eight columns must fit into 80 letters.
SHORT = {"forward": "fwd", "backward": "bwd", "complex_step": "complex"}


def method_of(rule: Any) -> Method:
    """Return the method of a word, a stencil or any other rule that `derivative` takes."""
    if isinstance(rule, Method):
        return rule
    if isinstance(rule, str) and rule in PEERS:
        if rule not in INSTALLED:
            raise ValueError(f'`methods` names {rule!r}, which is not installed: pip install "fastgrad[bench]".')
        return PEERS[rule]
    is_word = isinstance(rule, str)
    method = METHODS.get(rule) if is_word else rule
    if not isinstance(method, (Stencil, Adaptive, ComplexStep)):
        wrong = ValueError if is_word else TypeError
        words = ", ".join(map(repr, (*METHODS, *PEERS)))
        raise wrong(f"`methods` must be rules or some of {words}; got {rule!r:.80}. See fg.central.")

    def run(f: Elementwise, args: Args, wrt: int) -> Any:
        return derivative(f, *args, wrt=wrt, method=method)

    def estimate(f: Elementwise, args: Args, wrt: int) -> Answer:
        result = derivative(f, *args, wrt=wrt, method=method, full_output=True)
        return Answer(result.df, result.error, result.success, result.nfev)

    name = repr(method)
    word, _, rest = name.partition("(")
    order = rest.partition("order=")[2].partition(",")[0].strip(")")
    label = f"{SHORT.get(word, word)} {order}".strip()
    stencil = method if isinstance(method, Stencil) else None
    return Method(name, label, run, None if isinstance(method, ComplexStep) else estimate, stencil=stencil)


def standard_methods() -> tuple[Method, ...]:
    """Return every rule of `derivative`, central differences of higher order, and every library installed."""
    rules = [rule for word, rule in METHODS.items() if word not in ("complex", "adaptive")]
    rules += [central(4), central(6), METHODS["complex"], METHODS["adaptive"]]  # the last beside its peers
    return (*map(method_of, rules), *(PEERS[word] for word in INSTALLED))


def judged_methods() -> tuple[Method, ...]:
    """Return the methods for the corpus: the default, a fixed step, and every library that calls functions."""
    return (method_of("adaptive"), method_of("central"), *(PEERS[w] for w in INSTALLED if not PEERS[w].traced))


def chosen_methods(methods: Iterable[Any] | None) -> tuple[Method, ...] | None:
    """Return the methods of what a caller passes as `methods`, without repetition; None for None."""
    if methods is None:
        return None
    if isinstance(methods, (str, Method)) or not np.iterable(methods):
        methods = (methods,)
    chosen = {method.name: method for method in map(method_of, methods)}
    if not chosen:
        raise ValueError("`methods` must name at least one rule; got none. Leave it out to compare them all.")
    return tuple(chosen.values())
