"""NIST's certified regressions as a document: digits of standard errors and of parameters, by method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .document import Document, Items, Section, Table

if TYPE_CHECKING:
    from ..nist import Row

NOTES = (
    "Digits to which all standard errors s sqrt(diag((J^T J)^-1)) agree with the certified ones, of the eleven that "
    "are printed. J is the jacobian at the certified parameters, s the certified residual standard deviation; the "
    "columns of J are scaled by powers of two and J is factored by QR. Parameters of eleven digits leave 9.3 for an "
    "exact jacobian in the worst case.",
    "Fits are by scipy.optimize.least_squares, x_scale='jac', all tolerances 1e-15.",
    "exact: complex step of the plain formula. SciPy: approx_derivative, 3-point. ndtools: numdifftools.",
)


def certified(rows: Sequence[Row], errors: float, parameters: float) -> Document:
    """Return the tables of standard errors, and of parameters from both starts.

    `errors` and `parameters` are the digits from which on a regression counts as reached.
    """
    tables = [_table("Standard errors: digits", rows, lambda row: row.errors, errors)]
    fits = [row for row in rows if row.parameters]
    for start in range(2) if fits else ():
        title = f"Parameters fitted from start {start + 1}: digits"
        tables.append(_table(title, fits, lambda row, start=start: row.parameters[start], parameters))  # type: ignore[misc]
    return Document("Certified regressions", (Section("Digits", tuple(tables)), Section("Notes", (Items(NOTES),))))


def _table(title: str, rows: Sequence[Row], figure: Callable[[Row], float], least: float) -> Table:
    """Put regressions down, methods across, and the number that reach `least` digits below."""
    ways, names = (tuple(dict.fromkeys(getattr(row, key) for row in rows)) for key in ("way", "regression"))
    values = {(row.regression, row.way): figure(row) for row in rows}
    cells = [(name, *(f"{values[name, way]:.1f}" for way in ways)) for name in names]
    reached = (sum(values[name, way] >= least for name in names) for way in ways)
    cells.append((f"{least} digits reached", *(f"{count}/{len(names)}" for count in reached)))
    return Table(title, ("", *ways), tuple(cells))
