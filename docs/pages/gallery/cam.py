r"""
Engineering: velocity, acceleration and jerk of a cam
=====================================================

A cam lifts a valve. Its designer looks at the first three derivatives of the lift: the acceleration gives the force,
and jumps of the third derivative, the *jerk*, give noise. The lift is a spline, joined at five angles.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.interpolate import make_interp_spline

import fastgrad as fg

angles = np.radians([0, 20, 40, 60, 80, 100, 120])
lift = make_interp_spline(
    angles,
    [0, 1.2, 5.8, 9, 5.8, 1.2, 0],
    k=5,
    bc_type=([(1, 0), (2, 0)], [(1, 0), (2, 0)]),
)
x = np.linspace(angles[0] + 1e-3, angles[-1] - 1e-3, 400)

figure, axes = plt.subplots(4, 1, sharex=True, figsize=(5.4, 6.4))
axes[0].plot(np.degrees(x), lift(x))
axes[0].set(ylabel="lift / mm", title="A cam and its derivatives")
for n, name in ((1, "velocity"), (2, "acceleration"), (3, "jerk")):
    df = fg.derivative(
        lift, x, method=fg.adaptive(n=n), bounds=(angles[0], angles[-1])
    )
    print(f"{name:12} largest error {abs(df - lift.derivative(n)(x)).max():.0e}")
    axes[n].plot(np.degrees(x), df, color=f"C{n}")
    axes[n].set(ylabel=name)
axes[-1].set(xlabel="angle in degrees")
