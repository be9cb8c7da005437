"""Formulas of physics, chemistry and biology, in SI units where that hurts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import Case
from ._points import decades, uniform

H, C, K = 6.62607015e-34, 299792458.0, 1.380649e-23


def planck(wavelength: Any) -> Any:
    """Spectral radiance at 5800 K of a wavelength in metres."""
    return 2 * H * C**2 / wavelength**5 / (np.exp(H * C / (wavelength * K * 5800.0)) - 1)


def _planck(m: Any, w: Any) -> Any:
    """Do the same for mpmath."""
    h, c, k = m.mpf(H), m.mpf(C), m.mpf(K)
    return 2 * h * c**2 / w**5 / (m.exp(h * c / (w * k * 5800)) - 1)


def lorentz_factor(v: float) -> float:
    """Evaluate the Lorentz factor of a speed in metres per second."""
    return 1.0 / math.sqrt(1.0 - (v / 299792458.0) ** 2)


def van_der_waals(v: Any) -> Any:
    """Pressure of a mole of carbon dioxide at 300 K of its volume in cubic metres."""
    return 8.314462618 * 300.0 / (v - 4.267e-5) - 0.364 / v**2


def damped(t: Any) -> Any:
    """Evaluate a damped oscillation."""
    return np.exp(-0.1 * t) * np.cos(7.0 * t + 0.3)


def barometric(h: Any) -> Any:
    """Pressure of the standard atmosphere."""
    return 101325.0 * (1.0 - 2.25577e-5 * h) ** 5.25588


def morse(r: Any) -> Any:
    """Evaluate the Morse potential of hydrogen in joules of a distance in metres."""
    return 7.6e-19 * (1.0 - np.exp(-1.93e10 * (r - 7.4e-11))) ** 2


def diode(v: float) -> float:
    """Shockley's diode current of a voltage."""
    return 1e-12 * (math.exp(v / 0.02585) - 1.0)


def arrhenius(t: Any) -> Any:
    """Evaluate a reaction rate of a temperature."""
    return 1e13 * np.exp(-95e3 / (8.314462618 * t))


def debye_fermi(e: Any) -> Any:
    """Fermi-Dirac occupation at 300 K of an energy in joules, Fermi energy 5 eV."""
    return 1.0 / (np.exp((e - 8.01e-19) / (K * 300.0)) + 1.0)


def colebrook(re: float) -> float:
    """Friction factor of a Reynolds number by the Swamee-Jain formula."""
    return 0.25 / math.log10(1e-4 / 3.7 + 5.74 / re**0.9) ** 2


def pendulum(t: Any) -> Any:
    """Three-body-like sum of periods with large phase."""
    return np.sin(2.0 * t) + 0.3 * np.sin(13.0 * t + 1.0) + 0.05 * np.sin(91.0 * t)


CASES = (
    Case(
        "planck",
        "physics",
        planck,
        (5e-7, 1e-7, 1e-5, 1e-3, *uniform(2e-7, 3e-6, 20, 901)),
        _planck,
    ),
    Case(
        "lorentz_factor",
        "physics",
        lorentz_factor,
        (0.0, 30.0, 299792457.0, 2.99e8, *decades(1e3, 2e8, 16, 902)),
        lambda m, v: 1 / m.sqrt(1 - (v / 299792458) ** 2),
    ),
    Case(
        "van_der_waals",
        "physics",
        van_der_waals,
        (4.5e-5, 4.27e-5, *uniform(5e-5, 3e-3, 20, 903)),
        lambda m, v: m.mpf(8.314462618) * 300 / (v - 4.267e-5) - 0.364 / v**2,
    ),
    Case(
        "damped",
        "physics",
        damped,
        (0.0, *uniform(0, 60, 25, 904)),
        lambda m, t: m.exp(-0.1 * t) * m.cos(7 * t + 0.3),
    ),
    Case(
        "barometric",
        "physics",
        barometric,
        (0.0, 44_330.0, *uniform(-400, 11_000, 15, 905)),
        lambda m, h: 101325 * (1 - m.mpf(2.25577e-5) * h) ** 5.25588,
    ),
    Case(
        "morse",
        "physics",
        morse,
        (7.4e-11, *uniform(3e-11, 4e-10, 20, 906)),
        lambda m, r: m.mpf(7.6e-19) * (1 - m.exp(-m.mpf(1.93e10) * (r - 7.4e-11))) ** 2,
    ),
    Case(
        "diode",
        "physics",
        diode,
        (0.0, -5.0, *uniform(-0.5, 0.9, 20, 907)),
        lambda m, v: m.mpf(1e-12) * (m.exp(v / m.mpf(0.02585)) - 1),
    ),
    Case(
        "arrhenius",
        "physics",
        arrhenius,
        (20.0, 5000.0, *uniform(200, 1500, 20, 908)),
        lambda m, t: m.mpf(1e13) * m.exp(-95_000 / (m.mpf(8.314462618) * t)),
    ),
    Case(
        "fermi_dirac",
        "physics",
        debye_fermi,
        (8.01e-19, *uniform(7e-19, 9e-19, 25, 909)),
        lambda m, e: 1 / (m.exp((e - 8.01e-19) / (m.mpf(K) * 300)) + 1),
    ),
    Case(
        "swamee_jain",
        "physics",
        colebrook,
        decades(1e3, 1e8, 20, 910),
        lambda m, re: 0.25 / m.log10(m.mpf(1e-4) / 3.7 + m.mpf(5.74) / re**0.9) ** 2,
    ),
    Case(
        "several_periods",
        "physics",
        pendulum,
        (0.0, *uniform(-20, 20, 25, 911)),
        lambda m, t: m.sin(2 * t) + 0.3 * m.sin(13 * t + 1) + 0.05 * m.sin(91 * t),
    ),
    Case(
        "coulomb",
        "physics",
        lambda r: 8.9875517923e9 * 1.602176634e-19**2 / r,
        decades(1e-15, 1e-3, 20, 912),
        lambda m, r: m.mpf(8.9875517923e9) * m.mpf(1.602176634e-19) ** 2 / r,
    ),
    Case(
        "kinetic",
        "physics",
        lambda v: 0.5 * 9.1093837e-31 * v**2,
        decades(1e-3, 1e7, 15, 913, "+-"),
        lambda m, v: m.mpf(9.1093837e-31) * v**2 / 2,
    ),
    Case(
        "michaelis_hill",
        "physics",
        lambda s: 4.2 * s**2.7 / (0.3**2.7 + s**2.7),
        decades(1e-4, 1e4, 24, 914),
        lambda m, s: 4.2 * s**2.7 / (m.mpf(0.3) ** 2.7 + s**2.7),
    ),
)
