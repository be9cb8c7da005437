"""The arguments of a call inside compiled code, read from their types: rules, functions, constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba.core import types
from numba.core.datamodel.models import OpaqueModel
from numba.core.errors import TypingError
from numba.core.imputils import lower_constant
from numba.extending import NativeValue, overload, register_model, typeof_impl, unbox

from .._typing import Function
from ..adaptive_rule import Adaptive
from ..compilation.pipeline import function_from
from ..rules.complexstep import ComplexStep
from ..rules.selection import METHODS, Rule
from ..rules.stencils import Stencil, backward, central, forward

#: An argument of a call: Numba's type of it, or the default itself.
Given = types.Type | str | float | None


class RuleType(types.Opaque):
    """Numba's type of a rule: each rule is a type of its own, so that its weights are constants."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        super().__init__(name=f"fastgrad {rule!r}")


def _register() -> None:
    """Tell Numba about rules, as constants and as arguments; they hold nothing at run time."""
    register_model(RuleType)(OpaqueModel)
    for kind in (Stencil, Adaptive, ComplexStep):
        typeof_impl.register(kind)(lambda rule, context: RuleType(rule))
    lower_constant(RuleType)(lambda context, builder, kind, value: context.get_dummy_value())
    unbox(RuleType)(lambda kind, value, c: NativeValue(c.context.get_dummy_value()))


_register()


def _written_out(make: Callable[..., Stencil]) -> None:
    """Let compiled code write out a stencil, ``fg.central(order=4)``: it is made when the code is compiled."""

    @overload(make, strict=False, prefer_literal=True)
    def written(*args: types.Type, **named: types.Type) -> Function:
        rule = make(*(constant(a, "order") for a in args), **{name: constant(a, name) for name, a in named.items()})
        impl: Function = function_from("def impl(order=None, n=None):\n    return RULE\n", "impl", {"RULE": rule})
        return impl


for _make in (forward, backward, central):
    _written_out(_make)


def function_of(f: types.Type, name: str) -> Any:
    """Return the Python object behind a function's type."""
    if isinstance(f, types.Dispatcher):
        return f.dispatcher
    if isinstance(f, types.Function) and callable(f.typing_key):
        return f.typing_key
    raise TypingError(
        f"`f` must be compiled by numba.njit, and known when the function that calls `{name}` is compiled; got {f}. "
        "Decorate it with @numba.njit."
    )


def rule_of(method: Given, name: str) -> Rule:
    """Return the rule that `method` stands for."""
    if isinstance(method, RuleType):
        return method.rule
    word = getattr(method, "literal_value", method)
    if word in METHODS:
        return METHODS[word]
    words = ", ".join(map(repr, METHODS))
    raise TypingError(
        f"`method` must be one of {words}, written out, or a rule where `{name}` is called inside compiled "
        f'code; got {method}. Pass, say, method="central".'
    )


def constant(value: Given, name: str) -> Any:
    """Return the value of an argument that must be known when the caller is compiled."""
    value = value.value if isinstance(value, types.Omitted) else value
    if isinstance(value, types.Literal):
        return value.literal_value
    if isinstance(value, (int, str)):
        return value
    raise TypingError(f"`{name}` must be written out inside compiled code; got {value}. Pass a number.")


def _missing(value: Given) -> bool:
    """Tell whether an argument was left out, or None was passed."""
    return value is None or isinstance(value, types.NoneType) or getattr(value, "value", 0) is None


def refuse(options: dict[str, tuple[Given, object]], name: str) -> None:
    """Raise for options that compiled code does not have."""
    for option, (value, default) in options.items():
        if not _missing(value) and getattr(value, "literal_value", value) is not default:
            raise TypingError(
                f"`{option}` must be left out where `{name}` is called inside compiled code; got {value}. "
                "Call it from Python."
            )


SCALARS = (types.Float, types.Integer, types.Boolean)


def narrow(kinds: Sequence[types.Type]) -> str:
    """Name the type that results of arguments of these types are turned into: float32 stays."""
    return "np.float32" if all(k == types.float32 for k in kinds) else ""


def step_of(step: Given, rel_step: Given) -> tuple[str, str]:
    """Mode of the step, and the name of the argument that gives it."""
    if _missing(step) and _missing(rel_step):
        return "auto", ""
    if not _missing(step) and not _missing(rel_step):
        raise TypingError("`step` and `rel_step` exclude each other; got both. Leave one out.")
    mode, name, value = ("absolute", "step", step) if _missing(rel_step) else ("relative", "rel_step", rel_step)
    if not isinstance(value, (*SCALARS, int, float)):
        raise TypingError(f"`{name}` must be a number inside compiled code; got {value}. Pass, say, 1e-5.")
    return mode, name


def checked_step(name: str) -> list[str]:
    """Write the lines that check a step where the code runs."""
    return [
        f"size = np.float64({name})",
        "if not (size > 0.0 and size < np.inf):\n"
        f"        raise ValueError('`{name}` must be positive and finite. Leave it out to have it chosen.')",
    ]
