"""A check as text, a table of the worst entries, and as plain values for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._verdicts import Verdict

if TYPE_CHECKING:
    from ._result import Check

#: Entries shown, when something disagrees and when nothing does.
_WORST, _FEW = 10, 3

#: Coordinates of a point that are shown.
_COORDINATES = 3

_HEADER = ("", "index", "label", "point", "analytic", "numerical", "bound", "ratio")

#: What a check says that could decide nothing.
_REMEDY = (
    "check at points where `f` is finite and neither saturated nor noisy; a check that decides nothing is not passed"
)


def text(check: Check) -> str:
    """Print counts, patterns and the worst entries."""
    counts, size = check.counts, check.verdict.size
    entries = f"{size:,} entr{'y' if size == 1 else 'ies'}"
    if counts["DISAGREES"]:
        head = f"{counts['DISAGREES']:,} of {entries} disagree{'s' if counts['DISAGREES'] == 1 else ''}"
    elif not check.decided:
        head = f"NOTHING COULD BE DECIDED: none of {entries} has a numerical derivative precise enough to tell"
        if counts["KINK"]:
            head += ", and the few kinks may be noise"
    else:
        head = f"nothing disagrees, {entries}"
    lines = [f"Check of the {check.of}, {check.title}: {head}"]
    lines.append("  " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    # the patterns last: of a long `repr` pytest shows the first and the last hundred characters
    notes = check.patterns if check.decided else (_REMEDY,)
    return "\n".join([*lines, *_table(check), *(f"  * {note}" for note in notes)])


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
    shown = worst(check, min(_WORST, check.counts["DISAGREES"]) or _FEW)
    rows = [_HEADER, *(_row(check, index) for index in shown)]
    if not check.labels:
        rows = [(*row[:2], *row[3:]) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    aligned = [str.ljust] * (len(widths) - 4) + [str.rjust] * 4
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
    """Write how many times too large the analytic value is."""
    with np.errstate(all="ignore"):
        quotient = analytic / numerical
    if not np.isfinite(quotient):
        return "-"
    if abs(quotient - 1) < 1e-4 and quotient != 1:
        off = (analytic - numerical) / numerical
        return f"1{off:+.1e}" if not np.iscomplexobj(off) else f"1+-{abs(off):.1e}"
    return f"{quotient:.5g}"


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
    shown = ", ".join(f"{float(v):.6g}" for v in vector[:_COORDINATES])
    return f"[{shown}{', ...' if vector.size > _COORDINATES else ''}]"


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
