"""All that a check has seen, and how alike two derivatives are."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..estimates import Estimate, Status
from ._analytic import Analytic
from ._question import Question
from ._verdicts import Judged, Verdict

#: Two values are taken for the same mistake when they are this close; below it is the realm of rounding.
LIKE = 1e-6

#: Coordinates of a vector that a place may be told by.
_COORDINATES = 50


class Evidence(NamedTuple):
    """All that a check has seen."""

    asked: Question
    told: Analytic
    found: Estimate
    judged: Judged

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arguments, as far as the function tells them."""
        count = len(self.asked.args)
        try:
            given_by_place = inspect.signature(getattr(self.asked.f, "__formula__", self.asked.f)).parameters.values()
            names = [p.name for p in given_by_place if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        except (TypeError, ValueError):
            names = []
        given = names[:count] if len(names) >= count and not isinstance(self.asked.f, np.ufunc) else []
        return tuple(given) or (("x",) if count == 1 else tuple(f"args[{i}]" for i in range(count)))

    @property
    def disagrees(self) -> Any:
        """Where something is wrong, NaN and infinity included."""
        return self.judged.verdict == Verdict.DISAGREES

    @property
    def wrong(self) -> Any:
        """Where both values are finite and disagree."""
        return self.disagrees & np.isfinite(self.told.values) & np.isfinite(self.found.df)

    @property
    def grossly(self) -> Any:
        """Where they disagree by more than rounding to six digits would."""
        return self.wrong & ~self.like(self.told.values)

    @property
    def fine(self) -> bool:
        """Whether most of what is wrong is right to six digits."""
        return bool(2 * np.count_nonzero(self.grossly) <= np.count_nonzero(self.wrong))

    @property
    def seen(self) -> Any:
        """Where something could be decided."""
        return (self.judged.verdict != Verdict.UNDECIDED) & np.isfinite(self.told.values) & np.isfinite(self.found.df)

    def like(self, values: Any) -> Any:
        """Where `values` would be right to six digits, or as far as the bars tell."""
        df = self.found.df
        with np.errstate(all="ignore"):
            return np.abs(values - df) <= LIKE * np.maximum(np.abs(values), np.abs(df)) + self.judged.allowed

    def explained(self, values: Any) -> bool:
        """Whether `values` would be right wherever something could be decided."""
        seen = self.seen & (self.found.status != Status.KINK)
        return bool(self.like(values)[seen | self.grossly].all())


def coordinates(evidence: Evidence) -> Iterator[tuple[str, Any]]:
    """Name every number that a place may be told by, in a shape that broadcasts with the entries."""
    asked = evidence.asked
    if asked.of == "derivative":
        for name, arg in zip(evidence.names, asked.args, strict=True):
            yield name, np.broadcast_to(arg, asked.batch)
        return
    x, name = asked.args[0], evidence.names[0]
    inner = evidence.told.values.ndim - len(asked.batch)
    if asked.of == "gradient":
        yield f"{name}[i]", x
    if asked.of == "jacobian":
        yield f"{name}[column]", x[..., None, :]
    for k in range(min(x.shape[-1], _COORDINATES)):
        yield f"{name}[{k}]", x[(..., k, *[None] * inner)]
