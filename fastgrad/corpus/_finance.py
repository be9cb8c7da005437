"""Prices, yields and sensitivities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc
from scipy.stats import norm

from ._case import Case
from ._points import decades, uniform

SPOTS = (100.0, 1e-2, 1e4, *uniform(60, 160, 24, 801))


def black_scholes_call(spot: Any) -> Any:
    """Evaluate a European call, strike 100, one year."""
    strike, rate, vol, t = 100.0, 0.03, 0.2, 1.0
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol**2) * t) / (vol * np.sqrt(t))
    d2 = d1 - vol * np.sqrt(t)
    return spot * norm.cdf(d1) - strike * np.exp(-rate * t) * norm.cdf(d2)


def _call(m: Any, spot: Any, strike: Any = 100, rate: Any = 0.03, vol: Any = 0.2, t: Any = 1) -> Any:
    """Evaluate a European call for mpmath."""
    vol, rate, t = m.mpf(vol), m.mpf(rate), m.mpf(t)
    d1 = (m.log(spot / strike) + (rate + vol**2 / 2) * t) / (vol * m.sqrt(t))
    return spot * m.ncdf(d1) - strike * m.exp(-rate * t) * m.ncdf(d1 - vol * m.sqrt(t))


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


def _put_in_vol(m: Any, vol: Any) -> Any:
    """Do the same for mpmath, by put-call parity."""
    rate = m.mpf(0.01)
    return _call(m, m.mpf(95), 100, 0.01, vol, 0.5) - 95 + 100 * m.exp(-rate / 2)


def digital(spot: Any) -> Any:
    """Evaluate a digital call an hour before it expires."""
    t = 1.0 / 8760.0
    d2 = (np.log(spot / 100.0) - 0.5 * 0.2**2 * t) / (0.2 * np.sqrt(t))
    return sc.ndtr(d2)


def _digital(m: Any, spot: Any) -> Any:
    """Do the same for mpmath."""
    t, vol = m.mpf(1.0 / 8760.0), m.mpf(0.2)
    return m.ncdf((m.log(spot / 100) - vol**2 * t / 2) / (vol * m.sqrt(t)))


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


def net_present_value(r: float) -> float:
    """Cash flows discounted, pure Python."""
    return sum(c / (1.0 + r) ** k for k, c in enumerate((-1000.0, 300.0, 420.0, 680.0, -120.0)))


def log_utility(w: Any) -> Any:
    """Evaluate expected log growth of a bet of the share w at odds 3 to 2."""
    return 0.55 * np.log1p(1.5 * w) + 0.45 * np.log1p(-w)


def svi(k: Any) -> Any:
    """Total implied variance, Gatheral's SVI."""
    return 0.04 + 0.1 * (-0.4 * (k - 0.05) + np.sqrt((k - 0.05) ** 2 + 0.01))


def nelson_siegel(t: Any) -> Any:
    """Evaluate a yield curve."""
    u = t / 1.7
    return 0.04 - 0.02 * (1 - np.exp(-u)) / u + 0.01 * ((1 - np.exp(-u)) / u - np.exp(-u))


CASES = (
    Case(
        "black_scholes_call",
        "finance",
        black_scholes_call,
        SPOTS,
        _call,
        slope=_delta,
        source="Black and Scholes 1973",
    ),
    Case(
        "put_in_vol",
        "finance",
        put_in_vol,
        (0.05, 0.01, 2.0, *uniform(0.06, 0.8, 20, 802)),
        _put_in_vol,
    ),
    Case(
        "digital_at_expiry",
        "finance",
        digital,
        (100.0, 99.9, 100.2, 98.0, 103.0, *uniform(99.5, 100.5, 12, 803)),
        _digital,
    ),
    Case(
        "bond_price",
        "finance",
        bond_price,
        (0.0, 1e-6, 0.5, *uniform(-0.02, 0.15, 20, 804)),
        lambda m, y: sum(4 / (1 + y) ** k for k in range(1, 31)) + 100 / (1 + y) ** 30,
    ),
    Case(
        "annuity",
        "finance",
        annuity,
        (1e-4, 1e-3, 0.05, *uniform(0.001, 0.02, 15, 805)),
        lambda m, r: 250_000 * r / (1 - (1 + r) ** -360),
        agree=1e-11,
    ),
    Case(
        "net_present_value",
        "finance",
        net_present_value,
        (0.0, 10.0, *uniform(-0.5, 1, 20, 806)),
        lambda m, r: sum(c / (1 + r) ** k for k, c in enumerate((-1000, 300, 420, 680, -120))),
    ),
    Case(
        "log_utility",
        "finance",
        log_utility,
        (0.25, 0.0, 0.999, 1 - 1e-7, -0.6, *uniform(-0.5, 0.95, 15, 807)),
        lambda m, w: m.mpf(0.55) * m.log(1 + 1.5 * w) + m.mpf(0.45) * m.log(1 - w),
    ),
    Case(
        "svi",
        "finance",
        svi,
        (0.05, *uniform(-1.5, 1.5, 20, 808), 30.0),
        lambda m, k: 0.04 + m.mpf(0.1) * (-0.4 * (k - 0.05) + m.sqrt((k - 0.05) ** 2 + 0.01)),
    ),
    Case(
        "nelson_siegel",
        "finance",
        nelson_siegel,
        (*decades(1e-3, 1, 8, 809), *uniform(0.5, 40, 15, 810)),
        lambda m, t: (
            0.04
            - 0.02 * (1 - m.exp(-t / m.mpf(1.7))) / (t / m.mpf(1.7))
            + 0.01 * ((1 - m.exp(-t / m.mpf(1.7))) / (t / m.mpf(1.7)) - m.exp(-t / m.mpf(1.7)))
        ),
        agree=1e-12,
    ),
    Case(
        "compound",
        "finance",
        lambda r: 1000.0 * math.exp(12 * 30 * math.log1p(r / 12)),
        (0.0, 1e-8, *uniform(-0.1, 0.4, 15, 811)),
        lambda m, r: 1000 * (1 + r / 12) ** 360,
    ),
)
