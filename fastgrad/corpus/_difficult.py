"""Where differences lose digits: oscillation, poles, ends of domains, scales, saturation, cancellation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ._case import decades, family, near, uniform

oscillating = family("oscillating")
singular = family("singular")
boundary = family("boundary")
scaled = family("scaled")
flat = family("flat")
cancelling = family("cancelling")

WITHIN_3 = (0.0, 1.0, *uniform(-3, 3, 20, 1001))
INSIDE = (0.0, 0.5, -0.5, *uniform(-0.99, 0.99, 10, 601))
TO_1 = (*near(1.0, 1e-12, 1e-1, 12, 602, "-"), *near(-1.0, 1e-12, 1e-1, 8, 603))
FROM_0 = (*decades(1e-12, 1e-1, 16, 604), *uniform(0.1, 3, 8, 605))
SATURATED = (30.0, -30.0, 20.0, 10.0, -5.0, *uniform(-25, 25, 15, 1201))
SMALL = (1e-8, *decades(1e-8, 1e-1, 14, 1301, "+-"), *uniform(-3, 3, 8, 1302))
MILD = (*decades(1e-3, 1, 14, 1303, "+-"), *uniform(-3, 3, 8, 1304))


def weierstrass(x: Any) -> Any:
    """Eight terms of Weierstrass's function: smooth, but hardly."""
    total = 0.0
    for k in range(8):
        total = total + 0.5**k * np.cos(3.0**k * x)
    return total


def potential(r: Any) -> Any:
    """Evaluate the Lennard-Jones potential towards the core."""
    s = (1.0 / r) ** 6
    return 4.0 * (s * s - s)


def bump(x: float) -> float:
    """Evaluate the smooth bump with compact support."""
    if abs(x) >= 1.0:
        return 0.0
    return math.exp(-1.0 / (1.0 - x * x))


def smoothstep(x: Any) -> Any:
    """Hermite's step between 0 and 1."""
    t = np.clip(x, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def heron(a: float) -> float:
    """Area of a triangle with sides a, 1 and 1 by Heron's formula."""
    s = (a + 2.0) / 2.0
    return math.sqrt(s * (s - a) * (s - 1.0) * (s - 1.0))


CASES = (
    oscillating("sin_30x", lambda x: np.sin(30.0 * x), WITHIN_3, slope=lambda m, x: 30 * m.cos(30 * x)),
    oscillating("sin_198x", lambda x: np.sin(198.0 * x), WITHIN_3, slope=lambda m, x: 198 * m.cos(198 * x)),
    oscillating("sin_1000x", lambda x: math.sin(1000.0 * x), WITHIN_3, slope=lambda m, x: 1000 * m.cos(1000 * x)),
    oscillating("cos_2pi_k", lambda x: np.cos(64 * np.pi * x), (0.125, 1.0, *uniform(-2, 2, 20, 1002))),
    oscillating("exp_sin_50x", lambda x: np.exp(np.sin(50.0 * x)), WITHIN_3),
    oscillating("modulated", lambda x: (1 + 0.01 * np.sin(700.0 * x)) * np.exp(-x), WITHIN_3),
    oscillating("small_ripple", lambda x: x + 1e-4 * np.sin(500.0 * x), WITHIN_3,
                slope=lambda m, x: 1 + m.mpf(1e-4) * 500 * m.cos(500 * x)),
    oscillating("sin_one_over_x", lambda x: np.sin(1 / x),
                (*decades(1e-4, 1, 24, 1003, "+-"), *uniform(0.01, 2, 10, 1004)),
                slope=lambda m, x: -m.cos(1 / x) / x**2),
    oscillating("x2_sin_one_over_x", lambda x: x * x * math.sin(1 / x) if x else 0.0,
                (0.0, *decades(1e-4, 1, 20, 1005, "+-"))),
    oscillating("chirp", lambda x: np.sin(x**2), (0.0, *uniform(0, 30, 20, 1006), 300.0),
                slope=lambda m, x: 2 * x * m.cos(x * x)),
    oscillating("sin_of_exp", lambda x: np.sin(np.exp(x)), (*uniform(-3, 7, 25, 1007), 8.5),
                slope=lambda m, x: m.exp(x) * m.cos(m.exp(x))),
    oscillating("sin_large", np.sin, (*decades(1e3, 1e9, 20, 1008, "+-"), 1e6, 1e8), slope=lambda m, x: m.cos(x)),
    oscillating("weierstrass_8", weierstrass, (0.0, *uniform(-2, 2, 15, 1009))),
    oscillating("chebyshev_60", lambda x: np.cos(60 * np.arccos(x)), (0.0, 0.99999, *uniform(-0.99, 0.99, 20, 1010))),
    oscillating("j0_fast", lambda x: sc.j0(200.0 * x), uniform(0.01, 3, 20, 1011),
                slope=lambda m, x: -200 * m.besselj(1, 200 * x)),
    singular("tan_pole", np.tan, (1.57, 1.5707, -1.57, 1.5707963, *near(math.pi / 2, 1e-8, 1, 20, 701, "-")),
             slope=lambda m, x: 1 + m.tan(x) ** 2),
    singular("pole_at_pi", lambda x: 1 / (x - 3.141592653589793), near(math.pi, 1e-9, 10, 24, 702, "+-"),
             slope=lambda m, x: -1 / (x - m.mpf(3.141592653589793)) ** 2),
    singular("log_near_0", math.log, decades(1e-300, 1e-2, 24, 703), slope=lambda m, x: 1 / x),
    singular("sqrt_near_0", np.sqrt, decades(1e-30, 1e-2, 24, 704), slope=lambda m, x: 1 / (2 * m.sqrt(x))),
    singular("double_pole", lambda x: 1 / (x * x - 1), near(1.0, 1e-7, 1, 20, 705, "+-"),
             slope=lambda m, x: -2 * x / (x * x - 1) ** 2),
    singular("log_abs", lambda x: np.log(np.abs(x - 5.0)), near(5.0, 1e-8, 10, 20, 706, "+-"),
             slope=lambda m, x: 1 / (x - 5)),
    singular("lennard_jones", potential, (1.0, 1.122462048309373, 0.05, *uniform(0.2, 4, 25, 707))),
    singular("narrow_peak", lambda x: 1 / (1 + 1e12 * (x - 0.3) ** 2), near(0.3, 1e-8, 1, 24, 708, "+-")),
    singular("cot", lambda x: 1 / np.tan(x), (*decades(1e-12, 1, 12, 709, "+-"), *near(math.pi, 1e-6, 1, 10, 710, "-")),
             slope=lambda m, x: -1 / m.sin(x) ** 2),
    singular("log_log", lambda x: np.log(np.log(x)), near(1.0, 1e-9, 10, 20, 711)),
    singular("exp_one_over", lambda x: np.exp(1 / x), (*decades(2e-3, 10, 16, 712), *decades(2e-2, 10, 8, 713, "-")),
             slope=lambda m, x: -m.exp(1 / x) / x**2),
    boundary("half_circle", lambda x: np.sqrt(1 - x**2), (1 - 1e-9, -1 + 1e-6, *INSIDE, *TO_1),
             slope=lambda m, x: -x / m.sqrt(1 - x * x)),
    boundary("x_log_x", lambda x: x * np.log(x), FROM_0, slope=lambda m, x: m.log(x) + 1),
    boundary("arcsin", np.arcsin, (*INSIDE, *TO_1), slope=lambda m, x: 1 / m.sqrt(1 - x * x)),
    boundary("acos_math", math.acos, (*INSIDE, *TO_1), slope=lambda m, x: -1 / m.sqrt(1 - x * x)),
    boundary("x_to_1.5", lambda x: x**1.5, (0.0, *FROM_0)),
    boundary("x_to_2.5_numpy", lambda x: np.power(x, 2.5), (0.0, *FROM_0)),
    boundary("log1p", np.log1p, near(-1.0, 1e-12, 1, 24, 606), slope=lambda m, x: 1 / (1 + x)),
    boundary("acosh", np.arccosh, near(1.0, 1e-12, 10, 24, 607)),
    boundary("atanh_math", math.atanh, (*INSIDE, *TO_1), slope=lambda m, x: 1 / (1 - x * x)),
    boundary("sqrt_edge_linear", lambda x: np.sqrt(x) * x + 2 * x, (0.0, *FROM_0),
             slope=lambda m, x: 1.5 * m.sqrt(x) + 2),
    boundary("exp_of_root", lambda x: np.exp(-np.sqrt(x - 2.0)), near(2.0, 1e-10, 5, 20, 608)),
    boundary("one_sided_at_edge", lambda x: np.cos(x) + (1 - x) ** 2.5, (1.0, *near(1.0, 1e-9, 2, 16, 609, "-"))),
    scaled("square_any_scale", lambda x: x * x, (0.0, *decades(1e-30, 1e12, 30, 1101, "+-")), slope=lambda m, x: 2 * x),
    scaled("cube_plus_any_scale", lambda x: x**3 + x, (0.0, *decades(1e-30, 1e12, 30, 1102, "+-")),
           slope=lambda m, x: 3 * x * x + 1),
    scaled("log_any_scale", np.log, decades(1e-30, 1e12, 30, 1103), slope=lambda m, x: 1 / x),
    scaled("sqrt_any_scale", math.sqrt, decades(1e-30, 1e12, 30, 1104)),
    scaled("offset_in_x", lambda x: (x - 1e10) ** 2 + 3 * (x - 1e10), near(1e10, 1e-2, 1e4, 20, 1105, "+-")),
    scaled("offset_in_f", lambda x: 1e10 + np.sin(x), uniform(-4, 4, 20, 1106), tolerance=1e-3,
           slope=lambda m, x: m.cos(x)),
    scaled("offset_1e6", lambda x: 1e6 + np.exp(x), uniform(-3, 3, 20, 1107)),
    scaled("values_1e-40", lambda x: 1e-40 * np.sin(x), uniform(-4, 4, 15, 1108)),
    scaled("values_1e40", lambda x: 1e40 * np.cos(x), uniform(-4, 4, 15, 1109)),
    scaled("planted_1e-8", lambda x: 1e-8 * x**2, (*uniform(-5, 5, 15, 1110), *decades(1e-6, 1e6, 8, 1111)),
           slope=lambda m, x: 2 * m.mpf(1e-8) * x),
    scaled("argument_1e9", lambda x: np.tanh(1e9 * x), (0.0, *decades(1e-14, 1e-8, 16, 1112, "+-"))),
    scaled("argument_1e-9", lambda x: np.exp(-1e-9 * x), (0.0, *decades(1e3, 1e10, 16, 1113))),
    scaled("exp_of_large", math.exp, (*uniform(-90, 90, 15, 1114), -300.0, 300.0, 700.0)),
    scaled("two_scales", lambda x: np.exp(-x / 1e-3) + np.exp(-x / 1e3), (0.0, *decades(1e-6, 1e4, 24, 1115))),
    scaled("power_20", lambda x: x**20, decades(1e-2, 1e4, 20, 1116, "+-"), slope=lambda m, x: 20 * x**19),
    scaled("inverse_square", lambda x: 1.0 / x**2, decades(1e-15, 1e15, 24, 1117, "+-")),
    scaled("time_in_seconds", lambda t: 20.0 + 5.0 * np.sin(2 * np.pi * t / 86400.0),
           (*uniform(1.6e9, 1.7e9, 20, 1118), 0.0)),
    scaled("log10_of_huge", lambda x: np.log10(x) ** 2, decades(1e2, 1e12, 16, 1119)),
    flat("tanh_saturated", np.tanh, SATURATED, slope=lambda m, x: m.sech(x) ** 2),
    flat("sigmoid_saturated", lambda x: 1 / (1 + np.exp(-x)), (-40.0, 40.0, -100.0, -600.0, *SATURATED)),
    flat("exp_minus_one_over_x2", lambda x: math.exp(-1 / x**2) if x else 0.0,
         (0.0, 0.01, 0.05, 0.1, -0.1, *uniform(0.1, 3, 15, 1202))),
    flat("bump", bump, (0.0, 1.0, -1.0, 0.999, 0.99, 1.001, 2.0, *uniform(-1.2, 1.2, 15, 1203))),
    flat("relu_left", lambda x: np.maximum(x, 0.0), (*decades(1e-6, 1e3, 16, 1204, "-"), *uniform(-5, -0.1, 8, 1205)),
         kind="kink"),
    flat("clipped_wave", lambda x: np.clip(2.0 * np.sin(x), -1.0, 1.0), uniform(-7, 7, 30, 1206), kind="kink"),
    flat("hard_tanh", lambda x: np.clip(x, -1.0, 1.0), (1.0001, -1.0001, 0.9999, 5.0, *uniform(-3, 3, 15, 1207)),
         kind="kink"),
    flat("smoothstep", smoothstep, (0.0, 1.0, -0.5, 1.5, 0.5, 1e-6, 1 - 1e-6, *uniform(-1, 2, 12, 1208)), kind="kink"),
    flat("gauss_tail", lambda x: np.exp(-x * x), (0.0, 6.0, 9.0, 15.0, 20.0, 26.0, *uniform(-8, 8, 12, 1209)),
         slope=lambda m, x: -2 * x * m.exp(-x * x)),
    flat("erfc_steep", lambda x: 0.5 * math.erfc((0.5 - x) * 200.0),
         (0.5, 0.51, 0.49, 0.6, 0.0, 2.0, *uniform(0.45, 0.55, 15, 1210))),
    flat("x_to_8", lambda x: (x - 1.0) ** 8, (1.0, 1.001, 0.99, 0.9, *uniform(-1, 3, 12, 1211)),
         slope=lambda m, x: 8 * (x - 1) ** 7),
    flat("one_plus_tiny", lambda x: 1.0 + 1e-14 * x, uniform(-3, 3, 10, 1212), tolerance=0.1),
    flat("rounding_step", lambda x: np.round(x, 1), uniform(-3, 3, 16, 1213), kind="kink"),
    flat("saturating_exp", lambda x: 1.0 - np.exp(-np.abs(x) * 5.0),
         (*decades(1e-9, 1, 12, 1214, "+-"), 3.0, 8.0, 50.0), kind="kink", agree=1e-8),
    cancelling("expm1_over_x", lambda x: (np.exp(x) - 1) / x, SMALL, tolerance=1e-4, agree=1e-7),
    cancelling("one_minus_cos", lambda x: (1 - np.cos(x)) / x**2, (*MILD, 1e-4), tolerance=1e-4, agree=1e-7),
    cancelling("root_difference", lambda x: math.sqrt(x + 1) - math.sqrt(x), (0.5, *decades(1, 1e8, 20, 1305)),
               tolerance=1e-4, agree=1e-7),
    cancelling("expanded_power", lambda x: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1,
               (*near(1.0, 1e-2, 1, 16, 1306, "+-"), 2.0, -1.0), slope=lambda m, x: 6 * (x - 1) ** 5, tolerance=1e-4,
               agree=1e-5),
    cancelling("running_variance", lambda x: (x * x + 1001.0**2 + 999.5**2) / 3 - ((x + 1001.0 + 999.5) / 3) ** 2,
               uniform(990, 1010, 16, 1307), agree=1e-11),
    cancelling("log_of_ratio", lambda x: np.log((1 + x) / (1 - x)) / x, MILD[:14] + (0.5, -0.5, 0.9), tolerance=1e-4,
               agree=1e-12),
    cancelling("x_minus_sin", lambda x: (x - np.sin(x)) / x**3, (*MILD, 0.01), tolerance=1e-3, agree=1e-8),
    cancelling("quadratic_root", lambda b: (-b + np.sqrt(b * b - 4.0)) / 2.0, (2.5, *decades(4, 1e5, 18, 1308)),
               tolerance=1e-3, agree=1e-6),
    cancelling("heron_needle", heron, (1.0, 1.9999, 1e-4, *uniform(0.1, 1.95, 12, 1309)), agree=1e-10),
    cancelling("sinh_by_exp", lambda x: (np.exp(x) - np.exp(-x)) / 2, SMALL, slope=lambda m, x: m.cosh(x), agree=1e-7),
    cancelling("log1p_naive", lambda x: np.log(1 + x), decades(1e-9, 1, 20, 1310), slope=lambda m, x: 1 / (1 + x),
               agree=1e-6),
    cancelling("difference_of_tans", lambda x: np.tan(x + 1e-5) - np.tan(x), uniform(-1.2, 1.2, 16, 1311),
               tolerance=1e-3, agree=1e-10),
    cancelling("sum_with_big", lambda x: ((x + 1e8) - 1e8) ** 2, uniform(0.5, 5, 14, 1312), tolerance=1e-3,
               kind="noisy", agree=1e-7),
)  # fmt: skip
