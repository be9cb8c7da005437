r"""
Measurements
============

The tables on this page are read from ``bench/results.json``. They were measured on one machine, in one run for each
table. The machine and the versions:
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

results = json.loads(Path("../../../bench/results.json").read_text())
print(", ".join(f"{name}: {value}" for name, value in results["about"].items()))

# %%
# The commands at the end of this page measure everything anew.
#
# The development corpus
# ----------------------
#
# Elementary, neural, special and noisy functions, finance and physics in awkward units, kinks, poles, edges, with
# derivatives known to the last digit.
#
# - *missed*: share of attainable points with an error beyond 1e-6 of the local slope, more where the function is noisy.
#   A point is attainable if some difference of order 2 to 8 gets there.
# - *bar holds*: share of points whose error is within the bar that the method gives.
# - *wrong*: share beyond the tolerance and ten bars, reported as a success.
# - *NaN*: share without a result though the derivative exists.
# - *speed*: the median over six compiled functions, SciPy being 1, at the points of the corpus, which are harder than
#   most; the last table has smooth points.


def percent(values):
    return values.map(lambda v: "-" if pd.isna(v) else f"{100 * v:.2g} %")


corpus = pd.DataFrame(results["corpus"]).set_index("method")
shown = pd.DataFrame(
    {
        "missed": percent(corpus.missed),
        "bar holds": percent(corpus.covered),
        "wrong": percent(corpus.wrong),
        "NaN": percent(corpus["nan"]),
        "median error": corpus.median_error.map("{:.0e}".format),
        "evaluations": corpus.median_nfev.map("{:.0f}".format),
        "speed": corpus.speedup.map("{:.3g}".format),
    }
)
shown.rename_axis(
    f"{corpus.functions.iloc[0]} functions, {corpus.points.iloc[0]:,} points",
    axis="columns",
)

# %%
plt.figure()
for method, row in corpus.iterrows():
    plt.loglog(
        row.speedup, max(row.missed, 1e-4), "o", markersize=8, label=method
    )
plt.xlabel("speed, SciPy being 1")
plt.ylabel("share of points missed")
plt.title("Down and to the right is better")
plt.legend(fontsize="small")

# %%
# Real functions and gates
# ------------------------
#
# Up to a million random points a function. Errors are relative to the local slope, medians over the functions. *off*
# is the share of points with an error beyond 1e-6.


def summary(group):
    lines = pd.DataFrame(
        [line for line in results["summary"] if line["group"] == group]
    ).set_index("method")
    return pd.DataFrame(
        {
            "median error": lines.median_error.map(
                lambda v: "-" if pd.isna(v) else f"{v:.0e}"
            ),
            "off": percent(lines.off),
            "ns per point": lines.nanoseconds.map(
                lambda v: "-" if pd.isna(v) else f"{v:,.1f}"
            ),
            "evaluations": lines.evaluations.map(
                lambda v: "-" if pd.isna(v) else f"{v:.3g}"
            ),
        }
    ).rename_axis(f"{lines.functions.iloc[0]} functions", axis="columns")


summary("function")

# %%
# The same for the derivatives of gates:
summary("gate")

# %%
# Speed
# -----
#
# Nanoseconds per point, the least of a few runs. *exact gradient* is compiled by
# JAX, *copy* is a copy of the arrays. *called* means that the function was not compiled.
speed = pd.DataFrame(results["speed"]).T.rename(
    columns={"jax": "exact gradient", "numpy": "NumPy", "scipy": "SciPy"}
)
speed.index = speed.index.str.removeprefix("goal: ")
speed.map(lambda v: "" if pd.isna(v) else f"{v:,.1f}")

# %%
# Measure anew
# ------------
#
# .. code-block:: console
#
#     $ fastgrad report --json > report.json
#     $ pytest bench --benchmark-json=benchmarks.json
#     $ python -m bench.tables --report report.json --benchmarks benchmarks.json
