"""Where the wings meet: how accurate, how fast and how costly methods are, against derivatives that are known.

`accuracy` compares methods. Beside functions and rules it takes a `Problem`, which is a function with its points and
perhaps its derivative in closed form, and a `Method`, which is a way to differentiate that is not in here yet; one that
gives error bars says what it found as an `Answer`.
"""

from ._accuracy import accuracy
from ._method import Answer, Method
from ._problems import Problem

__all__ = ["Answer", "Method", "Problem", "accuracy"]
