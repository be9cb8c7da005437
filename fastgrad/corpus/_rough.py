"""Functions with noise of a known size (float32, rounding, solvers, tables), and with kinks and steps."""

from __future__ import annotations

import math

import numpy as np

from .._typing import Argument
from ._case import Mathematics, family

noisy = family("noisy", kind="noisy")
kinks = family("kinks", kind="kink")

KNOTS = np.linspace(-4.0, 4.0, 161)
SINES = np.sin(KNOTS)


def noise(x: Argument) -> Argument:
    """Deterministic noise in (-1, 1): the bits of `x` hashed."""
    bits = np.asarray(x, dtype=np.float64).view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    bits = (bits ^ (bits >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return ((bits ^ (bits >> np.uint64(33))) >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0


def single_sigmoid(x: Argument) -> Argument:
    """Evaluate a sigmoid that runs in float32."""
    x32 = np.asarray(x, dtype=np.float32)
    return (np.float32(1) / (np.float32(1) + np.exp(-x32))).astype(np.float64)


def single_inside(x: Argument) -> Argument:
    """Float64 outside, one float32 step inside."""
    inner = np.asarray(np.sin(x)).astype(np.float32).astype(np.float64)
    return x * x + inner


def single_table(x: Argument) -> Argument:
    """Float32 weights and sums, as an exported network has them."""
    x32 = np.asarray(x, dtype=np.float32)
    out = np.tanh(np.float32(0.7) * x32 + np.float32(0.1)) - np.float32(0.5) * np.tanh(x32 * np.float32(1.9))
    return out.astype(np.float64)


def _single_table(m: Mathematics, x: Argument) -> Argument:
    w = [m.mpf(float(np.float32(v))) for v in (0.7, 0.1, 1.9)]
    return m.tanh(w[0] * x + w[1]) - m.tanh(x * w[2]) / 2


def kepler(mean: float) -> float:
    """Eccentric anomaly by fixed-point iteration to 1e-8."""
    e, eccentric = 0.3, mean
    for _ in range(200):
        new = mean + e * math.sin(eccentric)
        if abs(new - eccentric) < 1e-8:
            return new
        eccentric = new
    return eccentric


def _kepler(m: Mathematics, x: Argument) -> Argument:
    """Kepler's equation by Newton's method."""
    eccentric = x + 0.3 * m.sin(x)
    for _ in range(14):
        eccentric -= (eccentric - 0.3 * m.sin(eccentric) - x) / (1 - 0.3 * m.cos(eccentric))
    return eccentric


def bisection_root(a: float) -> float:
    """Evaluate the root of y^3 + y = a by bisection to 1e-10."""
    lo, hi = -10.0, 10.0
    while hi - lo > 1e-10:
        mid = 0.5 * (lo + hi)
        if mid**3 + mid < a:
            lo = mid
        else:
            hi = mid
    return 0.5 * (lo + hi)


def _cubic_root(m: Mathematics, a: Argument) -> Argument:
    """Evaluate the same root by Cardano's formula."""
    s = m.sqrt(a * a / 4 + m.mpf(1) / 27)
    return m.cbrt(s + a / 2) - m.cbrt(s - a / 2)


def newton_sqrt(a: float) -> float:
    """Square root by Newton's method, stopped at 1e-6 relative."""
    if a < 0:
        return math.nan
    y = a if a > 1 else 1.0
    while abs(y * y - a) > max(1e-6 * a, 1e-300):
        y = 0.5 * (y + a / y)
    return y


def simpson(x: float) -> float:
    """Evaluate the integral of exp(-t^2) from 0 to x by Simpson's rule with 64 intervals."""
    h = x / 64.0
    total = 1.0 + math.exp(-x * x)
    for i in range(1, 64):
        total += (4.0 if i % 2 else 2.0) * math.exp(-((i * h) ** 2))
    return total * h / 3.0


def euler_ode(rate: float) -> float:
    """Logistic growth at time 2 by 2000 Runge-Kutta steps of order 2, as a function of the rate."""
    y, dt = 0.1, 1e-3
    for _ in range(2000):
        k1 = rate * y * (1 - y)
        z = y + dt * k1
        y += 0.5 * dt * (k1 + rate * z * (1 - z))
    return y


def table(x: Argument) -> Argument:
    """Cubic interpolation in a table of sines with spacing 0.05, Catmull-Rom."""
    i = np.clip(np.floor((x + 4.0) / 0.05).astype(int), 1, 158)
    t = (x - KNOTS[i]) / 0.05
    a, b, c, d = SINES[i - 1], SINES[i], SINES[i + 1], SINES[i + 2]
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def relu(x: float) -> float:
    """Evaluate the rectifier with an if."""
    if x > 0:
        return x
    return 0.0


def huber(r: Argument) -> Argument:
    """Huber's loss with threshold 1.5: a jump of the second derivative."""
    a = np.abs(r)
    return np.where(a <= 1.5, 0.5 * a**2, 1.5 * (a - 0.75))


def spline(x: float) -> float:
    """Evaluate a cubic spline with knots 0, 1, 2; twice differentiable."""
    y = x**3 / 6.0
    if x > 0:
        y -= 2.0 * x**3 / 6.0
    if x > 1:
        y += 3.0 * (x - 1.0) ** 3 / 6.0
    if x > 2:
        y -= 4.0 * (x - 2.0) ** 3 / 6.0
    return y


def tax(income: float) -> float:
    """Evaluate a tax with brackets."""
    if income <= 10_000.0:
        return 0.0
    if income <= 40_000.0:
        return 0.2 * (income - 10_000.0)
    return 6_000.0 + 0.42 * (income - 40_000.0)


def _tax(m: Mathematics, x: Argument) -> Argument:
    # without rounding 0.2 * 30_000 is not 6_000, and the brackets would not join
    return 0.2 * max(x - 10_000, m.mpf(0)) + (m.mpf(0.42) - 0.2) * max(x - 40_000, m.mpf(0))


def smooth_join(x: Argument) -> Argument:
    """Evaluate a sine left of 1, its Taylor cubic right of it: a jump of the fourth derivative only."""
    t = x - 1.0
    s, c = math.sin(1.0), math.cos(1.0)
    return np.where(x < 1, np.sin(x), s + t * (c + t * (-s / 2 - t * c / 6)))


CASES = (
    noisy("float32_sigmoid", single_sigmoid, lambda m, x: 1 / (1 + m.exp(-x)), tolerance=1e-3, agree=1e-6),
    noisy("float32_inside", single_inside, lambda m, x: x * x + m.sin(x), tolerance=1e-3, agree=1e-6),
    noisy("float32_network", single_table, _single_table, tolerance=1e-3, agree=1e-5),
    noisy("rounded_6_digits", lambda x: np.round(np.exp(x / 2.0), 6), lambda m, x: m.exp(x / 2), tolerance=1e-3,
          agree=1e-5),
    noisy("printed_8_digits", lambda x: float(f"{math.log(x) * x:.8g}"), lambda m, x: x * m.log(x), tolerance=1e-4,
          agree=1e-6),
    noisy("kepler_1e-8", kepler, _kepler, tolerance=1e-4, slope=lambda m, x: 1 / (1 - 0.3 * m.cos(_kepler(m, x))),
          agree=1e-7),
    noisy("bisection_1e-10", bisection_root, _cubic_root, tolerance=1e-5, agree=1e-9),
    noisy("newton_sqrt_1e-6", newton_sqrt, lambda m, x: m.sqrt(x), tolerance=1e-2, agree=1e-5),
    noisy("simpson", simpson, lambda m, x: m.sqrt(m.pi) / 2 * m.erf(x), tolerance=1e-4, agree=1e-7),
    noisy("rk2_logistic", euler_ode, lambda m, r: 1 / (1 + 9 * m.exp(-2 * r)), tolerance=1e-4, agree=1e-5),
    noisy("cubic_table", table, lambda m, x: m.sin(x), tolerance=5e-3, agree=1e-3),
    noisy("noise_1e-12", lambda x: np.sin(x) * (1 + 1e-12 * noise(x)), lambda m, x: m.sin(x), tolerance=1e-6,
          agree=1e-11),
    noisy("noise_1e-10", lambda x: np.exp(x) * (1 + 1e-10 * noise(x)), lambda m, x: m.exp(x), tolerance=1e-5,
          agree=1e-9),
    noisy("noise_1e-8", lambda x: np.cos(x) + 1e-8 * noise(x), lambda m, x: m.cos(x), tolerance=1e-4, agree=1e-6),
    noisy("noise_1e-6", lambda x: np.log(x) * x + 1e-6 * noise(x), lambda m, x: x * m.log(x), tolerance=1e-3,
          agree=1e-4),
    noisy("noise_1e-4", lambda x: x * x * (1 + 1e-4 * noise(x)), lambda m, x: x * x, tolerance=1e-2, agree=1e-3),
    noisy("noise_1e-3", lambda x: x**3 * (1 + 1e-3 * noise(x)), lambda m, x: x**3, tolerance=3e-2, agree=1e-2),
    kinks("abs", abs, lambda m, x: abs(x)),
    kinks("abs_far", lambda x: np.abs(x - 1000.0) + 0.5 * x),
    kinks("abs_curved", lambda x: np.exp(x) * np.abs(np.sin(3.0 * x))),
    kinks("relu", relu),
    kinks("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
    kinks("max_of_two", lambda x: np.maximum(np.sin(x), np.cos(x))),
    kinks("min_cubic", lambda x: np.minimum(x**3, 2.0 - x)),
    kinks("x_abs_x", lambda x: x * abs(x), slope=lambda m, x: 2 * abs(x)),
    kinks("huber", huber),
    kinks("spline", spline),
    kinks("tax", tax, _tax),
    kinks("triangle", lambda x: np.abs((x % 1.0) - 0.5)),
    kinks("staircase", lambda x: np.sin(x) + np.floor(4.0 * x) / 10.0),
    kinks("floor", math.floor),
    kinks("sign_root", lambda x: np.sign(x) * np.sqrt(np.abs(x))),
    kinks("smooth_join", smooth_join),
)  # fmt: skip
