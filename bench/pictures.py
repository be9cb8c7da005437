"""Draw the README's pictures from the library itself: ``python -m bench.pictures``.

One of a V-curve, one of a circuit, both as SVG in the reader's light or dark.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

import fastgrad as fg
from fastgrad._report.drawing import alone
from fastgrad._report.plots import steps

DOCS = Path(__file__).parent.parent / "docs"


def f(x: float) -> float:
    """Damp a wave."""
    return np.exp(-0.3 * x) * np.sin(3 * x)  # type: ignore[no-any-return]


def neuron(x: float, w: float, b: float) -> float:
    """Weigh, shift and squash, in a window."""
    return math.tanh(w * x + b) * math.exp(-x * x)


def drawn() -> dict[str, str]:
    """SVG texts by the names of their files."""
    rules = ["forward", "central", fg.central(4), fg.central(6), "adaptive"]
    report = fg.accuracy(f, rules, 1000, domain=[(-5.0, 5.0)], curves=["f"])
    return {
        "vcurve.svg": alone(steps(report, "f"), "vcurve", "Error against step: exp(-0.3 x) sin(3 x)"),
        "circuit.svg": fg.circuit(neuron).to_svg(0.5, 2.0, -0.25),
    }


def main() -> int:
    """Run the command."""
    DOCS.mkdir(exist_ok=True)
    for name, text in drawn().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
