"""Mistakes that multiply: a sign, a constant, a power of an argument, a factor at some coordinates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._comparison import ALIKE, Comparison, coordinates, join

#: Factors that are often forgotten, and their names.
FACTORS: dict[str, float] = {
    **{str(k): float(k) for k in range(2, 13)}, "pi": math.pi, "2 pi": 2 * math.pi, "4 pi": 4 * math.pi,
    "sqrt(pi)": math.sqrt(math.pi), "sqrt(2 pi)": math.sqrt(2 * math.pi), "sqrt(2)": math.sqrt(2), "e": math.e,
    "log(2)": math.log(2), "log(10)": math.log(10), "180/pi, degrees for radians": 180 / math.pi,
    "100, percent": 100.0, "1000": 1000.0, "3/2": 1.5, "4/3": 4 / 3, "1e6": 1e6,
}  # fmt: skip

#: Integers up to here are named as such, or as one over them: a count that is missing, or one too much.
LARGEST = 10_000

#: Powers of an argument that may be missing, or too much.
POWERS = (1.0, 2.0, 3.0, 0.5, -1.0, -2.0, -3.0, -0.5)


def sign(c: Comparison) -> str | None:
    """Recognise a flipped sign, everywhere or where something is wrong."""
    if c.is_explained_by(-c.values):
        return "sign flipped"
    return "sign flipped where it is wrong" if c.is_mended_by(-c.values) else None


def factor(c: Comparison) -> str | None:
    """Recognise one factor, everywhere or where something is wrong."""
    here = c.gross & (c.values != 0)
    if not here.any() or (c.gross & ~here).any():
        return None
    value = _median((c.df / c.values)[here])
    if value is None or not c.is_mended_by(value * c.values):
        return None
    name = describe_factor(1 / value, c)
    if name is None and here.sum() < 2:
        return None
    place = "" if c.is_explained_by(value * c.values) else ", where it is wrong"
    return f"off by the factor {name or f'{1 / value:.7g}'} (analytic / numerical){place}"


def _median(ratios: Any) -> float | None:
    """Take the middle one, so that a few outliers do not count; None for 0, infinity and complex numbers."""
    if np.iscomplexobj(ratios) or not ratios.size:
        return None
    middle = float(np.sort(ratios)[ratios.size // 2])
    return middle if middle and math.isfinite(middle) else None


def describe_factor(value: float, c: Comparison) -> str | None:
    """Name a factor: counts of this batch, constants that are forgotten, arguments that are one number, integers."""
    problem, size = c.problem, abs(value)
    counts = {"the number of points": math.prod(problem.batch)}
    if problem.of != "derivative":
        counts["the number of coordinates"] = problem.args[0].shape[-1]
    if problem.of == "jacobian":
        counts["the number of components"] = c.values.shape[-2]
    minus = "-" if value < 0 else ""
    for what, count in counts.items():
        if count > 2 and abs(size / count - 1) < ALIKE:  # a factor of 2 is that, also where there are two points
            return f"{minus}{count}, {what}"
        if count > 2 and abs(size * count - 1) < ALIKE:
            return f"{minus}1/{count}, one over {what}"
    for name, constant in {**FACTORS, **_scalar_args(c)}.items():
        if abs(size / constant - 1) < ALIKE:
            return f"{minus}{name}"
        if abs(size * constant - 1) < ALIKE:
            number, comma, meaning = name.partition(",")
            return f"{minus}1/{number if number.isalnum() else f'({number})'}{comma}{meaning}"
    for candidate, form in ((size, "{}{}"), (1 / size, "{}1/{}")):
        if 1 < round(candidate) <= LARGEST and abs(candidate / round(candidate) - 1) < ALIKE:
            return form.format(minus, round(candidate))
    return None


def _scalar_args(c: Comparison) -> dict[str, float]:
    """Arguments that are one number, by their names: a scale is easily forgotten."""
    if c.problem.of != "derivative":
        return {}
    sizes = {name: abs(float(a)) for name, a in zip(c.names, c.problem.args, strict=True) if not np.ndim(a)}
    return {name: size for name, size in sizes.items() if 0 < size < math.inf and size != 1}


def power(c: Comparison) -> str | None:
    """Recognise a power of an argument as a factor: mostly an inner derivative of the chain rule."""
    here = c.gross & (c.values != 0)
    if here.sum() < 3 or np.iscomplexobj(c.values):
        return None
    for name, x in coordinates(c):
        for exponent in POWERS:
            lost = np.broadcast_to(np.asarray(x, np.float64) ** exponent, c.values.shape)
            value = _median((c.df / (c.values * lost))[here]) if np.ptp(lost[here]) else None
            if value is not None and c.is_explained_by(c.values * lost * value):
                size, constant = abs(exponent), value ** math.copysign(1, exponent)
                text = name if size == 1 else f"sqrt({name})" if size == 0.5 else f"{name}**{size:g}"
                times = "" if abs(constant - 1) < ALIKE else f"{describe_factor(constant, c) or f'{constant:.7g}'} * "
                return f"the factor {times}{text} is {'missing' if exponent > 0 else 'too much'}"
    return None


def factor_in_part(c: Comparison) -> str | None:
    """Recognise a sign or a known factor at some of the coordinates, where others are wrong in another way."""
    if np.iscomplexobj(c.values) or c.inner != 1 or math.prod(c.problem.batch) < 3:
        return None
    here = c.gross & (c.values != 0)
    named: dict[str, list[int]] = {}
    for k in np.flatnonzero(here.sum(axis=c.problem.point_axes) >= 3):
        ratios = (c.values / c.df)[..., k][here[..., k]]
        value = _median(ratios)
        if value is not None and (np.abs(ratios / value - 1) < ALIKE).all():
            name = "-1" if abs(value + 1) < ALIKE else describe_factor(value, c)
            if name is not None:
                named.setdefault(name, []).append(int(k))
    if not named:
        return None
    name, where = max(named.items(), key=lambda item: len(item[1]))
    return f"off by the factor {name} at coordinate{'s' * (len(where) > 1)} {join(where)}, and in other ways at others"
