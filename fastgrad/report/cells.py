"""How figures are shown: no more digits than they are worth, in a few letters."""

from __future__ import annotations

from math import isfinite, isnan


def error(value: float) -> str:
    """Show an error in one digit: more would be noise. Beyond 1 no digit of the derivative is right."""
    if isnan(value):
        return "-"
    if not isfinite(value):
        return "NaN"
    if value > 1:
        return "> 1"
    return "0" if value == 0 else f"{value:.0e}"


def size(value: float) -> str:
    """Show a number that has a unit, in two digits."""
    return ("NaN" if isnan(value) else "inf") if not isfinite(value) else "0" if value == 0 else f"{value:.1e}"


def time(nanoseconds: float) -> str:
    """Show a time in nanoseconds."""
    if not isfinite(nanoseconds):
        return "-"
    return f"{nanoseconds:,.0f}" if nanoseconds >= 100 else f"{nanoseconds:.1f}"


def evaluations(value: float) -> str:
    """Show a count: whole where it is, with a decimal where it is a mean."""
    return "-" if not isfinite(value) else f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


def share(value: float) -> str:
    """Show a share in per cent, and tell little from nothing."""
    if isnan(value):
        return "-"
    if value == 0:
        return "0 %"
    return f"{100 * value:.1g} %" if value < 0.01 else f"{100 * value:.0f} %"


def percent(value: float) -> str:
    """Show a share in per cent, with two decimals near all and near nothing, where they matter."""
    if isnan(value):
        return "-"
    return f"{100 * value:.1f} %" if 0.01 <= value < 0.99 or value in (0.0, 1.0) else f"{100 * value:.2f} %"


def times(value: float) -> str:
    """Show a ratio of speeds in two digits."""
    return "-" if not isfinite(value) else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def ulps(value: float) -> str:
    """Show an error in units of the last place."""
    if not isfinite(value):
        return "-" if isnan(value) else "NaN"
    return "0" if value == 0 else f"{value:.1f}" if value < 10 else f"{value:.0f}" if value < 1e4 else f"{value:.0e}"


def digits(value: float) -> str:
    """Show how many digits are right."""
    return "-" if isnan(value) else f"{max(value, 0.0):.1f}"


def number(value: float) -> str:
    """Show a number that somebody may want to paste into a call."""
    return "NaN" if isnan(value) else f"{value:.12g}" if float(f"{value:.12g}") == value else repr(value)
