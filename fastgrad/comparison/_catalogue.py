"""Real functions whose derivative is known in closed form, as people write them, with the intervals they use them on.

The closed forms are written so that they lose no digits themselves: each is tested against high-precision arithmetic.
"""

from __future__ import annotations

from math import pi

import numpy as np
from scipy import special

from .._typing import Argument
from ..corpus import CASES, Case
from ._problems import Problem, gate_problems

ROOT_2PI = 2.5066282746310002


def normal(x: Argument) -> Argument:
    """Density of the standard normal distribution."""
    return np.exp(-0.5 * x * x) / ROOT_2PI


def logistic(x: Argument) -> Argument:
    """Logistic function."""
    return 1.0 / (1.0 + np.exp(-x))


# Finance -------------------------------------------------------------------------------------------------------------


def black_scholes(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    """Price of a European call."""
    spread = vol * np.sqrt(time)
    d1 = (np.log(spot / strike) + (rate + 0.5 * vol * vol) * time) / spread
    return spot * special.ndtr(d1) - strike * np.exp(-rate * time) * special.ndtr(d1 - spread)


def black_scholes_delta(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    """Slope of the price in the spot."""
    return special.ndtr((np.log(spot / strike) + (rate + 0.5 * vol * vol) * time) / (vol * np.sqrt(time)))


def _d1(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    return (np.log(spot / strike) + (rate + 0.5 * vol * vol) * time) / (vol * np.sqrt(time))


def _gamma(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    return normal(_d1(spot, strike, rate, vol, time)) / (spot * vol * np.sqrt(time))


def _vega(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    return spot * normal(_d1(spot, strike, rate, vol, time)) * np.sqrt(time)


def _rho(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    d2 = _d1(spot, strike, rate, vol, time) - vol * np.sqrt(time)
    return strike * time * np.exp(-rate * time) * special.ndtr(d2)


def _theta(spot: Argument, strike: Argument, rate: Argument, vol: Argument, time: Argument) -> Argument:
    decay = _vega(spot, strike, rate, vol, time) * vol / (2.0 * time)
    return decay + rate / time * _rho(spot, strike, rate, vol, time)


def nelson_siegel(t: Argument) -> Argument:
    """Yield curve of a maturity in years."""
    u = t / 1.7
    return 0.04 - 0.02 * (1.0 - np.exp(-u)) / u + 0.01 * ((1.0 - np.exp(-u)) / u - np.exp(-u))


def _nelson_siegel(t: Argument) -> Argument:
    u = t / 1.7
    hump = (u * np.exp(-u) + np.expm1(-u)) / (u * u)
    return (-0.01 * hump + 0.01 * np.exp(-u)) / 1.7


# Biology, chemistry and physics ---------------------------------------------------------------------------------------


def logistic_growth(t: Argument, capacity: Argument, rate: Argument, start: Argument) -> Argument:
    """Size of a population that saturates (Verhulst 1838)."""
    return capacity / (1.0 + (capacity - start) / start * np.exp(-rate * t))


def _logistic_growth(t: Argument, capacity: Argument, rate: Argument, start: Argument) -> Argument:
    lag = (capacity - start) / start * np.exp(-rate * t)
    return capacity * rate * lag / (1.0 + lag) ** 2


def _hill(dose: Argument) -> Argument:
    half = 0.3**2.7
    return 2.7 * half * dose**1.7 / (half + dose**2.7) ** 2


def arrhenius(kelvin: Argument) -> Argument:
    """Rate of a reaction at a temperature."""
    return 1e13 * np.exp(-95e3 / (8.314462618 * kelvin))


def _planck(w: Argument, scale: float = 1000.0, length: float = 2.4806462) -> Argument:
    u = length / w
    return scale / (w**6 * np.expm1(u)) * (-u / np.expm1(-u) - 5.0)


def lorentz_factor(speed: Argument) -> Argument:
    """Stretching of time at a share of the speed of light."""
    return 1.0 / np.sqrt((1.0 - speed) * (1.0 + speed))


# Learning and classics ------------------------------------------------------------------------------------------------


def network(x: Argument) -> Argument:
    """Two hidden units and a gate."""
    return np.tanh(np.sin(x) * np.exp(-x * x)) + 1.0 / (1.0 + np.exp(-x))


def _network(x: Argument) -> Argument:
    inner = np.sin(x) * np.exp(-x * x)
    slope = (np.cos(x) - 2.0 * x * np.sin(x)) * np.exp(-x * x)
    return slope / np.cosh(inner) ** 2 + logistic(x) * logistic(-x)


def _squire_trapp(x: Argument) -> Argument:
    s, c = np.sin(x), np.cos(x)
    below = s**3 + c**3
    return np.exp(x) * (below - 3.0 * s * c * (s - c)) / (below * below)


_OPTION = ((50.0, 150.0), (100.0, 100.0), (0.03, 0.03), (0.2, 0.2), (1.0, 1.0))
_VOLS = ((95.0, 95.0), (100.0, 100.0), (0.03, 0.03), (0.05, 0.8), (1.0, 1.0))
_RATES = ((95.0, 95.0), (100.0, 100.0), (0.0, 0.1), (0.2, 0.2), (1.0, 1.0))
_TIMES = ((95.0, 95.0), (100.0, 100.0), (0.03, 0.03), (0.2, 0.2), (0.1, 3.0))

#: The functions of the report: name, function, intervals, derivative.
FUNCTIONS: tuple[Problem, ...] = (
    Problem("Black-Scholes delta", black_scholes, _OPTION, black_scholes_delta),
    Problem("Black-Scholes gamma", black_scholes_delta, _OPTION, _gamma),
    Problem("Black-Scholes vega", black_scholes, _VOLS, _vega, wrt=3),
    Problem("Black-Scholes theta", black_scholes, _TIMES, _theta, wrt=4),
    Problem("Black-Scholes rho", black_scholes, _RATES, _rho, wrt=2),
    Problem("Nelson-Siegel", nelson_siegel, ((0.5, 30.0),), _nelson_siegel),
    Problem("logistic growth", logistic_growth, ((0, 30.0), (100, 100), (0.4, 0.4), (2, 2)), _logistic_growth),
    Problem("Gompertz", lambda t: 40.0 * np.exp(-5.0 * np.exp(-0.6 * t)), ((0.0, 10.0),),
            lambda t: 120.0 * np.exp(-0.6 * t - 5.0 * np.exp(-0.6 * t))),
    Problem("Hill", lambda dose: dose**2.7 / (0.3**2.7 + dose**2.7), ((0.01, 3.0),), _hill),
    Problem("Arrhenius", arrhenius, ((250.0, 1500.0),), lambda t: arrhenius(t) * 95e3 / (8.314462618 * t * t)),
    Problem("Lennard-Jones", lambda r: 4.0 * (r**-12 - r**-6), ((0.9, 3.0),), lambda r: 24.0 * (r**-7 - 2.0 * r**-13)),
    Problem("Morse", lambda r: 4.7 * (1.0 - np.exp(-1.9 * (r - 0.74))) ** 2, ((0.3, 4.0),),
            lambda r: -17.86 * np.exp(-1.9 * (r - 0.74)) * np.expm1(-1.9 * (r - 0.74))),
    Problem("Planck, micrometres",
            lambda micrometres: 1000.0 / (micrometres**5 * np.expm1(2.4806462 / micrometres)), ((0.2, 3.0),), _planck),
    Problem("Planck, metres",
            lambda metres: 1.1910429723971884e-16 / (metres**5 * np.expm1(2.4806462e-6 / metres)), ((0.2e-6, 3e-6),),
            lambda w: _planck(w, 1.1910429723971884e-16, 2.4806462e-6)),
    Problem("van der Waals", lambda litres: 24.943387854 / (litres - 0.04267) - 3.64 / (litres * litres),
            ((0.06, 3.0),), lambda v: 7.28 / v**3 - 24.943387854 / (v - 0.04267) ** 2),
    Problem("damped wave", lambda t: np.exp(-0.1 * t) * np.cos(7.0 * t + 0.3), ((0.0, 60.0),),
            lambda t: -np.exp(-0.1 * t) * (7.0 * np.sin(7.0 * t + 0.3) + 0.1 * np.cos(7.0 * t + 0.3))),
    Problem("Fermi-Dirac", lambda energy: 1.0 / (np.exp(energy / 0.025852) + 1.0), ((-0.5, 0.5),),
            lambda e: -0.25 / (0.025852 * np.cosh(0.5 * e / 0.025852) ** 2)),
    Problem("barometric", lambda metres: 101325.0 * (1.0 - 2.25577e-5 * metres) ** 5.25588, ((-400.0, 11_000.0),),
            lambda h: -101325.0 * 5.25588 * 2.25577e-5 * (1.0 - 2.25577e-5 * h) ** 4.25588),
    Problem("Lorentz factor", lorentz_factor, ((0.0, 0.999),), lambda v: v * lorentz_factor(v) ** 3),
    # as people write it: it overflows where the gate does not
    Problem("softplus, naive", lambda x: np.log1p(np.exp(x)), ((-10.0, 10.0),), logistic),
    Problem("SiLU", lambda x: x / (1.0 + np.exp(-x)), ((-10.0, 10.0),),
            lambda x: logistic(x) * (1.0 + x * logistic(-x))),
    Problem("GELU", lambda x: 0.5 * x * (1.0 + special.erf(x / 1.4142135623730951)), ((-5.0, 5.0),),
            lambda x: special.ndtr(x) + x * normal(x)),
    Problem("Gaussian", normal, ((-6.0, 6.0),), lambda x: -x * normal(x)),
    Problem("Student t, log", lambda x: -2.5 * np.log1p(x * x / 4.0), ((-20.0, 20.0),),
            lambda x: -5.0 * x / (4.0 + x * x)),
    Problem("small network", network, ((-6.0, 6.0),), _network),
    Problem("Runge", lambda x: 1.0 / (1.0 + 25.0 * x * x), ((-1.0, 1.0),),
            lambda x: -50.0 * x / (1.0 + 25.0 * x * x) ** 2),
    Problem("Squire-Trapp", lambda x: np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3), ((-0.5, 1.5),), _squire_trapp),
    Problem("Rosenbrock", lambda x, y: 100.0 * (y - x * x) ** 2 + (1.0 - x) ** 2, ((-2.0, 2.0), (-1.0, 3.0)),
            lambda x, y: -400.0 * x * (y - x * x) - 2.0 * (1.0 - x)),
    Problem("chirp", lambda x: np.sin(x * x), ((-10.0, 10.0),), lambda x: 2.0 * x * np.cos(x * x)),
    Problem("fast wave", lambda x: np.sin(1000.0 * x), ((-1.0, 1.0),), lambda x: 1000.0 * np.cos(1000.0 * x)),
    Problem("log, 1e-8 ... 1e8", np.log, ((1e-8, 1e8),), lambda x: 1.0 / x, log=True),
    Problem("x to the x", lambda x: x**x, ((0.05, 5.0),), lambda x: x**x * (np.log(x) + 1.0)),
    Problem("sinc", lambda x: np.sin(x) / x, ((0.5, 30.0),), lambda x: (np.cos(x) - np.sin(x) / x) / x),
    Problem("erf", special.erf, ((-3.0, 3.0),), lambda x: 2.0 / np.sqrt(pi) * np.exp(-x * x)),
    Problem("log-gamma", special.gammaln, ((0.2, 20.0),), special.digamma),
    Problem("Bessel J0", special.j0, ((0.0, 60.0),), lambda x: -special.j1(x)),
)  # fmt: skip


def standard_functions() -> tuple[Problem | Case, ...]:
    """Return the functions of the default report: every gate with a derivative, `FUNCTIONS`, the corpus."""
    return (*gate_problems(), *FUNCTIONS, *CASES)
