"""What mistakes in a derivative have in common: at most one way in which they are wrong, and one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ._evidence import Evidence
from ._locations import WHERE
from ._mistakes import FINE, HOW


def patterns(evidence: Evidence) -> tuple[str, ...]:
    """Say what the mistakes have in common; nothing, if nothing is wrong or nobody knows."""
    found = list(_not_finite(evidence))
    if evidence.wrong.any():
        found += _first(FINE if evidence.fine else HOW, evidence)
    if evidence.disagrees.any():
        found += _first(WHERE, evidence)
    return tuple(found)


def _first(rules: tuple[Callable[[Evidence], str | None], ...], evidence: Evidence) -> list[str]:
    """Return what the first rule says that says anything."""
    with np.errstate(all="ignore"):
        said = next((said for rule in rules if (said := rule(evidence))), None)
    return [said] if said else []


def _not_finite(evidence: Evidence) -> Iterator[str]:
    """Count NaN and infinities where the derivative exists."""
    values = evidence.told.values
    for name, kind in (("NaN", np.isnan), ("infinite", np.isinf)):
        count = np.count_nonzero(kind(values) & evidence.disagrees)
        if count:
            yield f"{name} at {count} of {values.size} entries where `f` has a derivative, or one on either side"
