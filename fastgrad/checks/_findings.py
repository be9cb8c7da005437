"""What a check found, and how it reads: a table of the worst entries, and the same for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._verdicts import Verdict

#: Entries shown, when something disagrees and when nothing does.
_WORST, _FEW = 10, 3

#: Numbers of a point that are shown.
_NUMBERS = 3

_HEADER = ("", "index", "label", "point", "analytic", "numerical", "bar", "ratio")


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """What a check found, for an assertion: true when nothing disagrees, and a table of the worst when something does.

    Made by `check`. It pickles, and ``to_dict()`` is for JSON.

    Attributes
    ----------
    verdict : ndarray of int8
        A `Verdict` for every entry.
    analytic, numerical : ndarray of float64 or complex128
        The two derivatives that were compared, of one shape: that of ``fg.derivative`` and so on, with an axis for
        `wrt` in front when that was a tuple.
    error : ndarray of float64
        Error bar of the numerical derivative, in the same units.
    excess : ndarray of float64
        How far the two are apart, in units of what bar and rounding allow: above 1 they differ.
    patterns : tuple of str
        What the mistakes have in common: at most one way in which they are wrong and one place, in words for people,
        which may change from version to version. Empty, if nothing is wrong or nobody knows.
    of : str
        What was checked.
    title : str
        The names of the two functions.
    args : tuple
        The points.
    wrt : tuple of int
        The arguments that were differentiated in.
    names : tuple of str
        Names of the arguments.
    labels : tuple
        For each axis of the entries the labels that xarray or pandas have for it, or None; empty without any.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> found = fg.check(np.sin, lambda x: 1.001 * np.cos(x), np.linspace(-1, 1, 9))
    >>> bool(found), found.counts["DISAGREES"], float(abs(found.analytic / found.numerical - 1.001).max()) < 1e-12
    (False, 9, True)
    """

    verdict: Any
    analytic: Any
    numerical: Any
    error: Any
    excess: Any
    patterns: tuple[str, ...]
    of: str
    title: str
    args: tuple[Any, ...] = field(default=())
    wrt: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ()
    labels: tuple[Any, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many entries got which verdict, by the verdict's name."""
        return {v.name: int(np.count_nonzero(self.verdict == v)) for v in Verdict}

    @property
    def decided(self) -> bool:
        """Whether anything could be decided at all: noise shows a kink here and there, and nothing else."""
        counts = self.counts
        return counts["AGREES"] + counts["DISAGREES"] > 0 or counts["KINK"] > counts["UNDECIDED"]

    def __bool__(self) -> bool:
        """Tell whether nothing disagrees."""
        return not np.any(self.verdict == Verdict.DISAGREES)

    def __repr__(self) -> str:
        """Print counts, patterns and a table of the worst entries."""
        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return counts, patterns and the ten worst entries as plain dictionaries, lists and numbers, for JSON.

        Returns
        -------
        dict
            ``title``, ``of``, ``agrees``, ``decided``, ``counts``, ``patterns`` and ``worst``, a list with the
            ``verdict``, ``index``, ``point``, ``analytic``, ``numerical``, ``error`` and ``excess`` of each entry, and
            its ``label`` where arguments have some. What is not finite becomes None, what is complex a pair.
        """
        return plain(self)


def text(check: Check) -> str:
    """Print counts, patterns and the worst entries."""
    counts, size = check.counts, check.verdict.size
    entries = f"{size:,} entr{'y' if size == 1 else 'ies'}"
    if not check:
        head = f"{counts['DISAGREES']:,} of {entries} disagree{'s' if counts['DISAGREES'] == 1 else ''}"
    elif not check.decided:
        head = f"NOTHING COULD BE DECIDED: of {entries} none has a numerical derivative sharp enough to tell"
        if counts["KINK"]:
            head += ", and the few kinks may be noise"
    else:
        head = f"nothing disagrees, {entries}"
    lines = [f"Check of the {check.of}, {check.title}: {head}"]
    lines.append("  " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    # the patterns last: of a long `repr` pytest shows the first and the last hundred characters
    return "\n".join([*lines, *_table(check), *(f"  * {pattern}" for pattern in check.patterns)])


def worst(check: Check, count: int) -> list[tuple[int, ...]]:
    """Find the worst entries: what disagrees first, then what is undecided, by how far they are apart."""
    rank = np.array([0, 2, 1, 0])[check.verdict.ravel()]
    unknown = np.where(rank > 0, np.inf, 0.0)  # of NaN that is wrong; NaN where there is no derivative is right
    excess = np.where(np.isnan(check.excess.ravel()), unknown, check.excess.ravel())
    # a mistake that is large against the value counts before one that is only many bars wide
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(check.analytic), np.abs(check.numerical)).ravel()
        relative = np.abs(check.analytic - check.numerical).ravel() / size
        relative = np.where(np.isnan(relative), unknown, relative)
    order = np.lexsort((-excess, -np.round(relative, 6), -rank))[:count]
    return [tuple(int(i) for i in np.unravel_index(k, check.verdict.shape)) for k in order]


def _table(check: Check) -> list[str]:
    shown = worst(check, _FEW if check else min(_WORST, check.counts["DISAGREES"]))
    rows = [_HEADER, *(_row(check, index) for index in shown)]
    if not check.labels:
        rows = [(*row[:2], *row[3:]) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    words = len(widths) - 4
    aligned = [str.ljust] * words + [str.rjust] * 4
    return ["  " + "  ".join(to(c, w) for to, c, w in zip(aligned, row, widths, strict=True)) for row in rows]


def _row(check: Check, index: tuple[int, ...]) -> tuple[str, ...]:
    a, n = check.analytic[index], check.numerical[index]
    place = ", ".join(map(str, index)) or "-"
    return (
        Verdict(check.verdict[index]).name, place, ", ".join(filter(None, label(check, index))), point(check, index),
        _number(a, n), _number(n, a), f"{check.error[index]:.1e}", ratio(a, n),
    )  # fmt: skip


def label(check: Check, index: tuple[int, ...]) -> list[str | None]:
    """Labels of an entry, one for each of its axes."""
    return [None if axis is None else str(axis[k]) for axis, k in zip(check.labels, index, strict=False)]


def ratio(analytic: Any, numerical: Any) -> str:
    """Say how many times too large."""
    with np.errstate(all="ignore"):
        found = analytic / numerical
    if not np.isfinite(found):
        return "-"
    if abs(found - 1) < 1e-4 and found != 1:
        off = (analytic - numerical) / numerical
        return f"1{off:+.1e}" if not np.iscomplexobj(off) else f"1+-{abs(off):.1e}"
    return f"{found:.5g}"


def _number(value: Any, other: Any) -> str:
    """Print as many digits as it takes to see the difference, and no more."""
    if np.iscomplexobj(value):
        return f"{value:.6g}"
    for digits in range(6, 17):
        if f"{value:.{digits}g}" != f"{other:.{digits}g}":
            return f"{value:.{digits}g}"
    return f"{value:.6g}"


def point(check: Check, index: tuple[int, ...]) -> str:
    """Print the point that an entry belongs to."""
    if check.of == "derivative":
        batch = np.broadcast_shapes(*map(np.shape, check.args))
        place = index[len(index) - len(batch) :]
        values = [float(np.broadcast_to(a, batch)[place]) for a in check.args]
        shown = ", ".join(f"{name}={v:.6g}" for name, v in zip(check.names, values, strict=True))
        several = len(index) > len(batch)
        return f"d/d{check.names[check.wrt[index[0]]]} at {shown}" if several else shown
    x = check.args[0]
    vector = x[index[: x.ndim - 1]]
    shown = ", ".join(f"{float(v):.6g}" for v in vector[:_NUMBERS])
    return f"[{shown}{', ...' if vector.size > _NUMBERS else ''}]"


def plain(check: Check) -> dict[str, Any]:
    """Plain dictionaries, lists and numbers for JSON: the counts, the patterns, the worst entries."""

    def real(value: Any) -> Any:
        if np.iscomplexobj(value):
            return [real(value.real), real(value.imag)]
        return float(value) if np.isfinite(value) else None

    entries = [
        {
            "verdict": Verdict(check.verdict[i]).name,
            "index": list(i),
            **({"label": label(check, i)} if check.labels else {}),
            "point": point(check, i),
            "analytic": real(check.analytic[i]),
            "numerical": real(check.numerical[i]),
            "error": real(check.error[i]),
            "excess": real(check.excess[i]),
        }
        for i in worst(check, _WORST)
    ]
    return {
        "title": check.title,
        "of": check.of,
        "agrees": bool(check),
        "decided": check.decided,
        "counts": check.counts,
        "patterns": list(check.patterns),
        "worst": entries,
    }
