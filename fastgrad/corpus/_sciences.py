"""Finance: prices, yields and sensitivities. Physics, chemistry and biology, in SI units."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy
from scipy import special as sc

from ._case import decades, family, uniform

finance = family("finance")
physics = family("physics")

SPOTS = (100.0, 1e-2, 1e4, *uniform(60, 160, 24, 801))
H, C, K = 6.62607015e-34, 299792458.0, 1.380649e-23


def black_scholes_call(spot: Any) -> Any:
    """Evaluate a European call, strike 100, one year."""
    strike, rate, vol, t = 100.0, 0.03, 0.2, 1.0
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol**2) * t) / (vol * np.sqrt(t))
    d2 = d1 - vol * np.sqrt(t)
    return spot * scipy.stats.norm.cdf(d1) - strike * np.exp(-rate * t) * scipy.stats.norm.cdf(d2)


def _delta(m: Any, spot: Any) -> Any:
    """Evaluate the slope of the call in its spot."""
    vol, rate = m.mpf(0.2), m.mpf(0.03)
    return m.ncdf((m.log(spot / 100) + rate + vol**2 / 2) / vol)


def put_in_vol(vol: float) -> float:
    """Evaluate a European put as a function of its volatility, with math.erfc, one number at a time."""
    spot, strike, rate, t = 95.0, 100.0, 0.01, 0.5
    root = vol * math.sqrt(t)
    d1 = (math.log(spot / strike) + (rate + 0.5 * vol * vol) * t) / root
    n1, n2 = 0.5 * math.erfc(d1 / math.sqrt(2.0)), 0.5 * math.erfc((d1 - root) / math.sqrt(2.0))
    return strike * math.exp(-rate * t) * n2 - spot * n1


def digital(spot: Any) -> Any:
    """Evaluate a digital call an hour before it expires."""
    t = 1.0 / 8760.0
    d2 = (np.log(spot / 100.0) - 0.5 * 0.2**2 * t) / (0.2 * np.sqrt(t))
    return sc.ndtr(d2)


def bond_price(y: Any) -> Any:
    """Evaluate a bond of 30 years, 4 % a year, as a function of its yield."""
    total = 0.0
    for k in range(1, 31):
        total = total + 4.0 / (1.0 + y) ** k
    return total + 100.0 / (1.0 + y) ** 30


def annuity(r: Any) -> Any:
    """Monthly payment of a loan of 250,000 over 360 months."""
    q = (1.0 + r) ** -360
    return 250_000.0 * r / (1.0 - q)


def nelson_siegel(t: Any) -> Any:
    """Evaluate a yield curve."""
    u = t / 1.7
    return 0.04 - 0.02 * (1 - np.exp(-u)) / u + 0.01 * ((1 - np.exp(-u)) / u - np.exp(-u))


CASES = (
    finance("black_scholes_call", black_scholes_call, SPOTS, slope=_delta, source="Black and Scholes 1973"),
    finance("put_in_vol", put_in_vol, (0.05, 0.01, 2.0, *uniform(0.06, 0.8, 20, 802))),
    finance("digital_at_expiry", digital, (100.0, 99.9, 100.2, 98.0, 103.0, *uniform(99.5, 100.5, 12, 803))),
    finance("bond_price", bond_price, (0.0, 1e-6, 0.5, *uniform(-0.02, 0.15, 20, 804))),
    finance("annuity", annuity, (1e-4, 1e-3, 0.05, *uniform(0.001, 0.02, 15, 805)), agree=1e-11),
    finance("net_present_value",
            lambda r: sum(c / (1.0 + r) ** k for k, c in enumerate((-1000.0, 300.0, 420.0, 680.0, -120.0))),
            (0.0, 10.0, *uniform(-0.5, 1, 20, 806))),
    finance("log_utility", lambda w: 0.55 * np.log1p(1.5 * w) + 0.45 * np.log1p(-w),
            (0.25, 0.0, 0.999, 1 - 1e-7, -0.6, *uniform(-0.5, 0.95, 15, 807))),
    finance("svi", lambda k: 0.04 + 0.1 * (-0.4 * (k - 0.05) + np.sqrt((k - 0.05) ** 2 + 0.01)),
            (0.05, *uniform(-1.5, 1.5, 20, 808), 30.0)),
    finance("nelson_siegel", nelson_siegel, (*decades(1e-3, 1, 8, 809), *uniform(0.5, 40, 15, 810)), agree=1e-12),
    finance("compound", lambda r: 1000.0 * math.exp(12 * 30 * math.log1p(r / 12)),
            (0.0, 1e-8, *uniform(-0.1, 0.4, 15, 811))),
    physics("planck", lambda wavelength: 2 * H * C**2 / wavelength**5 / (np.exp(H * C / (wavelength * K * 5800.0)) - 1),
            (5e-7, 1e-7, 1e-5, 1e-3, *uniform(2e-7, 3e-6, 20, 901))),
    physics("lorentz_factor", lambda v: 1.0 / math.sqrt(1.0 - (v / 299792458.0) ** 2),
            (0.0, 30.0, 299792457.0, 2.99e8, *decades(1e3, 2e8, 16, 902))),
    physics("van_der_waals", lambda v: 8.314462618 * 300.0 / (v - 4.267e-5) - 0.364 / v**2,
            (4.5e-5, 4.27e-5, *uniform(5e-5, 3e-3, 20, 903))),
    physics("damped", lambda t: np.exp(-0.1 * t) * np.cos(7.0 * t + 0.3), (0.0, *uniform(0, 60, 25, 904))),
    physics("barometric", lambda h: 101325.0 * (1.0 - 2.25577e-5 * h) ** 5.25588,
            (0.0, 44_330.0, *uniform(-400, 11_000, 15, 905))),
    physics("morse", lambda r: 7.6e-19 * (1.0 - np.exp(-1.93e10 * (r - 7.4e-11))) ** 2,
            (7.4e-11, *uniform(3e-11, 4e-10, 20, 906))),
    physics("diode", lambda v: 1e-12 * (math.exp(v / 0.02585) - 1.0), (0.0, -5.0, *uniform(-0.5, 0.9, 20, 907))),
    physics("arrhenius", lambda t: 1e13 * np.exp(-95e3 / (8.314462618 * t)),
            (20.0, 5000.0, *uniform(200, 1500, 20, 908))),
    physics("fermi_dirac", lambda e: 1.0 / (np.exp((e - 8.01e-19) / (K * 300.0)) + 1.0),
            (8.01e-19, *uniform(7e-19, 9e-19, 25, 909))),
    physics("swamee_jain", lambda re: 0.25 / math.log10(1e-4 / 3.7 + 5.74 / re**0.9) ** 2, decades(1e3, 1e8, 20, 910)),
    physics("several_periods", lambda t: np.sin(2.0 * t) + 0.3 * np.sin(13.0 * t + 1.0) + 0.05 * np.sin(91.0 * t),
            (0.0, *uniform(-20, 20, 25, 911))),
    physics("coulomb", lambda r: 8.9875517923e9 * 1.602176634e-19**2 / r, decades(1e-15, 1e-3, 20, 912)),
    physics("kinetic", lambda v: 0.5 * 9.1093837e-31 * v**2, decades(1e-3, 1e7, 15, 913, "+-")),
    physics("michaelis_hill", lambda s: 4.2 * s**2.7 / (0.3**2.7 + s**2.7), decades(1e-4, 1e4, 24, 914)),
)  # fmt: skip
