"""The models of NIST's nonlinear regression sets, as NIST prints them: formulas of the parameters `b` and of `x`.

Nelson's set has two predictors, the columns of `x`, and its model is of the logarithm of the response.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def bennett5(b: Any, x: Any) -> Any:
    """Superconductivity: magnetisation against the logarithm of time."""
    return b[0] * (b[1] + x) ** (-1 / b[2])


def box_bod(b: Any, x: Any) -> Any:
    """Biochemical oxygen demand; also Misra1a, dental research: monomolecular adsorption."""
    return b[0] * (1 - np.exp(-b[1] * x))


def chwirut(b: Any, x: Any) -> Any:
    """Ultrasonic response against the distance of the metal."""
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


def dan_wood(b: Any, x: Any) -> Any:
    """Energy radiated from a carbon filament lamp."""
    return b[0] * x ** b[1]


def enso(b: Any, x: Any) -> Any:
    """Differences of atmospheric pressure: a cycle of a year and two of unknown length."""
    year = b[0] + b[1] * np.cos(2 * np.pi * x / 12) + b[2] * np.sin(2 * np.pi * x / 12)
    first = b[4] * np.cos(2 * np.pi * x / b[3]) + b[5] * np.sin(2 * np.pi * x / b[3])
    return year + first + b[7] * np.cos(2 * np.pi * x / b[6]) + b[8] * np.sin(2 * np.pi * x / b[6])


def eckerle4(b: Any, x: Any) -> Any:
    """Transmittance of an interference filter."""
    return b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2)


def gauss(b: Any, x: Any) -> Any:
    """Two Gaussians on a decaying exponential."""
    first = b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2)
    return b[0] * np.exp(-b[1] * x) + first + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)


def hahn1(b: Any, x: Any) -> Any:
    """Thermal expansion of copper; also Thurber, mobility of electrons."""
    return (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def kirby2(b: Any, x: Any) -> Any:
    """Line widths seen by a scanning electron microscope."""
    return (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2)


def lanczos(b: Any, x: Any) -> Any:
    """Three decaying exponentials."""
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


def mgh09(b: Any, x: Any) -> Any:
    """Kowalik and Osborne's enzyme reaction."""
    return b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3])


def mgh10(b: Any, x: Any) -> Any:
    """Meyer's thermistor."""
    return b[0] * np.exp(b[1] / (x + b[2]))


def mgh17(b: Any, x: Any) -> Any:
    """Osborne's two exponentials."""
    return b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4])


def misra1b(b: Any, x: Any) -> Any:
    """Dental research: monomolecular adsorption, second model."""
    return b[0] * (1 - (1 + b[1] * x / 2) ** (-2))


def misra1c(b: Any, x: Any) -> Any:
    """Dental research: monomolecular adsorption, third model."""
    return b[0] * (1 - (1 + 2 * b[1] * x) ** (-0.5))


def misra1d(b: Any, x: Any) -> Any:
    """Dental research: monomolecular adsorption, fourth model."""
    return b[0] * b[1] * x / (1 + b[1] * x)


def nelson(b: Any, x: Any) -> Any:
    """Logarithm of dielectric breakdown strength against weeks and temperature."""
    return b[0] - b[1] * x[:, 0] * np.exp(-b[2] * x[:, 1])


def rat42(b: Any, x: Any) -> Any:
    """Pasture yield against growing time: a sigmoid."""
    return b[0] / (1 + np.exp(b[1] - b[2] * x))


def rat43(b: Any, x: Any) -> Any:
    """Dry weight of onion bulbs: a generalised sigmoid."""
    return b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3])


def roszman1(b: Any, x: Any) -> Any:
    """Quantum defects in iodine atoms against the energy of the state."""
    return b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi


#: Model of each set.
MODELS = {
    "Bennett5": bennett5,
    "BoxBOD": box_bod,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "DanWood": dan_wood,
    "ENSO": enso,
    "Eckerle4": eckerle4,
    "Gauss1": gauss,
    "Gauss2": gauss,
    "Gauss3": gauss,
    "Hahn1": hahn1,
    "Kirby2": kirby2,
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "MGH09": mgh09,
    "MGH10": mgh10,
    "MGH17": mgh17,
    "Misra1a": box_bod,
    "Misra1b": misra1b,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "Nelson": nelson,
    "Rat42": rat42,
    "Rat43": rat43,
    "Roszman1": roszman1,
    "Thurber": hahn1,
}
