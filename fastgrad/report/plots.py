"""The pictures of a report: accuracy against speed, error against step and along the domain, coverage of the bars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from .document import Picture
from .drawing import FONT, SIZE, colour, legend, log_scales, plot, styles
from .results import FACTORS
from .tables import GROUPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .._typing import FloatArray
    from .model import AccuracyReport
    from .results import Profile

#: Colour and marker by label of the method.
Styles = dict[str, dict[str, Any]]

#: Smaller errors are drawn here: a logarithm has no zero.
LEAST = 1e-17

#: Colours of a heat map from a right derivative to a wrong one; colour-blind readers can tell them apart.
HEAT = ("#1d6fa5", "#4fb3bf", "#e8d174", "#e8832a", "#b3123f")

#: Sections of pictures and the text below their headings.
TEXTS = {
    "Accuracy against speed": "Median relative error against time per point: down and to the left is better.",
    "Error against step": "Median error against step: it falls by truncation and rises again by rounding. The dot "
    "marks the step that fastgrad chose, the diamond the best of those tried; the dashed line is the adaptive rule, "
    "which chooses at every point.",
    "Error along the domain": "The largest relative error in every part of the domain, method by method; no colour "
    "where no point lies.",
    "Error bars": "Share of points whose error is within a multiple of the error bar of the method. A bar that holds "
    "has 100 % from 1 on; a bar that is too wide has 100 % far to the left of 1.",
}


def pictures(report: AccuracyReport) -> Iterator[Picture]:
    """Yield all pictures of a report, section by section."""
    speed, step, along, bars = TEXTS
    functions: dict[str, set[str]] = {}
    for row in report.rows:
        functions.setdefault(row.group, set()).add(row.function)
    groups = {group: next(iter(names)) if len(names) == 1 else GROUPS[group] for group, names in functions.items()}
    groups["corpus"] = "Development corpus"
    methods = _styles(report)
    for group, title in groups.items():
        if points := _speeds(report, group):
            yield Picture(title, f"speed-{group}", partial(_scatter, points, methods), speed)
    for name in dict.fromkeys(curve.function for curve in report.curves):
        yield Picture(name, f"vcurve-{_slug(name)}", partial(steps, report, name), step)
    for name in dict.fromkeys(profile.function for profile in report.profiles):
        profiles = [profile for profile in report.profiles if profile.function == name]
        yield Picture(name, f"along-{_slug(name)}", partial(_along, profiles), along)
    for group, title in groups.items():
        if shares := _calibrations(report, group):
            yield Picture(title, f"bars-{group}", partial(_coverage, shares, methods), bars)


def _styles(report: AccuracyReport) -> Styles:
    return styles(value.label for values in (report.rows, report.curves, report.verdicts) for value in values)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "f"


def _speeds(report: AccuracyReport, group: str) -> list[tuple[str, float, float]]:
    """Return label, nanoseconds and median error of every method that has both."""
    labels = {row.method: row.label for row in report.rows}
    points = [(labels[s.method], s.nanoseconds, s.median_error) for s in report.summary() if s.group == group]
    if group == "corpus":
        points = [(v.label, v.pace.nanoseconds, v.figures.median_error) for v in report.verdicts]
    return [(label, x, max(y, LEAST)) for label, x, y in points if x > 0 and isfinite(y)]


def _scatter(points: Sequence[tuple[str, float, float]], methods: Styles) -> Figure:
    """Draw median error against time per point, one mark for every method."""
    figure, axes = plot("nanoseconds per point", "median relative error")
    for label, x, y in points:
        axes.plot(x, y, linestyle="", markersize=7, label=label, **methods[label])
    log_scales(axes)
    axes.margins(x=0.12, y=0.1)
    legend(figure, axes)
    return figure


def steps(report: AccuracyReport, name: str) -> Figure:
    """Draw error against step, a V for every rule with a step."""
    methods = _styles(report)
    figure, axes = plot("step relative to max(|x|, 1)", "median relative error")
    for curve in (c for c in report.curves if c.function == name):
        ink = methods[curve.label]["color"]
        shown = [(s, max(e, LEAST)) for s, e in zip(curve.steps, curve.errors, strict=True) if e < 1e6]
        axes.plot(*zip(*shown, strict=True), color=ink, linewidth=1.5, label=curve.label)
        edge: dict[str, Any] = {"color": ink, "markeredgecolor": colour("paper"), "markeredgewidth": 1.0, "zorder": 5}
        axes.plot(curve.chosen_step, max(curve.chosen_error, LEAST), "o", markersize=7.5, **edge)
        best = (curve.best[0], max(curve.best[1], LEAST))
        axes.plot(*best, "D", markersize=6.5, **edge | {"color": colour("paper"), "markeredgecolor": ink, "zorder": 6})
    for row in (r for r in report.rows if r.function == name and r.label == "adaptive" and not r.failure):
        axes.axhline(max(row.median_error, LEAST), color=methods[row.label]["color"], linestyle="--",
                     linewidth=1.3, label=row.label)  # fmt: skip
    log_scales(axes)
    axes.set(ylim=(LEAST, 10.0))
    legend(figure, axes)
    return figure


def _along(profiles: Sequence[Profile]) -> Figure:
    """Draw methods down, parts of the domain across, the largest error as a colour."""
    from matplotlib.colors import LinearSegmentedColormap

    figure, axes = plot("x", "", (SIZE[0], 1.15 + 0.2 * len(profiles)))
    errors = np.array([profile.worst for profile in profiles])
    with np.errstate(divide="ignore"):
        powers = np.clip(np.log10(np.maximum(errors, 1e-16)), -16.0, 0.0)  # NaN stays NaN: no point lies there
    edges = profiles[0].edges
    is_logarithmic = edges[0] > 0 and edges[-1] > 1e3 * edges[0]
    heat = LinearSegmentedColormap.from_list("errors", HEAT)
    mesh = axes.pcolormesh(edges, np.arange(len(profiles) + 1), powers, cmap=heat, vmin=-16, vmax=0, rasterized=True)
    log_scales(axes, "x" if is_logarithmic else "")
    axes.set(xlim=(edges[0], edges[-1]), ylim=(len(profiles), 0))
    axes.grid(False)
    axes.set_yticks(np.arange(len(profiles)) + 0.5, [p.label for p in profiles], fontsize=FONT - 1)
    bar = figure.colorbar(mesh, ax=axes, ticks=[-16, -12, -8, -4, 0], aspect=15, pad=0.02)
    bar.ax.set_yticklabels(["1e-16", "1e-12", "1e-8", "1e-4", "1"], fontsize=FONT - 1, color=colour("ink"))
    bar.outline.set_edgecolor(colour("faint"))
    bar.ax.set_facecolor("none")
    bar.ax.tick_params(color=colour("faint"))
    return figure


def _calibrations(report: AccuracyReport, group: str) -> dict[str, FloatArray]:
    """Return means over the functions for each method that gives bars."""
    shares: dict[str, list[tuple[float, ...]]] = {}
    for row in report.rows:
        if row.group == group and row.calibration:
            shares.setdefault(row.label, []).append(row.calibration)
    if group == "corpus":
        shares = {v.label: [v.figures.calibration] for v in report.verdicts if v.figures.calibration}
    return {label: np.mean(values, axis=0) for label, values in shares.items()}


def _coverage(shares: dict[str, FloatArray], methods: Styles) -> Figure:
    """Draw the share of points within multiples of the bar."""
    figure, axes = plot("times the error bar", "points within, %")
    axes.axvline(1.0, color=colour("faint"), linewidth=1.0)
    for label, values in shares.items():
        axes.plot(FACTORS, 100 * values, linewidth=1.5, markevery=4, markersize=4.5, label=label,
                  **methods[label])  # fmt: skip
    log_scales(axes, "x")
    axes.set(xlim=(FACTORS[0], FACTORS[-1]), ylim=(0, 102))
    legend(figure, axes)
    return figure
