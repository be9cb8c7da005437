"""The result of a check: verdicts with the two derivatives beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ._table import plain, text
from ._verdicts import Verdict


@dataclass(frozen=True, eq=False, repr=False)
class Check:
    """Result of `check`: true when something could be decided and nothing disagrees. Its `repr` is a table.

    It pickles, and ``to_dict()`` is for JSON.

    Attributes
    ----------
    verdict : ndarray of int8
        A `Verdict` for every entry.
    analytic, numerical : ndarray of float64 or complex128
        The two derivatives that were compared, of one shape: that of ``fg.derivative`` and so on, with an axis for
        `wrt` in front when that was a tuple.
    error : ndarray of float64
        Error bound of the numerical derivative, in the same units.
    excess : ndarray of float64
        How far the two are apart, in units of what bound and rounding allow: above 1 they differ.
    patterns : tuple of str
        What the mistakes have in common: at most one kind of mistake and one place, in words for people, which may
        change from version to version. Empty if nothing is wrong, or if no pattern fits.
    of, title : str
        What was checked, and the names of the two functions.
    args, wrt, names : tuple
        The points, the arguments that were differentiated in, and the names of all arguments.
    labels : tuple
        For each axis of the entries the labels of xarray or pandas, or None; empty without any.

    Examples
    --------
    >>> import numpy as np, fastgrad as fg
    >>> result = fg.check(np.sin, lambda x: 1.001 * np.cos(x), np.linspace(-1, 1, 9))
    >>> bool(result), result.counts["DISAGREES"], float(abs(result.analytic / result.numerical - 1.001).max()) < 1e-12
    (False, 9, True)
    """

    verdict: Any
    analytic: Any
    numerical: Any
    error: Any
    excess: Any
    patterns: tuple[str, ...]
    of: str
    title: str
    args: tuple[Any, ...] = ()
    wrt: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ()
    labels: tuple[Any, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many entries got which verdict, by the verdict's name."""
        return {v.name: int(np.count_nonzero(self.verdict == v)) for v in Verdict}

    @property
    def decided(self) -> bool:
        """Whether anything could be decided: an entry with a derivative agrees or disagrees, or most are kinks."""
        counts = self.counts
        agrees = (self.verdict == Verdict.AGREES) & np.isfinite(self.numerical)
        return bool(agrees.any()) or counts["DISAGREES"] > 0 or counts["KINK"] > counts["UNDECIDED"]

    def __bool__(self) -> bool:
        """Tell whether something could be decided, and nothing disagrees."""
        return self.decided and not np.any(self.verdict == Verdict.DISAGREES)

    def raise_if_wrong(self) -> Self:
        """Return the check; raise an AssertionError with the whole table if it is not true.

        Examples
        --------
        >>> import numpy as np, fastgrad as fg
        >>> fg.check(np.sin, np.cos, [0.5, 1.0]).raise_if_wrong().counts["AGREES"]
        2
        >>> fg.check(np.sin, lambda x: -np.cos(x), [0.5]).raise_if_wrong()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        AssertionError: Check of the derivative, <lambda> against sin: 1 of 1 entry disagrees
        ...
        """
        if not self:
            raise AssertionError(repr(self))
        return self

    def __repr__(self) -> str:
        """Print counts, patterns and a table of the worst entries."""
        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return ``title``, ``of``, ``agrees``, ``decided``, ``counts``, ``patterns``, and ``worst``, ten entries.

        All are plain values for JSON: what is not finite becomes None, what is complex a pair.
        """
        return plain(self)
