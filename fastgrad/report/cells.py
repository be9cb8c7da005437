"""Text of single values: no more digits than a value is worth, in a few letters."""

from __future__ import annotations

from math import isfinite, isnan


def error(value: float) -> str:
    """Format an error in one digit. Beyond 1 no digit of the derivative is right."""
    if isnan(value):
        return "-"
    if not isfinite(value):
        return "NaN"
    return "> 1" if value > 1 else "0" if value == 0 else f"{value:.0e}"


def size(value: float) -> str:
    """Format a value that has a unit, in two digits."""
    return "NaN" if isnan(value) else "inf" if not isfinite(value) else "0" if value == 0 else f"{value:.1e}"


def time(nanoseconds: float) -> str:
    """Format a time in nanoseconds."""
    return "-" if not isfinite(nanoseconds) else f"{nanoseconds:,.0f}" if nanoseconds >= 100 else f"{nanoseconds:.1f}"


def evaluations(value: float) -> str:
    """Format a count, with a decimal where it is a mean."""
    return "-" if not isfinite(value) else f"{value:,.0f}" if abs(value - round(value)) < 0.05 else f"{value:,.1f}"


def share(value: float) -> str:
    """Format a share in per cent; a small share keeps one digit."""
    if isnan(value):
        return "-"
    return "0 %" if value == 0 else f"{100 * value:.1g} %" if value < 0.01 else f"{100 * value:.0f} %"


def percent(value: float) -> str:
    """Format a share in per cent, with two decimals near 0 and 1."""
    if isnan(value):
        return "-"
    return f"{100 * value:.1f} %" if 0.01 <= value < 0.99 or value in (0.0, 1.0) else f"{100 * value:.2f} %"


def times(value: float) -> str:
    """Format a ratio of speeds in two digits."""
    return "-" if not isfinite(value) else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def ulps(value: float) -> str:
    """Format an error in units of the last place."""
    if not isfinite(value):
        return "-" if isnan(value) else "NaN"
    return "0" if value == 0 else f"{value:.1f}" if value < 10 else f"{value:.0f}" if value < 1e4 else f"{value:.0e}"


def digits(value: float) -> str:
    """Format a count of correct digits."""
    return "-" if isnan(value) else f"{max(value, 0.0):.1f}"


def number(value: float) -> str:
    """Format a value such that it can be pasted into a call."""
    return "NaN" if isnan(value) else f"{value:.12g}" if float(f"{value:.12g}") == value else repr(value)
