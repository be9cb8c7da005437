"""
Millions of points from files
=============================

The command ``fastgrad derivative`` reads points block by block and writes derivatives block by block. The file may be
larger than memory.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import fastgrad as fg

# %%
# The function stands in a file of its own:
folder = Path(tempfile.mkdtemp())
(folder / "model.py").write_text("""\
import math

def f(x):
    return math.exp(-x) * math.sin(3 * x)
""")
np.save(folder / "points.npy", np.linspace(0, 5, 1_000_000))

# %%
# .. code-block:: console
#
#     $ fastgrad derivative model.py:f --input points.npy --output df.npy
command = [
    "derivative",
    "model.py:f",
    "--input",
    "points.npy",
    "--output",
    "df.npy",
]
done = subprocess.run(
    [sys.executable, "-m", "fastgrad", *command],
    cwd=folder,
    capture_output=True,
    text=True,
    check=True,
)
df = np.load(folder / "df.npy", mmap_mode="r")
x = np.load(folder / "points.npy", mmap_mode="r")
error = abs(df - np.exp(-x) * (3 * np.cos(3 * x) - np.sin(3 * x)))
print(df.shape, f"largest error below 1e-11: {error.max() < 1e-11}")

# %%
# The files may also be CSV or Parquet. `--columns` names the columns that are the arguments, `--wrt` says in which to
# differentiate, and `--full-output` writes error bars and statuses too. The result is moved to its place when it is
# complete; an interrupted run leaves nothing behind. See :doc:`/reference/command_line`.
#
# In Python, arrays of memory-mapped files work as they are, also for the result:
out = np.lib.format.open_memmap(
    folder / "again.npy", mode="w+", dtype=np.float64, shape=x.shape
)


def f(x):
    return np.exp(-x) * np.sin(3 * x)


fg.derivative(f, x, out=out)
print(bool(abs(out - df).max() < 1e-11))
