"""Where differences lose digits: oscillation, poles, ends of domains, scales, saturation, cancellation."""

from __future__ import annotations

import math

import numpy as np
from scipy import special as sc

from .._typing import Argument
from ._case import family

oscillating = family("oscillating")
singular = family("singular")
boundary = family("boundary")
scaled = family("scaled")
flat = family("flat")
cancelling = family("cancelling")

def weierstrass(x: Argument) -> Argument:
    """Eight terms of Weierstrass's function: smooth, but hardly."""
    total = 0.0
    for k in range(8):
        total = total + 0.5**k * np.cos(3.0**k * x)
    return total


def potential(r: Argument) -> Argument:
    """Evaluate the Lennard-Jones potential towards the core."""
    s = (1.0 / r) ** 6
    return 4.0 * (s * s - s)


def bump(x: float) -> float:
    """Evaluate the smooth bump with compact support."""
    if abs(x) >= 1.0:
        return 0.0
    return math.exp(-1.0 / (1.0 - x * x))


def smoothstep(x: Argument) -> Argument:
    """Hermite's step between 0 and 1."""
    t = np.clip(x, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def heron(a: float) -> float:
    """Area of a triangle with sides a, 1 and 1 by Heron's formula."""
    s = (a + 2.0) / 2.0
    return math.sqrt(s * (s - a) * (s - 1.0) * (s - 1.0))


CASES = (
    oscillating("sin_30x", lambda x: np.sin(30.0 * x), slope=lambda m, x: 30 * m.cos(30 * x)),
    oscillating("sin_198x", lambda x: np.sin(198.0 * x), slope=lambda m, x: 198 * m.cos(198 * x)),
    oscillating("sin_1000x", lambda x: math.sin(1000.0 * x), slope=lambda m, x: 1000 * m.cos(1000 * x)),
    oscillating("cos_2pi_k", lambda x: np.cos(64 * np.pi * x)),
    oscillating("exp_sin_50x", lambda x: np.exp(np.sin(50.0 * x))),
    oscillating("modulated", lambda x: (1 + 0.01 * np.sin(700.0 * x)) * np.exp(-x)),
    oscillating("small_ripple", lambda x: x + 1e-4 * np.sin(500.0 * x),
                slope=lambda m, x: 1 + m.mpf(1e-4) * 500 * m.cos(500 * x)),
    oscillating("sin_one_over_x", lambda x: np.sin(1 / x), slope=lambda m, x: -m.cos(1 / x) / x**2),
    oscillating("x2_sin_one_over_x", lambda x: x * x * math.sin(1 / x) if x else 0.0),
    oscillating("chirp", lambda x: np.sin(x**2), slope=lambda m, x: 2 * x * m.cos(x * x)),
    oscillating("sin_of_exp", lambda x: np.sin(np.exp(x)), slope=lambda m, x: m.exp(x) * m.cos(m.exp(x))),
    oscillating("sin_large", np.sin, slope=lambda m, x: m.cos(x)),
    oscillating("weierstrass_8", weierstrass),
    oscillating("chebyshev_60", lambda x: np.cos(60 * np.arccos(x))),
    oscillating("j0_fast", lambda x: sc.j0(200.0 * x), slope=lambda m, x: -200 * m.besselj(1, 200 * x)),
    singular("tan_pole", np.tan, slope=lambda m, x: 1 + m.tan(x) ** 2),
    singular("pole_at_pi", lambda x: 1 / (x - 3.141592653589793),
             slope=lambda m, x: -1 / (x - m.mpf(3.141592653589793)) ** 2),
    singular("log_near_0", math.log, slope=lambda m, x: 1 / x),
    singular("sqrt_near_0", np.sqrt, slope=lambda m, x: 1 / (2 * m.sqrt(x))),
    singular("double_pole", lambda x: 1 / (x * x - 1), slope=lambda m, x: -2 * x / (x * x - 1) ** 2),
    singular("log_abs", lambda x: np.log(np.abs(x - 5.0)), slope=lambda m, x: 1 / (x - 5)),
    singular("lennard_jones", potential),
    singular("narrow_peak", lambda x: 1 / (1 + 1e12 * (x - 0.3) ** 2)),
    singular("cot", lambda x: 1 / np.tan(x), slope=lambda m, x: -1 / m.sin(x) ** 2),
    singular("log_log", lambda x: np.log(np.log(x))),
    singular("exp_one_over", lambda x: np.exp(1 / x), slope=lambda m, x: -m.exp(1 / x) / x**2),
    boundary("half_circle", lambda x: np.sqrt(1 - x**2), slope=lambda m, x: -x / m.sqrt(1 - x * x)),
    boundary("x_log_x", lambda x: x * np.log(x), slope=lambda m, x: m.log(x) + 1),
    boundary("arcsin", np.arcsin, slope=lambda m, x: 1 / m.sqrt(1 - x * x)),
    boundary("acos_math", math.acos, slope=lambda m, x: -1 / m.sqrt(1 - x * x)),
    boundary("x_to_1.5", lambda x: x**1.5),
    boundary("x_to_2.5_numpy", lambda x: np.power(x, 2.5)),
    boundary("log1p", np.log1p, slope=lambda m, x: 1 / (1 + x)),
    boundary("acosh", np.arccosh),
    boundary("atanh_math", math.atanh, slope=lambda m, x: 1 / (1 - x * x)),
    boundary("sqrt_edge_linear", lambda x: np.sqrt(x) * x + 2 * x, slope=lambda m, x: 1.5 * m.sqrt(x) + 2),
    boundary("exp_of_root", lambda x: np.exp(-np.sqrt(x - 2.0))),
    boundary("one_sided_at_edge", lambda x: np.cos(x) + (1 - x) ** 2.5),
    scaled("square_any_scale", lambda x: x * x, slope=lambda m, x: 2 * x),
    scaled("cube_plus_any_scale", lambda x: x**3 + x, slope=lambda m, x: 3 * x * x + 1),
    scaled("log_any_scale", np.log, slope=lambda m, x: 1 / x),
    scaled("sqrt_any_scale", math.sqrt),
    scaled("offset_in_x", lambda x: (x - 1e10) ** 2 + 3 * (x - 1e10)),
    scaled("offset_in_f", lambda x: 1e10 + np.sin(x), tolerance=1e-3, slope=lambda m, x: m.cos(x)),
    scaled("offset_1e6", lambda x: 1e6 + np.exp(x)),
    scaled("values_1e-40", lambda x: 1e-40 * np.sin(x)),
    scaled("values_1e40", lambda x: 1e40 * np.cos(x)),
    scaled("planted_1e-8", lambda x: 1e-8 * x**2, slope=lambda m, x: 2 * m.mpf(1e-8) * x),
    scaled("argument_1e9", lambda x: np.tanh(1e9 * x)),
    scaled("argument_1e-9", lambda x: np.exp(-1e-9 * x)),
    scaled("exp_of_large", math.exp),
    scaled("two_scales", lambda x: np.exp(-x / 1e-3) + np.exp(-x / 1e3)),
    scaled("power_20", lambda x: x**20, slope=lambda m, x: 20 * x**19),
    scaled("inverse_square", lambda x: 1.0 / x**2),
    scaled("time_in_seconds", lambda t: 20.0 + 5.0 * np.sin(2 * np.pi * t / 86400.0)),
    scaled("log10_of_huge", lambda x: np.log10(x) ** 2),
    flat("tanh_saturated", np.tanh, slope=lambda m, x: m.sech(x) ** 2),
    flat("sigmoid_saturated", lambda x: 1 / (1 + np.exp(-x))),
    flat("exp_minus_one_over_x2", lambda x: math.exp(-1 / x**2) if x else 0.0),
    flat("bump", bump),
    flat("relu_left", lambda x: np.maximum(x, 0.0), kind="kink"),
    flat("clipped_wave", lambda x: np.clip(2.0 * np.sin(x), -1.0, 1.0), kind="kink"),
    flat("hard_tanh", lambda x: np.clip(x, -1.0, 1.0), kind="kink"),
    flat("smoothstep", smoothstep, kind="kink"),
    flat("gauss_tail", lambda x: np.exp(-x * x), slope=lambda m, x: -2 * x * m.exp(-x * x)),
    flat("erfc_steep", lambda x: 0.5 * math.erfc((0.5 - x) * 200.0)),
    flat("x_to_8", lambda x: (x - 1.0) ** 8, slope=lambda m, x: 8 * (x - 1) ** 7),
    flat("one_plus_tiny", lambda x: 1.0 + 1e-14 * x, tolerance=0.1),
    flat("rounding_step", lambda x: np.round(x, 1), kind="kink"),
    flat("saturating_exp", lambda x: 1.0 - np.exp(-np.abs(x) * 5.0), kind="kink", agree=1e-8),
    cancelling("expm1_over_x", lambda x: (np.exp(x) - 1) / x, tolerance=1e-4, agree=1e-7),
    cancelling("one_minus_cos", lambda x: (1 - np.cos(x)) / x**2, tolerance=1e-4, agree=1e-7),
    cancelling("root_difference", lambda x: math.sqrt(x + 1) - math.sqrt(x), tolerance=1e-4, agree=1e-7),
    cancelling("expanded_power", lambda x: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1,
               slope=lambda m, x: 6 * (x - 1) ** 5, tolerance=1e-4, agree=1e-5),
    cancelling("running_variance", lambda x: (x * x + 1001.0**2 + 999.5**2) / 3 - ((x + 1001.0 + 999.5) / 3) ** 2,
               agree=1e-11),
    cancelling("log_of_ratio", lambda x: np.log((1 + x) / (1 - x)) / x, tolerance=1e-4, agree=1e-12),
    cancelling("x_minus_sin", lambda x: (x - np.sin(x)) / x**3, tolerance=1e-3, agree=1e-8),
    cancelling("quadratic_root", lambda b: (-b + np.sqrt(b * b - 4.0)) / 2.0, tolerance=1e-3, agree=1e-6),
    cancelling("heron_needle", heron, agree=1e-10),
    cancelling("sinh_by_exp", lambda x: (np.exp(x) - np.exp(-x)) / 2, slope=lambda m, x: m.cosh(x), agree=1e-7),
    cancelling("log1p_naive", lambda x: np.log(1 + x), slope=lambda m, x: 1 / (1 + x), agree=1e-6),
    cancelling("difference_of_tans", lambda x: np.tan(x + 1e-5) - np.tan(x), tolerance=1e-3, agree=1e-10),
    cancelling("sum_with_big", lambda x: ((x + 1e8) - 1e8) ** 2, tolerance=1e-3, kind="noisy", agree=1e-7),
)  # fmt: skip
