"""Random Python functions of one number, and their exact derivatives by dual numbers run through the same source."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

LOOKUP = (0.5, -1.25, 2.0, 0.75)
TABLE = np.array([1.5, -0.5, 0.25])


class Dual:
    """A value and its derivative; comparisons and conversions look at the value."""

    def __init__(self, value: float, slope: float = 0.0) -> None:
        self.value, self.slope = float(value), float(slope)

    def __add__(self, other: Any) -> Dual:
        o = dual(other)
        return Dual(self.value + o.value, self.slope + o.slope)

    def __mul__(self, other: Any) -> Dual:
        o = dual(other)
        return Dual(self.value * o.value, self.slope * o.value + self.value * o.slope)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + -dual(other)

    def __rsub__(self, other: Any) -> Dual:
        return dual(other) - self

    def __truediv__(self, other: Any) -> Dual:
        o = dual(other)
        quotient = self.value / o.value
        return Dual(quotient, (self.slope - quotient * o.slope) / o.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return dual(other) / self

    def __floordiv__(self, other: Any) -> Dual:
        return Dual(self.value // dual(other).value)

    def __mod__(self, other: Any) -> Dual:
        o = dual(other)
        return Dual(self.value % o.value, self.slope - (self.value // o.value) * o.slope)

    def __pow__(self, n: int) -> Dual:
        return Dual(self.value**n, n * self.value ** (n - 1) * self.slope)

    def __abs__(self) -> Dual:
        return self if self.value >= 0 else -self

    def __lt__(self, other: Any) -> bool:
        return self.value < dual(other).value

    def __gt__(self, other: Any) -> bool:
        return self.value > dual(other).value

    def __int__(self) -> int:
        return int(self.value)

    __radd__, __rmul__ = __add__, __mul__


def dual(value: Any) -> Dual:
    return value if isinstance(value, Dual) else Dual(value)


def lifted(f: Callable[[float], float], df: Callable[[float], float]) -> Callable[[Any], Dual]:
    """Return `f` for dual numbers."""
    return lambda x: Dual(f(dual(x).value), df(dual(x).value) * dual(x).slope)


class Functions:
    """Functions of `math` and NumPy by their names, for dual numbers."""

    sin, cos = staticmethod(lifted(math.sin, math.cos)), staticmethod(lifted(math.cos, lambda v: -math.sin(v)))
    tanh = staticmethod(lifted(math.tanh, lambda v: 1 - math.tanh(v) ** 2))
    exp, log1p = staticmethod(lifted(math.exp, math.exp)), staticmethod(lifted(math.log1p, lambda v: 1 / (1 + v)))
    sqrt = staticmethod(lifted(math.sqrt, lambda v: 0.5 / math.sqrt(v)))
    atan = arctan = staticmethod(lifted(math.atan, lambda v: 1 / (1 + v * v)))
    floor, ceil = (staticmethod(lifted(g, lambda v: 0.0)) for g in (math.floor, math.ceil))
    maximum = staticmethod(lambda a, b: dual(a) if dual(a).value >= dual(b).value else dual(b))
    minimum = staticmethod(lambda a, b: dual(a) if dual(a).value <= dual(b).value else dual(b))


HELPERS = """
def blend(a, b):
    if a > b:
        return a - 0.5 * b
    return a * 0.25 + b

def both(a):
    return a * 0.5, 1.0 - a
"""


class Writer:
    """Writes one random function from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.names = ["x"]

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def number(self) -> str:
        return f"{self.random.uniform(-2, 2):.3f}"

    def expression(self, depth: int) -> str:
        if depth == 0:
            captured = (f"LOOKUP[{self.random.integers(4)}]", f"TABLE[{self.random.integers(3)}]", "scale")
            return self.pick(self.number(), *self.names, *self.names, self.pick(*captured))
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        return self.pick(
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / (1.5 + {b} * {b}))", f"math.sin({a})",
            f"np.cos({a})", f"math.tanh({a})", f"np.exp(-abs({a}))", f"math.log1p({a} * {a})",
            f"np.sqrt(0.5 + {a} * {a})",
            f"math.atan({a})", f"abs({a})", f"np.maximum({a}, {b})", f"np.minimum({a}, {b})", f"blend({a}, {b})",
            f"({a}) ** {self.random.integers(2, 4)}", f"({a} % 1.75)", f"({a} // 1.25)", f"int({a})",
            f"math.floor({a})",
        )  # fmt: skip

    def source(self) -> str:
        lines = ["def f(x):"]
        for k in range(int(self.random.integers(1, 4))):
            name = f"v{k}"
            lines += self.pick(self.assignment, self.branch, self.loop, self.unpacking)(name)
            self.names.append(name)
        return "\n".join([*lines, f"    return {self.expression(2)} + 0.0 * x"])

    def assignment(self, name: str) -> list[str]:
        return [f"    {name} = {self.expression(2)}"]

    def branch(self, name: str) -> list[str]:
        return [f"    if {self.expression(1)} > {self.number()}:", f"        {name} = {self.expression(1)} + 0.0 * x",
                "    else:", f"        {name} = {self.expression(1)} + 0.0 * x"]  # fmt: skip

    def loop(self, name: str) -> list[str]:
        return [f"    {name} = 0.0 * x", f"    for k in range({self.random.integers(2, 5)}):",
                f"        {name} = 0.5 * {name} + {self.expression(1)} * (0.25 * k)"]  # fmt: skip

    def unpacking(self, name: str) -> list[str]:
        return [f"    {name}, w = both({self.expression(1)})", f"    {name} = {name} - 0.5 * w"]


def compiled_source(source: str, scale: float, dual_numbers: bool) -> Callable[[Any], Any]:
    """Run the source of a function and of its helpers with `math` and NumPy, or with their dual counterparts."""
    scope: dict[str, Any] = {"LOOKUP": LOOKUP, "TABLE": TABLE, "scale": scale, "math": math, "np": np}
    if dual_numbers:
        scope |= {"math": Functions, "np": Functions, "TABLE": TABLE.tolist()}
    exec(compile(HELPERS + source, "<random function>", "exec"), scope)
    function: Callable[[Any], Any] = scope["f"]
    return function


def random_function(seed: int) -> tuple[str, Callable[[Any], Any], Callable[[float], Dual]]:
    """Return a source, the function, and the function of dual numbers."""
    source = Writer(seed).source()
    return source, compiled_source(source, 0.3 + seed % 7, False), compiled_source(source, 0.3 + seed % 7, True)
