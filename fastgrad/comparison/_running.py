"""Running methods: without a word, against a clock, and for no longer than anybody would wait."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np


@contextmanager
def quietly() -> Iterator[None]:
    """Run without warnings: a report says itself what there is to say."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, and what it returns."""
    start = perf_counter()
    result = run()
    return perf_counter() - start, result


def affordable(count: int, seconds: float, patience: float) -> int:
    """Points that take no longer than `patience`, at so many seconds each: `count`, a tenth, a hundredth ... of it."""
    while count > 1000 and seconds * count > patience:
        count //= 10
    return count
