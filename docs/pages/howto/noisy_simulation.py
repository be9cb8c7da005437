r"""
Sensitivities of a noisy simulation
===================================

A simulation is a *black box* whose values carry noise: it runs in single precision, a solver chooses its steps, an
iteration stops early. A small step then amplifies the noise. This page shows how the default method finds a good step,
and what its error bar says.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

# %%
# The simulation is the flight of a ball with drag, 400 time steps in single precision. Its argument is the drag
# coefficient, its value the distance after two seconds.


def distance(drag, dtype=np.float32):
    drag = np.asarray(drag, dtype=dtype)
    x, v, w = np.zeros_like(drag), np.full_like(drag, 20), np.full_like(drag, 15)
    dt = dtype(0.005)
    for _ in range(400):
        speed = np.sqrt(v * v + w * w)
        x = x + dt * v
        v, w = (
            v - dt * drag * speed * v,
            w - dt * (drag * speed * w + dtype(9.81)),
        )
    return x


# %%
# A fixed step of 1e-8 is fine for exact values and useless here. The adaptive rule sees the noise and takes wider steps.
# Its error bar is wide, because more cannot be known. The truth is computed in double precision.
drag = np.linspace(0.02, 0.2, 40)
exact = fg.derivative(lambda d: distance(d, np.float64), drag)
naive = (distance(drag + 1e-8) - distance(drag - 1e-8)) / 2e-8
result = fg.derivative(distance, drag, full_output=True)
print(f"derivative:               {exact.min():.0f} to {exact.max():.0f}")
print(f"largest error, step 1e-8: {abs(naive - exact).max():.0e}")
print(f"largest error, adaptive:  {abs(result.df - exact).max():.0e}")
print(
    f"within the bar:           {np.mean(abs(result.df - exact) <= result.error):.0%}"
)

# %%
plt.figure()
plt.semilogy(drag, abs(naive - exact), ".", label="error, step 1e-8")
plt.semilogy(drag, result.error, "--", label="error bar, adaptive")
plt.semilogy(drag, abs(result.df - exact), ".", label="error, adaptive")
plt.xlabel("drag coefficient")
plt.ylabel("error of the derivative")
plt.legend()

# %%
# The V-curve at one point. Rounding is half a billion times larger than in double precision, so the best steps are wide.
fg.plot_error(
    distance, 0.1, truth=fg.derivative(lambda d: distance(d, np.float64), 0.1)
)

# %%
# Read the status
# ---------------
#
# ``TOLERANCE_NOT_REACHED`` says that the bar is wider than a millionth of the local slope. The value is still the best
# that could be had, and the bar says how good it is.
print(
    {
        fg.Status(s).name: int(np.sum(result.status == s))
        for s in np.unique(result.status)
    }
)

# %%
# To accept more, say what you need: ``fg.adaptive(rtol=1e-3)``.
result = fg.derivative(
    distance, drag, method=fg.adaptive(rtol=1e-3), full_output=True
)
print(
    {
        fg.Status(s).name: int(np.sum(result.status == s))
        for s in np.unique(result.status)
    }
)

# %%
# Random numbers
# --------------
#
# A Monte-Carlo simulation must use the *same* random numbers at all steps. Fix the seed inside the function, or draw
# the numbers once outside.
normal = np.random.default_rng(0).normal(size=2000)


def expected_payoff(spot):
    return np.mean(
        np.maximum(np.multiply.outer(spot, np.exp(0.2 * normal - 0.02)) - 100, 0),
        axis=-1,
    )


slope = fg.derivative(expected_payoff, 105.0, full_output=True)
print(f"{slope.df:.3f}", fg.Status(slope.status).name)

# %%
# The result is the derivative of the simulated mean, which is piecewise linear in the spot. It is not the derivative of
# the true expectation; more random numbers bring the two together.
#
# A simulation that is wrong in the same way at all points is not noisy. The bar cannot know that: see
# :doc:`/explanation/promises`.
