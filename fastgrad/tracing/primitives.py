"""The table of primitives: what programs of values are made of, and the names of NumPy, SciPy and math for each.

A row has a value formula in two forms: an instruction or a function for machine code, or an expansion into simpler
primitives; and NumPy's function, for constants and single points. The partial derivatives are in
`circuits.derivatives`, under the same names. Functions of `elementary` have a row without being listed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import elementary

#: What formulas compute with and return: a node or a number, or arrays where no operand is a node.
Term = Any
Formula = Callable[..., Term]


@dataclass(frozen=True, eq=False)
class Primitive:
    """A primitive of a program; `name` is that in programs and drawings."""

    name: str
    #: The value by NumPy.
    evaluate: Formula | None = None
    #: The primitive in terms of simpler ones, for the compiler.
    expand: Formula | None = None
    #: LLVM's instruction, for comparisons followed by the sign.
    instruction: str = ""
    #: What Numba compiles where there is no instruction.
    function: Callable[..., object] | None = None
    #: How people write it, with a brace for each operand; empty for ``name(...)``.
    symbol: str = ""
    #: Whether its values are true and false.
    is_condition: bool = False
    #: Whether its two operands may be exchanged.
    commutes: bool = False
    #: Cost to the compiler, in operations of arithmetic.
    cost: int = 1
    #: Digest of a caller's formula; empty for others.
    key: bytes = b""


def apply(name: str, *operands: Term) -> Term:
    """Apply the primitive of a name to nodes and numbers; to arrays by NumPy, where no operand is a node."""
    for operand in operands:
        if hasattr(operand, "graph"):
            return operand.graph.apply(name, *operands)
    evaluate = PRIMITIVES[name].evaluate
    assert evaluate is not None
    return evaluate(*operands)


def select(condition: Term, yes: Term, no: Term) -> Term:
    """Take `yes` where the condition holds, else `no`; nothing of the other branch gets through."""
    if isinstance(condition, (bool, float)):
        return yes if condition else no
    return apply("where", condition, yes, no)


def through_ufunc(name: str, *operands: Term) -> Term:
    """Apply what stands for a function of NumPy, SciPy or math; `NotImplemented` if there is nothing."""
    if name in _EXPRESSIONS:
        return _EXPRESSIONS[name](*operands)
    name = _ALIASES.get(name, name)
    return apply(name, *operands) if name in PRIMITIVES else NotImplemented


# How rows are made --------------------------------------------------------------------------------------------------


def _operator(
    symbol: str, ufunc: np.ufunc, instruction: str, *, is_condition: bool = False, commutes: bool = False
) -> Primitive:
    """Make a row of an operator that is one instruction."""
    return Primitive(
        ufunc.__name__, ufunc, instruction=instruction, symbol=symbol, is_condition=is_condition, commutes=commutes
    )


def _comparison(sign: str, ufunc: np.ufunc, instruction: str = "fcmp_ordered", commutes: bool = False) -> Primitive:
    return _operator(f"{{}} {sign} {{}}", ufunc, f"{instruction} {sign}", is_condition=True, commutes=commutes)


def _function(name: str, evaluate: Formula, function: Callable[..., object]) -> Primitive:
    """Make a row of a function that Numba compiles."""
    return Primitive(name, evaluate, function=function, cost=10)


def _formula(name: str, expand: Formula) -> Primitive:
    """Make a row of a formula that nodes and NumPy's arrays compute alike."""
    return Primitive(name, lambda *x: expand(*map(np.asarray, x)), expand)


def _of_kernel(kernel: elementary.Kernel) -> Primitive:
    """Make the row of a function of `elementary`."""
    original = getattr(kernel.original, "py_func", kernel.original)
    evaluate = original if isinstance(original, np.ufunc) else np.vectorize(original, otypes=[np.float64])
    return _function(kernel.__name__, evaluate, kernel)


# Expansions ---------------------------------------------------------------------------------------------------------


def _power(x: Term, y: Term) -> Term:
    """Multiply whole powers out; leave the others to the kernel."""
    if not (y.name == "constant" and abs(y.value) <= 8 and y.value == int(y.value)):
        return apply("sqrt", x) if y.name == "constant" and y.value == 0.5 else apply("general_power", x, y)
    n, square, product = abs(int(y.value)), x, None
    while n:
        if n & 1:
            product = square if product is None else product * square
        n >>= 1
        square = square * square if n else square
    if product is None:
        return 1.0
    return product if y.value > 0 else 1.0 / product


def _sigmoid(x: Term) -> Term:
    small = apply("exp", -abs(x))
    upper = 1.0 / (1.0 + small)
    return select(x >= 0.0, upper, small * upper)


def _sigmoid_slope(x: Term) -> Term:
    """Slope of the logistic function, from ``exp(-abs(x))``, which never overflows."""
    small = apply("exp", -abs(x))
    upper = 1.0 / (1.0 + small)
    return small * upper * upper


def _tanh_slope(x: Term) -> Term:
    """Slope of `tanh`: near 0 its square is small, elsewhere the exponential is; within 3 ulp."""
    value, small = apply("tanh", x), apply("exp", -2.0 * abs(x))
    whole = 1.0 + small
    return select(abs(value) < 0.5, 1.0 - value * value, 4.0 * small / (whole * whole))


def _sinc(x: Term) -> Term:
    angle = math.pi * x
    return select(x == 0.0, 1.0, apply("sin", angle) / angle)


def _times(x: Term, y: Term, factor: Term) -> Term:
    """``x * factor``, a function of `y`; 0 for ``x = 0``, whatever the factor is."""
    return select(x == 0.0, select(y == y, 0.0, y), x * factor)


_LN_2, _ROOT_HALF = math.log(2.0), math.sqrt(0.5)

# The table ----------------------------------------------------------------------------------------------------------

_ROWS = (
    Primitive("input"),
    Primitive("constant"),
    _operator("{} + {}", np.add, "fadd", commutes=True),
    _operator("{} - {}", np.subtract, "fsub"),
    _operator("{} * {}", np.multiply, "fmul", commutes=True),
    _operator("{} / {}", np.divide, "fdiv"),
    _operator("-{}", np.negative, "fneg"),
    Primitive("remainder", np.remainder, function=operator.mod, symbol="{} % {}"),
    Primitive("absolute", np.absolute, function=abs, symbol="|{}|"),
    _function("fmod", np.fmod, np.fmod),
    _function("copysign", np.copysign, np.copysign),
    *(_function(ufunc.__name__, ufunc, ufunc) for ufunc in (np.floor, np.ceil, np.rint, np.trunc)),
    Primitive("square", np.square, lambda x: x * x),
    Primitive("reciprocal", np.reciprocal, lambda x: 1.0 / x),
    Primitive("power", np.power, _power, symbol="{} ** {}"),
    Primitive("general_power", np.power, function=elementary.power, symbol="{} ** {}", cost=10),
    # Functions
    *(_of_kernel(kernel) for kernel in elementary.KERNELS.values()
      if kernel.__name__ not in ("power", "sigmoid", "heaviside", "where", "clip", "sinc")),
    Primitive("logaddexp2", np.logaddexp2, lambda x, y: apply("logaddexp", _LN_2 * x, _LN_2 * y) / _LN_2),
    _formula("sigmoid", _sigmoid),
    _formula("sigmoid'", _sigmoid_slope),
    _formula("tanh'", _tanh_slope),
    _formula("softplus", lambda x: select(x > 0.0, x, 0.0) + apply("log1p", apply("exp", -abs(x)))),
    _formula("ndtr", lambda x: 0.5 * apply("erfc", -_ROOT_HALF * x)),
    # Removable singularities: the value there is a case of its own, the slope is not that of a constant
    Primitive("sinc", np.sinc, _sinc),
    _formula("xlogy", lambda x, y: _times(x, y, apply("log", y))),
    _formula("xlog1py", lambda x, y: _times(x, y, apply("log1p", y))),
    _formula("entr", lambda x: select(x == 0.0, 0.0, -x * apply("log", x))),
    _formula("rel_entr", lambda x, y: _times(x, y, apply("log", x / y))),
    _formula("kl_div", lambda x, y: select(x == 0.0, y, x * apply("log", x / y) - x + y)),
    # share of the first in the sum: 1 where the first is infinite
    _formula("share", lambda x, y: select(abs(x) == math.inf, 1.0, x * (1.0 / (x + y)))),
    # Kinks and jumps
    Primitive("maximum", np.maximum, lambda x, y: select(x >= y, x, select(x < y, y, x + y))),
    Primitive("minimum", np.minimum, lambda x, y: select(x <= y, x, select(x > y, y, x + y))),
    Primitive("fmax", np.fmax, lambda x, y: select((x >= y) | (y != y), x, y)),
    Primitive("fmin", np.fmin, lambda x, y: select((x <= y) | (y != y), x, y)),
    _formula("relu", lambda x: select((x > 0.0) | (x != x), x, 0.0)),
    Primitive("sign", np.sign, lambda x: select(x > 0.0, 1.0, select(x < 0.0, -1.0, x))),
    Primitive("heaviside", np.heaviside,
              lambda x, y: select(x > 0.0, 1.0, select(x < 0.0, 0.0, select(x == 0.0, y, x)))),
    # Conditions
    _comparison("<", np.less),
    _comparison("<=", np.less_equal),
    _comparison(">", np.greater),
    _comparison(">=", np.greater_equal),
    _comparison("==", np.equal, commutes=True),
    _comparison("!=", np.not_equal, "fcmp_unordered", commutes=True),
    _operator("{} and {}", np.logical_and, "and_", is_condition=True, commutes=True),
    _operator("{} or {}", np.logical_or, "or_", is_condition=True, commutes=True),
    _operator("not {}", np.logical_not, "not_", is_condition=True),
    Primitive("logical_xor", np.logical_xor, lambda x, y: (x | y) & ~(x & y), is_condition=True),
    Primitive("where", np.where, instruction="select"),
)  # fmt: skip
PRIMITIVES: dict[str, Primitive] = {row.name: row for row in _ROWS}

#: Other names of primitives in NumPy, SciPy and math.
_ALIASES = {"true_divide": "divide", "fabs": "absolute", "mod": "remainder"}
for _kernel in elementary.KERNELS.values():
    _ALIASES.update(dict.fromkeys([_kernel.scipy, *(f.__name__ for f in _kernel.originals)], _kernel.__name__))

#: Functions of NumPy, SciPy and math that are expressions of primitives.
_EXPRESSIONS: dict[str, Formula] = {
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "deg2rad": lambda x: x * (math.pi / 180.0),
    "radians": lambda x: x * (math.pi / 180.0),
    "rad2deg": lambda x: x * (180.0 / math.pi),
    "degrees": lambda x: x * (180.0 / math.pi),
    "floor_divide": lambda x, y: apply("floor", x / y),
    "isnan": lambda x: x != x,
    "isinf": lambda x: abs(x) == math.inf,
    "isfinite": lambda x: abs(x) < math.inf,
    "signbit": lambda x: apply("copysign", 1.0, x) < 0.0,
    "bitwise_and": lambda x, y: apply("logical_and", x, y),
    "bitwise_or": lambda x, y: apply("logical_or", x, y),
    "bitwise_xor": lambda x, y: apply("logical_xor", x, y),
    "invert": lambda x: apply("logical_not", x),
    "clip": lambda x, low, high: apply("minimum", apply("maximum", x, low), high),
    "logit": lambda x: apply("log", x / (1.0 - x)),
    "log_expit": lambda x: -apply("softplus", -x),
}
