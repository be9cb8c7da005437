"""The picture of one point: what it draws is what `derivative` finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import fastgrad as fg

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib.figure import Figure  # noqa: E402


def axes() -> Any:
    return Figure().subplots()


def curves(drawn: Any) -> dict[str, tuple[Any, Any]]:
    """Abscissae and ordinates of the lines by their label."""
    return {line.get_label(): line.get_data() for line in drawn.get_lines()}


@pytest.mark.parametrize(("f", "truth", "x"), [(np.sin, np.cos, 1.0), (math.log, lambda x: 1 / x, 20.0)])
def test_curves_are_errors_of_the_differences(f: Any, truth: Any, x: float) -> None:
    drawn = curves(fg.plot_error(f, x, truth=truth, axes=axes()))
    for rule in (fg.forward(), fg.central(), fg.central(4)):
        steps, errors = drawn[repr(rule)]
        wanted = abs(fg.derivative(f, np.full_like(steps, x), method=rule, step=steps) - truth(x))
        known = np.isfinite(wanted)  # wide steps leave the domain of the logarithm
        assert known.sum() > 150
        assert errors[known] == pytest.approx(np.maximum(wanted, 1e-17)[known])


def test_the_line_is_the_error_of_the_adaptive_rule() -> None:
    drawn = curves(fg.plot_error(np.exp, 0.3, truth=math.exp, axes=axes()))
    _, (low, high) = drawn["adaptive()"]
    assert low == high == max(abs(fg.derivative(np.exp, 0.3) - math.exp(0.3)), 1e-17)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_levels_are_where_the_function_is_evaluated(n: int) -> None:
    levels, _ = curves(fg.plot_error(np.sin, 1.0, n=n, axes=axes()))["levels"]
    estimate = fg.derivative(np.sin, 1.0, method=fg.adaptive(n=n), full_output=True)
    assert 2 * len(levels) + 1 == estimate.nfev  # both sides of every level, and the point
    assert max(levels) <= 1.0


def test_dots_are_at_the_steps_that_are_chosen() -> None:
    drawn = fg.plot_error(np.exp, 0.0, truth=1.0, axes=axes())
    dots = [line.get_data() for line in drawn.get_lines() if line.get_marker() == "o"]
    assert len(dots) == 3
    for rule, (steps, errors) in zip((fg.forward(), fg.central(), fg.central(4)), dots, strict=True):
        assert errors[0] == max(abs(fg.derivative(np.exp, 0.0, method=rule) - 1.0), 1e-17)
        assert fg.derivative(np.exp, 0.0, method=rule, step=2.0 ** round(math.log2(steps[0]))) == fg.derivative(
            np.exp, 0.0, method=rule
        )


def test_a_kink_is_named() -> None:
    words = [text.get_text() for text in fg.plot_error(abs, 0.0, axes=axes()).get_legend().get_texts()]
    assert any("kink" in word for word in words)


def test_a_point_without_a_derivative_is_drawn_where_the_truth_is_given() -> None:
    """At a jump the bar is infinite: the band fills the picture, and the scale stays that of the curves."""
    drawn = fg.plot_error(np.sign, 0.0, truth=0.0, axes=axes())
    low, high = drawn.get_ylim()
    assert 0 < low < high < 1e20
    assert "nonfinite" in " ".join(text.get_text() for text in drawn.get_legend().get_texts())


def test_new_axes_are_made_where_none_are_given() -> None:
    import matplotlib.pyplot as plt

    drawn = fg.plot_error(np.sin, 1.0)
    assert drawn is plt.gca()
    plt.close(drawn.figure)


@pytest.mark.parametrize(
    ("x", "message"), [([1.0, 2.0], "`x` must be one finite number"), (math.nan, "one finite number"),
                       (0.0, "`f` must have a finite derivative")]
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fg.plot_error(np.sign, x, axes=axes())
