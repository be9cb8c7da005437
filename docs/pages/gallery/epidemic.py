r"""
Biology: what the peak of an epidemic depends on
================================================

The SIR model is solved as a black box. The derivatives of the height of its peak with respect to the contact rate and to
the recovery rate say which of the two matters more.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def peak(contact, recovery):
    """Largest share of infected people, by 600 steps of the midpoint rule."""
    contact, recovery = np.broadcast_arrays(contact, recovery)
    s, i = np.full(contact.shape, 0.999), np.full(contact.shape, 0.001)
    history = [i]
    dt = 0.25
    for _ in range(600):
        half_s, half_i = (
            s - dt / 2 * contact * s * i,
            i + dt / 2 * (contact * s - recovery) * i,
        )
        s, i = (
            s - dt * contact * half_s * half_i,
            i + dt * (contact * half_s - recovery) * half_i,
        )
        history.append(i)
    history = np.array(history)
    k = np.clip(np.argmax(history, axis=0), 1, 599)
    before, at, after = (
        np.take_along_axis(history, (k + d)[None], 0)[0] for d in (-1, 0, 1)
    )
    return at + (after - before) ** 2 / (
        8 * (2 * at - before - after)
    )  # the top of a parabola


contact = np.linspace(0.25, 0.8, 60)
by_contact, by_recovery = fg.derivative(
    peak, contact, 0.1, wrt=(0, 1), full_output=True
)

plt.figure()
plt.errorbar(
    contact,
    contact * by_contact.df,
    contact * by_contact.error,
    fmt=".",
    label="1 % more contacts",
)
plt.errorbar(
    contact,
    0.1 * by_recovery.df,
    0.1 * by_recovery.error,
    fmt=".",
    label="1 % faster recovery",
)
plt.xlabel("contact rate per day")
plt.ylabel("change of the peak, in percentage points")
plt.title("Sensitivity of the peak, with error bars")
plt.legend()
