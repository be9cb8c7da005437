"""Functions of one variable with points and true derivatives, to develop and to judge rules on.

`CASES` holds them, in `FAMILIES` from elementary functions to noise and kinks. `truth` gives the first and the second
derivative at the points of a case, right to the last digit, `sides` the left and the right derivative, `known` every
stored column; `measure` runs a method over the cases. Imports no other package of fastgrad. Begin reading in `_case`.

Examples
--------
>>> import numpy as np, fastgrad as fg
>>> from fastgrad.corpus import CASES, truth
>>> case = next(case for case in CASES if case.name == "squire_trapp")
>>> error = abs(fg.derivative(case.f, case.x) - truth(case))
>>> bool(np.max(error / abs(truth(case))) < 1e-10)
True
"""

from ._case import Case, batched
from ._high_precision import BITS, differentiate, evaluate, slope_scale
from ._measure import CASES, FAMILIES, Figures, judge, known, measure, sides, truth

__all__ = ["BITS", "CASES", "FAMILIES", "Case", "Figures", "batched", "differentiate", "evaluate", "judge", "known",
           "measure", "sides", "slope_scale", "truth"]  # fmt: skip
