"""Results as tables, pictures and pages: a terminal, Markdown and HTML from one document. Nothing is computed here.

Imports `estimates`, and for `plot_error` the numerical packages. Begin reading in `content`, then `formats`.
"""

from .formats import progress
from .model import AccuracyReport, Speed
from .results import FACTORS, SLACK, TOLERANCE, CorpusVerdict, Curve, Pace, Point, Profile, Row

__all__ = [
    "FACTORS", "SLACK", "TOLERANCE", "AccuracyReport", "CorpusVerdict", "Curve", "Pace", "Point", "Profile", "Row",
    "Speed", "progress",
]  # fmt: skip
