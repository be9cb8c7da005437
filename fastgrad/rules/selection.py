"""Rules by value or by name, as the argument `method` has them."""

from __future__ import annotations

from collections.abc import Iterable

from ..adaptive_rule import Adaptive, adaptive
from .complexstep import ComplexStep, complex_step
from .stencils import Stencil, backward, central, forward

Rule = Stencil | Adaptive | ComplexStep

#: What `method` may be.
Method = str | Rule

#: Names of rules for `method`.
METHODS: dict[str, Rule] = {
    "adaptive": adaptive(),
    "forward": forward(),
    "backward": backward(),
    "central": central(),
    "complex": complex_step(),
}


def as_rule(method: object, name: str = "method", others: Iterable[str] = ()) -> Rule:
    """Return the rule of a value or a word; messages call it `name`, and list the `others` that the caller takes."""
    rule: object = METHODS.get(method) if isinstance(method, str) else method
    if isinstance(rule, (Stencil, Adaptive, ComplexStep)):
        return rule
    for make in (adaptive, backward, central, complex_step, forward):
        if method is make:
            word = make.__name__
            raise TypeError(f"`{name}` must be a rule; got the function {word}. Call it: {word}().")
    words = ", ".join(map(repr, (*METHODS, *others)))
    raise (ValueError if isinstance(method, str) else TypeError)(
        f"`{name}` must be one of {words} or a rule; got {method!r:.80}. "
        "Leave it out, or pass a rule such as fastgrad.central(order=4)."
    )


def refuse_options(rule: Rule, step: object, full_output: bool) -> None:
    """Raise for options that the complex step does not have: a step and an error bound."""
    if isinstance(rule, ComplexStep) and (step is not None or full_output):
        raise ValueError(
            "`step` and `full_output` must be left out with the complex step: it has no step to choose and no error "
            'bound; got one of them. Use method="adaptive".'
        )
