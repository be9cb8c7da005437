"""Speed of a machine: times of a few functions, and the ratios that are promised."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import nan

import numpy as np

from .model import plain

#: Promised ratios of speed on compiled functions: the method, the other method, the ratio.
PROMISES = (("central 2", "NumPy", 6.0), ("central 2", "SciPy", 100.0), ("adaptive", "SciPy", 5.0))


@dataclass(frozen=True)
class Promise:
    """Ratio of the speeds of two methods, measured here and promised."""

    method: str
    beside: str
    here: float
    promised: float


@dataclass(frozen=True)
class Speed:
    """Nanoseconds per point by function and method, and facts about the machine."""

    nanoseconds: dict[str, dict[str, float]]
    about: dict[str, str] = field(default_factory=dict)

    def ratios(self) -> dict[str, dict[str, float]]:
        """Return the speeds relative to NumPy and SciPy, medians over the functions."""
        lines = self.nanoseconds.values()
        labels = list(next(iter(lines)))
        return {
            f"times as fast as {beside}": {
                label: nan if label == beside else float(np.median([line[beside] / line[label] for line in lines]))
                for label in labels
            }
            for beside in labels
            if beside in ("NumPy", "SciPy")
        }

    def promises(self) -> tuple[Promise, ...]:
        """Return the promised ratios beside those of this machine."""
        ratios = self.ratios()
        return tuple(
            Promise(method, beside, ratios[f"times as fast as {beside}"][method], promised)
            for method, beside, promised in PROMISES
            if method in ratios.get(f"times as fast as {beside}", {})
        )

    def to_json(self) -> str:
        """Return times, ratios and promises as JSON."""
        fields = asdict(self) | {"ratios": self.ratios(), "promises": [asdict(p) for p in self.promises()]}
        return json.dumps(plain(fields), indent=1, allow_nan=False) + "\n"
