"""Draw the README's picture from the library itself, as SVG in light or dark: ``python -m bench.pictures``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import fastgrad as fg
from fastgrad.report.drawing import alone, svg
from fastgrad.report.plots import steps

DOCS = Path(__file__).parent.parent / "docs"


def f(x: float) -> float:
    """Damp a wave."""
    return np.exp(-0.3 * x) * np.sin(3 * x)  # type: ignore[no-any-return]


def drawn() -> dict[str, str]:
    """SVG texts by the names of their files."""
    rules = ["forward", "central", fg.central(4), fg.central(6), "adaptive"]
    report = fg.accuracy(f, rules, 1000, domain=[(-5.0, 5.0)], curves=["f"])
    return {"vcurve.svg": alone(svg(steps(report, "f"), "vcurve", "Error against step: exp(-0.3 x) sin(3 x)"))}


def main() -> int:
    """Run the command."""
    DOCS.mkdir(exist_ok=True)
    for name, text in drawn().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
