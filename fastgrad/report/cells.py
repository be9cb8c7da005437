"""Text of single values: no more digits than a value is worth, in a few letters."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, isnan

Show = Callable[[float], str]


def _finite(show: Show, nan: str = "-", infinite: str = "-") -> Show:
    """Return a formatter of finite numbers, with the texts of NaN and of infinity."""
    return lambda value: show(value) if isfinite(value) else nan if isnan(value) else infinite


#: An error in one digit. Beyond 1 no digit of the derivative is right.
error = _finite(lambda v: "> 1" if v > 1 else "0" if v == 0 else f"{v:.0e}", infinite="NaN")

#: A value that has a unit, in two digits.
size = _finite(lambda v: "0" if v == 0 else f"{v:.1e}", infinite="inf")

#: A time in nanoseconds.
time = _finite(lambda v: f"{v:,.0f}" if v >= 100 else f"{v:.1f}")

#: A count, with a decimal where it is a mean.
evaluations = _finite(lambda v: f"{v:,.0f}" if abs(v - round(v)) < 0.05 else f"{v:,.1f}")

#: A share in per cent; a small share keeps one digit.
share = _finite(lambda v: "0 %" if v == 0 else f"{100 * v:.1g} %" if v < 0.01 else f"{100 * v:.0f} %")

#: A share in per cent, with two decimals near 0 and 1.
percent = _finite(lambda v: f"{100 * v:.1f} %" if 0.01 <= v < 0.99 or v in (0, 1) else f"{100 * v:.2f} %")

#: A ratio, in two digits.
times = _finite(lambda v: f"{v:,.0f}" if v >= 10 else f"{v:.2g}")

#: An error in units of the last place.
ulps = _finite(lambda v: "0" if v == 0 else f"{v:.1f}" if v < 10 else f"{v:.0f}" if v < 1e4 else f"{v:.0e}",
               infinite="NaN")  # fmt: skip

#: A count of correct digits.
digits = _finite(lambda v: f"{max(v, 0.0):.1f}")

#: A value in digits that can be pasted into a call.
number = _finite(lambda v: text if float(text := f"{v:.12g}") == v else repr(v), "NaN", "inf")
