"""Run scripts, each in a process forked from this one, which has imported what scripts import and done nothing else.

Importing the libraries takes a process 1.5 s, Numba's first compilation 2 s more. A line of standard input is a script
with its environment and the files for its output; the line of standard output in reply is the exit status.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import traceback
import types
import warnings
from typing import Any

import numba
import numpy as np
from scipy import special  # noqa: F401

import fastgrad.differentiation  # noqa: F401


def run(task: dict[str, Any]) -> int:
    """Run the script of a task as ``python -c`` does, and return its exit status."""
    os.environ.clear()
    os.environ.update(task["environment"])
    os.chdir(task["folder"])
    for descriptor, file in enumerate((os.devnull, task["output"], task["errors"])):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv, sys.path[0], status = ["-c", *task["arguments"]], "", 0
    try:
        exec(compile(task["script"], "<string>", "exec"), vars(main))  # noqa: S102
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def serve() -> None:
    """Answer one task after the other until standard input ends."""
    numba.cfunc("f8(f8)")(lambda x: np.sin(x) * x)
    for line in sys.stdin:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the threads that BLAS has at a fork
            child = os.fork()
        if child == 0:
            os._exit(run(json.loads(line)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
