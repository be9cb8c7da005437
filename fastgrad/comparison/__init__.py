"""Methods of differentiation compared: accuracy, speed and cost, against derivatives that are known.

`accuracy` compares methods on functions. A `Problem` is a function with its points and perhaps its derivative in closed
form, a `Method` a way to differentiate that fastgrad does not have, and an `Answer` what a method with error bounds
returns. Imports the packages of derivatives, `corpus` and `report`. Begin reading in `_accuracy`, then `_trial`; the
default report is in `standard`.
"""

from ._accuracy import REPORT_POINTS, accuracy
from ._catalogue import standard_functions
from ._methods import Answer, Method, chosen_methods, judged_methods, standard_methods
from ._problems import Problem, problem_of
from ._timing import SPEED_POINTS, speed

__all__ = ["REPORT_POINTS", "SPEED_POINTS", "Answer", "Method", "Problem", "accuracy", "chosen_methods",
           "judged_methods", "problem_of", "speed", "standard_functions", "standard_methods"]  # fmt: skip
