"""The plots of a report: accuracy against speed, error against step and along the domain, how the bars hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import FONT, SIZE, Colours, colour, legend, plot, save, svg
from .notes import CAPTION
from .results import FACTORS
from .tables import GROUPS

if TYPE_CHECKING:
    from .model import AccuracyReport
    from .results import Curve, Profile, Row

__all__ = ["Picture", "draw", "pictures", "steps"]

#: Errors below are drawn here: a logarithm has no zero.
LEAST = 1e-17


@dataclass(frozen=True)
class Picture:
    """A plot as SVG, with its heading and the part of the page it stands in."""

    part: str
    title: str
    svg: str


def draw(report: AccuracyReport, directory: Path) -> list[Path]:
    """Draw one plot for every function that has curves, as SVG and as PNG."""
    written: list[Path] = []
    for name in dict.fromkeys(curve.function for curve in report.curves):
        written += save(steps(report, name), directory / f"vcurve-{_slug(name)}", f"Error against step: {name}")
    return written


def pictures(report: AccuracyReport) -> Iterator[Picture]:
    """All plots of a report, in the order of the page."""
    colours = _colours(report)
    for group in dict.fromkeys(row.group for row in report.rows):
        points = [
            (line.nanoseconds, line.median_error, label)
            for line in report.summary() if line.group == group
            for label in [next(row.label for row in report.rows if row.method == line.method)]
        ]  # fmt: skip
        yield from _scatter(points, colours, _heading(report, group), f"speed-{group}")
    points = [(v.pace.nanoseconds, v.figures.median_error, v.label) for v in report.verdicts]
    yield from _scatter(points, colours, "Development corpus", "speed-corpus")
    for name in dict.fromkeys(curve.function for curve in report.curves):
        yield _picture("Error against step", name, steps(report, name), f"steps-{_slug(name)}")
    for name in dict.fromkeys(profile.function for profile in report.profiles):
        drawn = _along([profile for profile in report.profiles if profile.function == name])
        yield _picture("Error along the domain", name, drawn, f"along-{_slug(name)}")
    for group in dict.fromkeys(row.group for row in report.rows):
        shares = _calibrations([row for row in report.rows if row.group == group])
        yield from _coverage(shares, colours, _heading(report, group), f"bars-{group}")
    shares = {v.label: v.figures.calibration for v in report.verdicts if v.figures.calibration}
    yield from _coverage(shares, colours, "Development corpus", "bars-corpus")


def _picture(part: str, title: str, figure: Any, name: str) -> Picture:
    return Picture(part, title, svg(figure, name, f"{part}: {title}"))


#: What stands under the heading of every part.
TEXTS = {
    "Accuracy against speed": "Median relative error against time per point: down and to the left is better.",
    "Error against step": CAPTION,
    "Error along the domain": "The largest relative error in every part of the domain, method by method; no colour "
    "where no point lies.",
    "Error bars": "Share of points whose error is within so many times the error bar that the method gives. A bar that "
    "holds is at 100 % from 1 on; one that is wide is there long before.",
}


def _colours(report: AccuracyReport) -> Colours:
    labels = [row.label for row in report.rows] + [curve.label for curve in report.curves]
    return Colours(labels + [verdict.label for verdict in report.verdicts])


def _heading(report: AccuracyReport, group: str) -> str:
    """Name a group, or the one function it holds."""
    names = list(dict.fromkeys(row.function for row in report.rows if row.group == group))
    return names[0] if len(names) == 1 else GROUPS[group]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "f"


def _scatter(points: Sequence[tuple[float, float, str]], colours: Colours, title: str, name: str) -> Iterator[Picture]:
    """Median error against time per point, one mark for every method."""
    known = [(x, max(y, LEAST), label) for x, y, label in points if x > 0 and isfinite(y)]
    if not known:
        return
    figure, axes = plot("nanoseconds per point", "median relative error")
    for x, y, label in known:
        axes.plot(x, y, colours.mark(label), color=colours.of(label), markersize=7, label=label)
    axes.set(xscale="log", yscale="log")
    axes.margins(x=0.12, y=0.1)
    legend(figure, axes)
    yield _picture("Accuracy against speed", title, figure, name)


def steps(report: AccuracyReport, name: str) -> Any:
    """Error against step, a V for every rule with a step."""
    colours = _colours(report)
    figure, axes = plot("step relative to max(|x|, 1)", "median relative error")
    for curve in (c for c in report.curves if c.function == name):
        _curve(axes, curve, colours.of(curve.label))
    for row in (r for r in report.rows if r.function == name and r.label == "adaptive" and not r.failure):
        axes.axhline(max(row.median_error, LEAST), color=colours.of(row.label), linestyle="--", linewidth=1.3,
                     label=row.label)  # fmt: skip
    axes.set(xscale="log", yscale="log", ylim=(LEAST, 10.0))
    legend(figure, axes)
    return figure


def _curve(axes: Any, curve: Curve, ink: str) -> None:
    shown = [(s, max(e, LEAST)) for s, e in zip(curve.steps, curve.errors, strict=True) if e < 1e6]
    axes.plot([s for s, _ in shown], [e for _, e in shown], color=ink, linewidth=1.5, label=curve.label)
    edge: dict[str, Any] = {"color": ink, "markeredgecolor": colour("paper"), "markeredgewidth": 1.0, "zorder": 5}
    axes.plot(curve.chosen_step, max(curve.chosen_error, LEAST), "o", markersize=7.5, **edge)
    best = (curve.best[0], max(curve.best[1], LEAST))
    axes.plot(*best, "D", markersize=6.5, **edge | {"color": colour("paper"), "markeredgecolor": ink, "zorder": 6})


def _along(profiles: Sequence[Profile]) -> Any:
    """Methods down, parts of the domain across, the worst error as a colour."""
    from matplotlib.colors import LinearSegmentedColormap

    figure, axes = plot("x", "", (SIZE[0], 1.15 + 0.2 * len(profiles)))
    errors = np.array([profile.worst for profile in profiles])
    with np.errstate(divide="ignore"):
        digits = np.clip(np.log10(np.maximum(errors, 1e-16)), -16.0, 0.0)  # NaN stays NaN: no point lies there
    edges = profiles[0].edges
    logarithmic = edges[0] > 0 and edges[-1] > 1e3 * edges[0]
    heat = LinearSegmentedColormap.from_list("errors", HEAT)
    drawn = axes.pcolormesh(edges, np.arange(len(profiles) + 1), digits, cmap=heat, vmin=-16, vmax=0, rasterized=True)
    axes.set(xscale="log" if logarithmic else "linear", xlim=(edges[0], edges[-1]), ylim=(len(profiles), 0))
    axes.grid(False)
    axes.set_yticks(np.arange(len(profiles)) + 0.5, [p.label for p in profiles], fontsize=FONT - 1)
    bar = figure.colorbar(drawn, ax=axes, ticks=[-16, -12, -8, -4, 0], aspect=15, pad=0.02)
    bar.ax.set_yticklabels(["1e-16", "1e-12", "1e-8", "1e-4", "1"], fontsize=FONT - 1, color=colour("ink"))
    bar.outline.set_edgecolor(colour("faint"))
    bar.ax.set_facecolor("none")
    bar.ax.tick_params(color=colour("faint"))
    return figure


#: From a right derivative to a wrong one; told apart by colour-blind readers, on light and on dark.
HEAT = ("#1d6fa5", "#4fb3bf", "#e8d174", "#e8832a", "#b3123f")


def _calibrations(rows: Sequence[Row]) -> dict[str, tuple[float, ...]]:
    """Means over the functions, for each method that gives bars."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        if row.calibration:
            found.setdefault(row.label, []).append(row.calibration)
    return {label: tuple(np.mean(shares, axis=0).tolist()) for label, shares in found.items()}


def _coverage(shares: dict[str, tuple[float, ...]], colours: Colours, title: str, name: str) -> Iterator[Picture]:
    """Share of points within multiples of the bar."""
    if not shares:
        return
    figure, axes = plot("times the error bar", "points within, %")
    axes.axvline(1.0, color=colour("faint"), linewidth=1.0)
    for label, values in shares.items():
        axes.plot(FACTORS, 100 * np.array(values), color=colours.of(label), linewidth=1.5, label=label,
                  marker=colours.mark(label), markevery=4, markersize=4.5)  # fmt: skip
    axes.set(xscale="log", xlim=(FACTORS[0], FACTORS[-1]), ylim=(0, 102))
    legend(figure, axes)
    yield _picture("Error bars", title, figure, name)

