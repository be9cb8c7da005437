"""The result of a check: verdicts with the two derivatives beside them, as text and as plain values for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._typing import Argument, Array, FloatArray
from ._problem import AxisLabels
from ._verdicts import Verdict

#: An entry of a derivative.
Scalar = np.float64 | np.complex128


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """Result of `check`: true when something could be decided and nothing disagrees. Its `repr` is a table.

    It pickles, and ``to_dict()`` is for JSON.

    Attributes
    ----------
    verdict : ndarray of int8
        A `Verdict` for every entry.
    analytic, numerical : ndarray of float64 or complex128
        The two derivatives that were compared, of one shape: that of ``fg.derivative`` and so on, with an axis for
        `wrt` in front when that was a tuple.
    error : ndarray of float64
        Error bound of the numerical derivative, in the same units.
    excess : ndarray of float64
        How far the two are apart, in units of what bound and rounding allow: above 1 they differ.
    patterns : tuple of str
        What the mistakes have in common: at most one kind of mistake and one place, in words for people, which may
        change from version to version. Empty if nothing is wrong, or if no pattern fits.
    of, title : str
        What was checked, and the names of the two functions.
    args, wrt, names : tuple
        The points, the arguments that were differentiated in, and the names of all arguments.
    labels : tuple
        For each axis of the entries the labels of xarray or pandas, or None; empty without any.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> result = fg.check(np.sin, lambda x: 1.001 * np.cos(x), np.linspace(-1, 1, 9))
    >>> bool(result), result.counts["DISAGREES"], float(abs(result.analytic / result.numerical - 1.001).max()) < 1e-12
    (False, 9, True)
    """

    verdict: NDArray[np.int8]
    analytic: Array
    numerical: Array
    error: FloatArray
    excess: FloatArray
    patterns: tuple[str, ...]
    of: str
    title: str
    args: tuple[Argument, ...] = ()
    wrt: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ()
    labels: AxisLabels = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many entries got which verdict, by the verdict's name."""
        return {v.name: int(np.count_nonzero(self.verdict == v)) for v in Verdict}

    @property
    def decided(self) -> bool:
        """Whether anything could be decided: an entry with a derivative agrees or disagrees, or most are kinks."""
        counts = self.counts
        agrees = (self.verdict == Verdict.AGREES) & np.isfinite(self.numerical)
        return bool(agrees.any()) or counts["DISAGREES"] > 0 or counts["KINK"] > counts["UNDECIDED"]

    def __bool__(self) -> bool:
        """Tell whether something could be decided, and nothing disagrees."""
        return self.decided and not np.any(self.verdict == Verdict.DISAGREES)

    def raise_if_wrong(self) -> Self:
        """Return the check; raise an AssertionError with the whole table if it is not true.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> fg.check(np.sin, np.cos, [0.5, 1.0]).raise_if_wrong().counts["AGREES"]
        2
        >>> fg.check(np.sin, lambda x: -np.cos(x), [0.5]).raise_if_wrong()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        AssertionError: Check of the derivative, <lambda> against sin: 1 of 1 entry disagrees
        ...
        """
        if not self:
            raise AssertionError(repr(self))
        return self

    def __repr__(self) -> str:
        """Print counts, patterns and a table of the worst entries."""
        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return ``title``, ``of``, ``agrees``, ``decided``, ``counts``, ``patterns``, and ``worst``, ten entries.

        All are plain values for JSON: what is not finite becomes None, what is complex a pair.
        """
        return plain(self)


#: Entries shown: the worst when something disagrees, a few when nothing does.
WORST, FEW = 10, 3

#: Coordinates of a point that are shown.
COORDINATES = 3

HEADER = ("", "index", "label", "point", "analytic", "numerical", "bound", "ratio")

REMEDY = (
    "check at points where `f` is finite and neither saturated nor noisy; a check that decides nothing is not passed"
)


def text(check: Check) -> str:
    """Return counts, the worst entries and patterns, one a line."""
    counts, size = check.counts, check.verdict.size
    entries = f"{size:,} entr{'y' if size == 1 else 'ies'}"
    if counts["DISAGREES"]:
        head = f"{counts['DISAGREES']:,} of {entries} disagree{'s' if counts['DISAGREES'] == 1 else ''}"
    elif not check.decided:
        head = f"NOTHING COULD BE DECIDED: none of {entries} has a numerical derivative precise enough to tell"
        head += ", and the few kinks may be noise" * bool(counts["KINK"])
    else:
        head = f"nothing disagrees, {entries}"
    lines = [f"Check of the {check.of}, {check.title}: {head}"]
    lines.append("  " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    # the patterns last: of a long `repr` pytest shows the first and the last hundred characters
    notes = check.patterns if check.decided else (REMEDY,)
    return "\n".join([*lines, *_table(check), *(f"  * {note}" for note in notes)])


def worst(check: Check, count: int) -> list[tuple[int, ...]]:
    """Find the worst entries: what disagrees first, then what is undecided, by how far they are apart."""
    rank = np.array([0, 2, 1, 0])[check.verdict.ravel()]
    unknown = np.where(rank > 0, np.inf, 0.0)  # of NaN that is wrong; NaN where there is no derivative is right
    excess = np.where(np.isnan(check.excess.ravel()), unknown, check.excess.ravel())
    # a mistake that is large against the value counts before one that is only many bounds wide
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(check.analytic), np.abs(check.numerical)).ravel()
        relative = np.abs(check.analytic - check.numerical).ravel() / size
        relative = np.where(np.isnan(relative), unknown, relative)
    order = np.lexsort((-excess, -np.round(relative, 6), -rank))[:count]
    return [tuple(int(i) for i in np.unravel_index(k, check.verdict.shape)) for k in order]


def _table(check: Check) -> list[str]:
    shown = worst(check, min(WORST, check.counts["DISAGREES"]) or FEW)
    rows = [HEADER, *(_row(check, index) for index in shown)]
    if not check.labels:
        rows = [(*row[:2], *row[3:]) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    aligned = [str.ljust] * (len(widths) - 4) + [str.rjust] * 4
    return ["  " + "  ".join(to(c, w) for to, c, w in zip(aligned, row, widths, strict=True)) for row in rows]


def _row(check: Check, index: tuple[int, ...]) -> tuple[str, ...]:
    a, n = check.analytic[index], check.numerical[index]
    return (
        Verdict(check.verdict[index]).name, ", ".join(map(str, index)) or "-",
        ", ".join(filter(None, _label(check, index))), _point(check, index),
        _number(a, n), _number(n, a), f"{check.error[index]:.1e}", _ratio(a, n),
    )  # fmt: skip


def _label(check: Check, index: tuple[int, ...]) -> list[str | None]:
    """Labels of an entry, one for each of its axes."""
    return [None if axis is None else str(axis[k]) for axis, k in zip(check.labels, index, strict=False)]


def _ratio(analytic: Scalar, numerical: Scalar) -> str:
    """Write how many times too large the analytic value is."""
    with np.errstate(all="ignore"):
        quotient = analytic / numerical
    if not np.isfinite(quotient):
        return "-"
    if abs(quotient - 1) < 1e-4 and quotient != 1:
        off = (analytic - numerical) / numerical
        return f"1{off:+.1e}" if not np.iscomplexobj(off) else f"1+-{abs(off):.1e}"
    return f"{quotient:.5g}"


def _number(value: Scalar, other: Scalar) -> str:
    """Print as many digits as it takes to see the difference, and no more."""
    digits = range(6, 17) if not np.iscomplexobj(value) else range(0)
    return next((f"{value:.{d}g}" for d in digits if f"{value:.{d}g}" != f"{other:.{d}g}"), f"{value:.6g}")


def _point(check: Check, index: tuple[int, ...]) -> str:
    """Print the point that an entry belongs to."""
    if check.of == "derivative":
        batch = np.broadcast_shapes(*map(np.shape, check.args))
        place = index[len(index) - len(batch) :]
        values = [float(np.broadcast_to(a, batch)[place]) for a in check.args]
        shown = ", ".join(f"{name}={v:.6g}" for name, v in zip(check.names, values, strict=True))
        return f"d/d{check.names[check.wrt[index[0]]]} at {shown}" if len(index) > len(batch) else shown
    x = check.args[0]
    vector = x[index[: x.ndim - 1]]
    shown = ", ".join(f"{float(v):.6g}" for v in vector[:COORDINATES])
    return f"[{shown}{', ...' if vector.size > COORDINATES else ''}]"


def plain(check: Check) -> dict[str, Any]:
    """Plain dictionaries, lists and numbers for JSON: the counts, the patterns, the worst entries."""

    def real(value: Scalar) -> float | list[object] | None:
        if np.iscomplexobj(value):
            return [real(value.real), real(value.imag)]
        return float(value) if np.isfinite(value) else None

    numbers = {name: getattr(check, name) for name in ("analytic", "numerical", "error", "excess")}
    entries = [
        {
            "verdict": Verdict(check.verdict[i]).name,
            "index": list(i),
            **({"label": _label(check, i)} if check.labels else {}),
            "point": _point(check, i),
            **{name: real(values[i]) for name, values in numbers.items()},
        }
        for i in worst(check, WORST)
    ]
    return {
        "title": check.title, "of": check.of, "agrees": bool(check), "decided": check.decided,
        "counts": check.counts, "patterns": list(check.patterns), "worst": entries,
    }  # fmt: skip
