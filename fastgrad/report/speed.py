"""How fast a machine is: times of a few functions, and what is promised of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import nan

import numpy as np

from .model import plain

#: What is promised of which method beside which other: times as fast, on compiled functions.
PROMISES = (("central 2", "NumPy", 6.0), ("central 2", "SciPy", 100.0), ("adaptive", "SciPy", 5.0))


@dataclass(frozen=True)
class Promise:
    """How many times as fast as another a method is, here and as promised."""

    method: str
    beside: str
    here: float
    promised: float


@dataclass(frozen=True)
class Speed:
    """Time per point of a few functions, by what was done to them, and where it ran."""

    nanoseconds: dict[str, dict[str, float]]
    about: dict[str, str] = field(default_factory=dict)

    def ratios(self) -> dict[str, dict[str, float]]:
        """How many times as fast as NumPy and SciPy: medians over the functions."""
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
        """Where this machine stands beside what is promised."""
        ratios = self.ratios()
        return tuple(
            Promise(method, beside, ratios[f"times as fast as {beside}"][method], promised)
            for method, beside, promised in PROMISES
            if method in ratios.get(f"times as fast as {beside}", {})
        )

    def to_json(self) -> str:
        """Write times, ratios and promises for machines."""
        found = asdict(self) | {"ratios": self.ratios(), "promises": [asdict(p) for p in self.promises()]}
        return json.dumps(plain(found), indent=1, allow_nan=False) + "\n"
