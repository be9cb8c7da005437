"""What a reader must be told in words: the gist, and what the figures stand for."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from .cells import digits, percent, share, time
from .tables import GROUPS, LEGEND

if TYPE_CHECKING:
    from .model import AccuracyReport

#: A method with no more than this share of points wrong is recommended where speed counts.
FEW = 0.01

#: What stands under the curves.
CAPTION = (
    "Median error against step: it falls by truncation and rises again by rounding. The dot marks the step that "
    "fastgrad chose, the diamond the best of those tried; the dashed line is the adaptive rule, which chooses at every "
    "point."
)


def notes(report: AccuracyReport) -> list[str]:
    """List what a reader must know to judge the figures."""
    found = [_setting(report), "; ".join(f"{name}: {text}" for name, text in LEGEND.items()) + "."]
    most = max((row.timed for row in report.rows), default=0)
    for label in dict.fromkeys(row.label for row in report.rows):
        counts = [row.timed for row in report.rows if row.label == label and not row.failure]
        if counts and min(counts) < most:
            where = "every function" if max(counts) < most else "functions where it is slow"
            found.append(f"{label} was timed on {min(counts):,} points or more of {where}.")
    slow = {v.label: v.pace.points for v in report.verdicts if 0 < v.pace.points < report.verdicts[0].pace.points}
    if report.verdicts:
        most = report.verdicts[0].pace.points
        found.append(f"Corpus: timed on up to {most:,} points of each of a few compiled functions, in turns.")
        found += [f"{label} took up to {count:,} points there." for label, count in slow.items()]
        found += [f"{v.label} on {name} of the corpus: {why}" for v in report.verdicts
                  for name, why in v.figures.raised.items()]
    judged = {row.function: row for row in report.rows if row.truth != "closed form" and not row.failure}
    found += [f"Truth of {name}: {row.truth}, at {row.points:,} points." for name, row in judged.items()]
    if any(row.group == "gate" for row in report.rows):
        found.append("Logic gates are left out: their values are true and false, they have no derivative.")
    if any(row.function in ("maximum", "absolute", "round_half_up") for row in report.rows):
        found.append("Within a step of a kink or a jump every difference is off, hence the maxima of some gates.")
    return found + failures(report)


def failures(report: AccuracyReport) -> list[str]:
    """List what failed on which functions, and why."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in report.rows:
        if row.failure:
            found.setdefault((row.label, row.failure), []).append(row.function)
    return [f"{label} on {'; '.join(names)}: {why.rstrip('.')}." for (label, why), names in found.items()]


def in_short(report: AccuracyReport) -> list[str]:
    """Say in a few sentences what a reader came for: which method to use, how good it is, how fast."""
    found = []
    for group in dict.fromkeys(row.group for row in report.rows):
        lines = [line for line in report.summary() if line.group == group and line.failures < line.functions]
        if not lines:
            continue
        where = f"{GROUPS[group]}: use" if len({row.group for row in report.rows}) > 1 or report.verdicts else "Use"
        best = min(lines, key=lambda line: (line.failures, line.off, line.median_error))
        right = [line for line in lines if line.off <= FEW and line.failures == 0 and line.nanoseconds > 0]
        wrong = "right to 1e-6 at all points" if best.off == 0 else f"wrong at {share(best.off)} of the points"
        right_digits = digits(-log10(max(best.median_error, 1e-16)))
        text = f"{where} {best.method}: {wrong}, {right_digits} digits at the median point"
        text += f", {time(best.nanoseconds)} ns a point." if best.nanoseconds > 0 else "."
        fast = min(right, key=lambda line: line.nanoseconds, default=best)
        if fast is not best:
            text += f" Where speed counts, use {fast.method}: {share(fast.off)} of the points are wrong by more than "
            text += f"1e-6, {time(fast.nanoseconds)} ns a point."
        found.append(text)
    if report.verdicts:
        first = report.verdicts[0]
        found.append(
            f"Development corpus: {first.method} misses {percent(first.figures.missed)} of the attainable points, "
            f"its error bar holds at {percent(first.figures.covered)}, and {percent(first.figures.wrong)} are wrong "
            "without a warning."
        )
    return found


def _setting(report: AccuracyReport) -> str:
    about = report.about
    versions = ", ".join(f"{name} {about[name]}" for name in ("fastgrad", "numpy", "scipy", "numba") if name in about)
    machine = f"{about.get('cores', '?')} cores, {about.get('vectors', '?')}"
    return f"Points: {about.get('points', '?')} a function. {versions}; {machine}."
