"""How a derivative is wrong: mistakes that people make, each recognised by what would set the values right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._evidence import LIKE, Evidence, coordinates

#: Factors that derivatives are forgotten by, and what they are called.
FACTORS: dict[str, float] = {
    **{str(k): float(k) for k in range(2, 13)}, "pi": math.pi, "2 pi": 2 * math.pi, "4 pi": 4 * math.pi,
    "sqrt(pi)": math.sqrt(math.pi), "sqrt(2 pi)": math.sqrt(2 * math.pi), "sqrt(2)": math.sqrt(2), "e": math.e,
    "log(2)": math.log(2), "log(10)": math.log(10), "180/pi, degrees for radians": 180 / math.pi,
    "100, percent": 100.0, "1000": 1000.0, "3/2": 1.5, "4/3": 4 / 3, "1e6": 1e6,
}  # fmt: skip

#: Whole numbers up to here are named as such, or as one over them: a count that is missing, or one too much.
WHOLE = 10_000

#: What else makes differences that are small against the value, and what is small.
SLIGHT = 0.01
INEXACT = "`f` itself is inexact (a quadrature, a solver, a table) and this is the derivative of what it computes"


def _remembers(evidence: Evidence) -> str | None:
    """See what was right at the first call, with the points in another order, and is not any more."""
    first = evidence.told.first
    if first is None or not evidence.explained(first):
        return None
    return "right at a first call, wrong at a second with the points in another order: it remembers the first"


def _mixes(evidence: Evidence) -> str | None:
    """See values that another order of the points changes."""
    first, values = evidence.told.first, evidence.told.values
    if first is None or (np.abs(first - values) <= LIKE * np.abs(values))[np.isfinite(values)].all():
        return None
    return "the values change with the order of the points: it mixes points up, or remembers earlier calls"


def _sign(evidence: Evidence) -> str | None:
    values = evidence.told.values
    if evidence.explained(-values):
        return "sign flipped"
    return "sign flipped where it is wrong" if evidence.like(-values)[evidence.grossly].all() else None


def _transposed(evidence: Evidence) -> str | None:
    values = evidence.told.values
    if evidence.asked.of != "jacobian" or values.shape[-1] != values.shape[-2]:
        return None
    turned = np.swapaxes(values, -1, -2)
    if evidence.explained(turned):
        return "transposed"
    return "transposed, sign flipped" if evidence.explained(-turned) else None


def _swapped(evidence: Evidence) -> str | None:
    """See partial derivatives in another order, or arguments."""
    asked, values, names = evidence.asked, evidence.told.values, evidence.names
    axes: dict[str, int] = {}
    if asked.several:
        axes = {"the partials with respect to": 0}
    elif asked.of != "derivative":
        axes = {"coordinates": -1} if asked.of == "gradient" else {"rows": -2, "columns": -1}
    for what, axis in axes.items():
        marked = np.nonzero(np.moveaxis(evidence.disagrees, axis, 0).reshape(values.shape[axis], -1).any(axis=1))[0]
        if marked.size == 2:  # two that are exchanged are wrong, all others right
            order = np.arange(values.shape[axis])
            order[marked] = marked[::-1]
            if evidence.explained(np.take(values, order, axis)):
                told = [names[asked.wrt[k]] if asked.several else str(k) for k in marked]
                return f"{what} {told[0]} and {told[1]} are swapped"
    if asked.of != "derivative" or not callable(evidence.told.given):
        return None
    for i in range(len(asked.args)):
        for k in range(i):
            args = list(asked.args)
            args[i], args[k] = args[k], args[i]
            other = evidence.told.tried(args)
            if other is not None and evidence.explained(other):
                return f"right with {names[k]} and {names[i]} exchanged: swapped arguments"
    return None


def _moved(evidence: Evidence) -> str | None:
    """See the right values at the wrong places."""
    values, asked = evidence.told.values, evidence.asked
    axes = {"points": range(int(asked.several), int(asked.several) + len(asked.batch))}
    if asked.of != "derivative":
        axes["coordinates"] = range(len(asked.batch), values.ndim)
    for what, those in axes.items():
        for axis in those:
            if values.shape[axis] < 3:
                continue
            for by in (1, -1):
                if _all_but_one(evidence, np.roll(values, by, axis), axis):
                    return f"the {what} are shifted by one"
            if evidence.explained(np.flip(values, axis)):
                return f"the {what} are in reverse order"
    return None


def _all_but_one(evidence: Evidence, values: Any, axis: int) -> bool:
    """Whether `values` explain all, but perhaps for the one that a shift drops off the end."""
    good = np.moveaxis(evidence.like(values) | ~evidence.seen, axis, 0)
    return bool(good[1:].all() or good[:-1].all())


def _factor(evidence: Evidence) -> str | None:
    """See one factor everywhere, and name it."""
    here = evidence.grossly & (evidence.told.values != 0)
    if not here.any() or (evidence.grossly & ~here).any():
        return None
    ratios = (evidence.found.df / evidence.told.values)[here]
    factor = _median(ratios)
    if not factor or not math.isfinite(abs(factor)) or isinstance(factor, complex):
        return None
    everywhere = evidence.explained(factor * evidence.told.values)
    if not everywhere and not evidence.like(factor * evidence.told.values)[evidence.grossly].all():
        return None
    name = _named(1 / factor, evidence)
    if name is None and here.sum() < 2:
        return None
    place = "" if everywhere else ", where it is wrong"
    return f"off by the factor {name or f'{1 / factor:.7g}'} (analytic / numerical){place}"


def _median(ratios: Any) -> Any:
    """Take the middle one, so that a few odd ones do not count."""
    return None if np.iscomplexobj(ratios) else float(np.sort(ratios)[ratios.size // 2])


def _named(factor: float, evidence: Evidence) -> str | None:
    """Name a factor: counts of this batch, constants that are forgotten, arguments that are one number, wholes."""
    asked = evidence.asked
    counts = {"the number of points": math.prod(asked.batch)}
    if asked.of != "derivative":
        counts["the number of coordinates"] = asked.args[0].shape[-1]
        if asked.of == "jacobian":
            counts["the number of components"] = evidence.told.shape[-2]
    sign, size = "-" if factor < 0 else "", abs(factor)
    for what, count in counts.items():
        if count > 2 and abs(size / count - 1) < LIKE:  # twice too much is twice too much, whatever there are two of
            return f"{sign}{count}, {what}"
        if count > 2 and abs(size * count - 1) < LIKE:
            return f"{sign}1/{count}, one over {what}"
    known = {**FACTORS, **_numbers(evidence)}
    for name, value in known.items():
        if abs(size / value - 1) < LIKE:
            return f"{sign}{name}"
        if abs(size * value - 1) < LIKE:
            value_of, comma, meaning = name.partition(",")
            return f"{sign}1/{value_of if value_of.isalnum() else f'({value_of})'}{comma}{meaning}"
    for value, form in ((size, "{}{}"), (1 / size, "{}1/{}")):
        if 1 < round(value) <= WHOLE and abs(value / round(value) - 1) < LIKE:
            return form.format(sign, round(value))
    return None


def _numbers(evidence: Evidence) -> dict[str, float]:
    """Arguments that are one number, by their names: a scale is easily forgotten."""
    asked = evidence.asked
    if asked.of != "derivative":
        return {}
    sizes = {name: abs(float(a)) for name, a in zip(evidence.names, asked.args, strict=True) if not np.ndim(a)}
    return {name: size for name, size in sizes.items() if 0 < size < math.inf and size != 1}


def _power(evidence: Evidence) -> str | None:
    """See a power of an argument as a factor: mostly an inner derivative that the chain rule asks for."""
    values, here = evidence.told.values, evidence.grossly & (evidence.told.values != 0)
    if here.sum() < 3 or np.iscomplexobj(values):
        return None
    for name, x in coordinates(evidence):
        for power in (1.0, 2.0, 3.0, 0.5, -1.0, -2.0, -3.0, -0.5):
            lost = np.broadcast_to(x, values.shape).astype(np.float64) ** power
            factor = _median((evidence.found.df / (values * lost))[here])
            if factor is None or not math.isfinite(factor) or not factor or np.ptp(lost[here]) == 0:
                continue
            if evidence.explained(values * lost * factor):
                size = abs(power)
                by = name if size == 1 else f"sqrt({name})" if size == 0.5 else f"{name}**{size:g}"
                times = "" if abs(factor ** math.copysign(1, power) - 1) < LIKE else _times(factor, power, evidence)
                return f"the factor {times}{by} is {'missing' if power > 0 else 'too much'}"
    return None


def _times(factor: float, power: float, evidence: Evidence) -> str:
    factor = factor if power > 0 else 1 / factor
    return f"{_named(factor, evidence) or f'{factor:.7g}'} * "


def _offset(evidence: Evidence) -> str | None:
    here = evidence.grossly
    if here.sum() < 3 or np.iscomplexobj(evidence.told.values) or not evidence.told.values[here].any():
        return None
    shift = _median((evidence.told.values - evidence.found.df)[here])
    good = evidence.like(evidence.told.values - shift)
    if shift and math.isfinite(shift) and good[here].all():
        everywhere = evidence.explained(evidence.told.values - shift)
        way = "much" if shift > 0 else "little"
        return f"{abs(shift):.7g} too {way}{'' if everywhere else ', where it is wrong'}"
    return None


def _constant(evidence: Evidence) -> str | None:
    values = evidence.told.values[evidence.grossly]
    if values.size < 2 or (values != values.flat[0]).any():
        return None
    if values.flat[0] and np.ptp(evidence.found.df[evidence.grossly]) == 0:
        return None
    return f"the analytic value is {values.flat[0] + 0.0:.7g} wherever it is wrong"


def _one_by_one(evidence: Evidence) -> str | None:
    """See a function of one vector that makes something of a batch, but not what was meant."""
    if not evidence.asked.batch or evidence.asked.of == "derivative" or not callable(evidence.told.given):
        return None
    told = evidence.told.each_alone()
    if told is None or not evidence.explained(told):
        return None
    return "right when called with one vector at a time: it takes no batch, or mixes the points up"


def _single(evidence: Evidence) -> str | None:
    """See that seven digits are right: float32 somewhere."""
    values = evidence.told.values[evidence.wrong]
    if values.size > 1 and (values.astype(np.complex64 if np.iscomplexobj(values) else np.float32) == values).all():
        return "the analytic values are float32 numbers: truncated on the way"
    off = evidence.judged.off[evidence.wrong] / np.abs(evidence.found.df[evidence.wrong])
    if values.size > 2 and 2.0**-28 < np.median(off) < 2.0**-21 and _ragged(evidence):
        digits = f"{-math.log10(np.median(off)):.0f}"
        return f"right to some {digits} digits: float32 somewhere in the analytic function, or {INEXACT}"
    return None


def _ragged(evidence: Evidence) -> bool:
    """Whether the errors are of either sign: rounding, and no factor."""
    off = ((evidence.told.values - evidence.found.df) / evidence.found.df)[evidence.wrong].real
    return bool(0.2 < np.mean(off > 0) < 0.8)


def _slightly(evidence: Evidence) -> str | None:
    off = (evidence.judged.off / np.abs(evidence.found.df))[evidence.wrong]
    if not off.max() < SLIGHT:
        return None
    said = f"off by {off.max():.1e} of the value or less"
    return f"{said}: a rounded constant, or {INEXACT}" if 2 * off.size > evidence.seen.sum() else said


#: The first that says something is heard.
HOW = (
    _remembers, _sign, _transposed, _swapped, _factor, _power, _offset, _moved, _one_by_one, _constant, _slightly,
    _mixes,
)  # fmt: skip
FINE = (_single, _slightly)
