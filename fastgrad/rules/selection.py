"""Rules by value or by name, as the argument `method` has them."""

from __future__ import annotations

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


def as_rule(method: object) -> Rule:
    """Return the rule of a value or a name."""
    rule: object = METHODS.get(method) if isinstance(method, str) else method
    if isinstance(rule, (Stencil, Adaptive, ComplexStep)):
        return rule
    words = ", ".join(map(repr, METHODS))
    if isinstance(method, str):
        raise ValueError(f"`method` must be one of {words} or a rule; got {method!r}. See fg.central.")
    for make in (adaptive, backward, central, complex_step, forward):
        if method is make:
            name = make.__name__
            raise TypeError(f"`method` must be a rule; got the function {name}. Call it: {name}().")
    raise TypeError(f"`method` must be one of {words} or a rule; got {method!r:.80}. See fg.central.")


def refuse_options(rule: Rule, step: object, full_output: bool) -> None:
    """Raise for options that the complex step does not have: a step and an error bound."""
    if isinstance(rule, ComplexStep) and (step is not None or full_output):
        raise ValueError(
            "`step` and `full_output` must be left out with the complex step: it has no step to choose and no error "
            'bound; got one of them. Use method="adaptive".'
        )
