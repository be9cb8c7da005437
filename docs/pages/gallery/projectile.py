r"""
Physics: how exact must the aim be?
===================================

A ball is thrown with drag. The derivative of the distance with respect to the angle says how far a mistake of one degree
leads. At the angle of the longest throw it is zero.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg


def distance(angle, drag=0.02):
    angle = np.asarray(angle, dtype=float)
    x, y = np.zeros_like(angle), np.zeros_like(angle)
    v, w = 30 * np.cos(angle), 30 * np.sin(angle)
    dt, landed = 0.002, np.full_like(angle, np.nan)
    for _ in range(2500):
        speed = np.hypot(v, w)
        last_x, last_y = x, y
        x, y = x + dt * v, y + dt * w
        v, w = v - dt * drag * speed * v, w - dt * (drag * speed * w + 9.81)
        lands = np.isnan(landed) & (y < 0)
        landed = np.where(
            lands,
            last_x + (x - last_x) * last_y / np.where(lands, last_y - y, 1),
            landed,
        )
    return landed


degrees = np.linspace(10, 75, 120)
slope = fg.derivative(distance, np.radians(degrees), full_output=True)

plt.figure()
plt.plot(degrees, distance(np.radians(degrees)), label="distance in metres")
plt.plot(degrees, np.radians(1) * slope.df, label="metres per degree")
plt.axhline(0, color="C7", linewidth=0.8)
plt.xlabel("angle in degrees")
plt.title("A throw with drag")
plt.legend()
