"""Mistakes that multiply: a sign, a constant, a power of an argument, a weight for each coordinate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._comparison import ALIKE, Comparison, coordinates

#: Factors that are often forgotten, and their names.
FACTORS: dict[str, float] = {
    **{str(k): float(k) for k in range(2, 13)}, "pi": math.pi, "2 pi": 2 * math.pi, "4 pi": 4 * math.pi,
    "sqrt(pi)": math.sqrt(math.pi), "sqrt(2 pi)": math.sqrt(2 * math.pi), "sqrt(2)": math.sqrt(2), "e": math.e,
    "log(2)": math.log(2), "log(10)": math.log(10), "180/pi, degrees for radians": 180 / math.pi,
    "100, percent": 100.0, "1000": 1000.0, "3/2": 1.5, "4/3": 4 / 3, "1e6": 1e6,
}  # fmt: skip

#: Whole numbers up to here are named as such, or as one over them: a count that is missing, or one too much.
WHOLE = 10_000

#: Powers of an argument that may be missing, or too much.
POWERS = (1.0, 2.0, 3.0, 0.5, -1.0, -2.0, -3.0, -0.5)

#: So many different factors are listed.
LISTED = 3


def sign(c: Comparison) -> str | None:
    """Recognise a flipped sign, everywhere or where something is wrong."""
    if c.explains(-c.values):
        return "sign flipped"
    return "sign flipped where it is wrong" if c.mends(-c.values) else None


def factor(c: Comparison) -> str | None:
    """Recognise one factor, everywhere or where something is wrong."""
    here = c.gross & (c.values != 0)
    if not here.any() or (c.gross & ~here).any():
        return None
    value = _median((c.df / c.values)[here])
    if value is None or not c.mends(value * c.values):
        return None
    name = describe_factor(1 / value, c)
    if name is None and here.sum() < 2:
        return None
    place = "" if c.explains(value * c.values) else ", where it is wrong"
    return f"off by the factor {name or f'{1 / value:.7g}'} (analytic / numerical){place}"


def _median(ratios: Any) -> float | None:
    """Take the middle one, so that a few outliers do not count; None for 0, infinity and complex numbers."""
    if np.iscomplexobj(ratios) or not ratios.size:
        return None
    middle = float(np.sort(ratios)[ratios.size // 2])
    return middle if middle and math.isfinite(middle) else None


def describe_factor(value: float, c: Comparison) -> str | None:
    """Name a factor: counts of this batch, constants that are forgotten, arguments that are one number, wholes."""
    problem = c.problem
    counts = {"the number of points": math.prod(problem.batch)}
    if problem.of != "derivative":
        counts["the number of coordinates"] = problem.args[0].shape[-1]
        if problem.of == "jacobian":
            counts["the number of components"] = c.values.shape[-2]
    minus, size = "-" if value < 0 else "", abs(value)
    for what, count in counts.items():
        if count > 2 and abs(size / count - 1) < ALIKE:  # twice too much is twice too much, whatever there are two of
            return f"{minus}{count}, {what}"
        if count > 2 and abs(size * count - 1) < ALIKE:
            return f"{minus}1/{count}, one over {what}"
    for name, known in {**FACTORS, **_scalar_args(c)}.items():
        if abs(size / known - 1) < ALIKE:
            return f"{minus}{name}"
        if abs(size * known - 1) < ALIKE:
            number, comma, meaning = name.partition(",")
            return f"{minus}1/{number if number.isalnum() else f'({number})'}{comma}{meaning}"
    for whole, form in ((size, "{}{}"), (1 / size, "{}1/{}")):
        if 1 < round(whole) <= WHOLE and abs(whole / round(whole) - 1) < ALIKE:
            return form.format(minus, round(whole))
    return None


def _scalar_args(c: Comparison) -> dict[str, float]:
    """Arguments that are one number, by their names: a scale is easily forgotten."""
    if c.problem.of != "derivative":
        return {}
    sizes = {name: abs(float(a)) for name, a in zip(c.names, c.problem.args, strict=True) if not np.ndim(a)}
    return {name: size for name, size in sizes.items() if 0 < size < math.inf and size != 1}


def power(c: Comparison) -> str | None:
    """Recognise a power of an argument as a factor: mostly an inner derivative that the chain rule asks for."""
    here = c.gross & (c.values != 0)
    if here.sum() < 3 or np.iscomplexobj(c.values):
        return None
    for text, lost, exponent in _candidates(c):
        lost = np.broadcast_to(lost, c.values.shape).astype(np.float64)
        if np.ptp(lost[here]) == 0:
            continue
        value = _median((c.df / (c.values * lost))[here])
        if value is not None and c.explains(c.values * lost * value):
            times = "" if abs(value ** math.copysign(1, exponent) - 1) < ALIKE else _times(value, exponent, c)
            return f"the factor {times}{text} is {'missing' if exponent > 0 else 'too much'}"
    return None


def _candidates(c: Comparison) -> Iterator[tuple[str, Any, float]]:
    for name, x in coordinates(c):
        for exponent in POWERS:
            size = abs(exponent)
            text = name if size == 1 else f"sqrt({name})" if size == 0.5 else f"{name}**{size:g}"
            yield text, np.asarray(x, np.float64) ** exponent, exponent


def _times(value: float, exponent: float, c: Comparison) -> str:
    value = value if exponent > 0 else 1 / value
    return f"{describe_factor(value, c) or f'{value:.7g}'} * "


def weights(c: Comparison) -> str | None:
    """Recognise a factor of its own at each coordinate or argument, the same at all points."""
    axes = tuple(range(c.problem.stacked, c.problem.stacked + len(c.problem.batch)))
    if np.iscomplexobj(c.values) or not (c.inner or c.problem.stacked) or not axes:
        return None
    here = c.gross & (c.values != 0)
    if (here.sum(axis=axes) < 2)[c.gross.any(axis=axes)].any() or (c.gross & ~here).any():
        return None
    ratios = np.where(here, c.values / c.df, np.nan)
    middle = np.nanmedian(ratios, axis=axes, keepdims=True)
    if not (np.abs(ratios / middle - 1) < ALIKE)[here].all() or not np.isfinite(middle[~np.isnan(middle)]).all():
        return None
    known = np.unique(np.round(middle[np.isfinite(middle)], 6))
    return (
        f"off by a factor of its own for each coordinate, the same at all points: {_listed(known)}; weights or an axis"
    )


def factor_in_part(c: Comparison) -> str | None:
    """Recognise a sign or a known factor at some of the coordinates, where others are wrong in another way."""
    axes = tuple(range(c.problem.stacked, c.problem.stacked + len(c.problem.batch)))
    if np.iscomplexobj(c.values) or c.inner != 1 or math.prod(c.problem.batch) < 3:
        return None
    here = c.gross & (c.values != 0)
    known: dict[str, list[int]] = {}
    for k in np.flatnonzero(here.sum(axis=axes) >= 3):
        ratios = (c.values / c.df)[..., k][here[..., k]]
        value = _median(ratios)
        if value is not None and (np.abs(ratios / value - 1) < ALIKE).all():
            name = "-1" if abs(value + 1) < ALIKE else describe_factor(value, c)
            if name is not None:
                known.setdefault(name, []).append(int(k))
    if not known:
        return None
    name, where = max(known.items(), key=lambda item: len(item[1]))
    named = ", ".join(map(str, where[:LISTED])) + (", ..." if len(where) > LISTED else "")
    return f"off by the factor {name} at coordinate{'s' * (len(where) > 1)} {named}, and in other ways at others"


def few_factors(c: Comparison) -> str | None:
    """Recognise a few factors that occur again and again: another branch, or another constant."""
    here = c.gross & (c.df != 0)
    if np.iscomplexobj(c.values) or (c.gross & ~here).any() or here.sum() < 4:
        return None
    ratios = np.sort((c.values / c.df)[here])
    if not np.isfinite(ratios).all():
        return None
    starts = np.flatnonzero(np.diff(ratios, prepend=-np.inf) > ALIKE * np.abs(ratios))
    sizes = np.diff([*starts, ratios.size])
    if starts.size > LISTED or sizes.min() < 2:
        return None
    return f"off by the factors {_listed(ratios[starts])}: another branch, or a mask"


def _listed(numbers: Any) -> str:
    return ", ".join(f"{v:.6g}" for v in numbers[:LISTED]) + (", ..." if len(numbers) > LISTED else "")
