"""Why a function cannot be traced: an error that names the line in it and the remedy."""

from __future__ import annotations

import inspect
import linecache
import os
import threading

import numpy as np

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_NUMPY = os.path.dirname(np.__file__) + os.sep

#: What this thread is tracing: `codes`, those of the user's function and of its helpers; and `inside`, the function of
#: NumPy's that is at work on nodes in its own way; `refused`, a list of what was refused, whether or not `f` goes on.
running = threading.local()


def refusal(what: str, remedy: str) -> TypeError:
    """Error that names the line of the user's function that cannot be traced."""
    frames = []
    frame = inspect.currentframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    known = getattr(running, "codes", None) or ()
    theirs = [f for f in frames if f.f_code in known]
    theirs += [f for f in frames if not f.f_code.co_filename.startswith((_PACKAGE, _NUMPY))]
    path, line = theirs[0].f_code.co_filename, theirs[0].f_lineno
    text = linecache.getline(path, line).strip()
    if inside := getattr(running, "inside", None):
        what = f"`np.{inside}` asks for {what}"
    where = f"{path}:{line}, `{text}`" if text else f"{path}:{line}"
    if (refused := getattr(running, "refused", None)) is not None:
        refused.append(what)
    return TypeError(f"`f` cannot be traced at {where}: {what}. {remedy}.")
