"""The table of NIST's certified regressions: digits of standard errors, method by method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .tables import Table

if TYPE_CHECKING:
    from ..nist._compare import Row

NOTES = (
    "Digits to which all standard errors s sqrt(diag((J^T J)^-1)) agree with the certified ones, of the eleven that "
    "are printed. J is the jacobian at the certified parameters, s the certified residual standard deviation; the "
    "columns of J are scaled by powers of two and J is factored by QR. Parameters of eleven digits leave 9.3 for an "
    "exact jacobian in the worst case.",
    "Fits are by scipy.optimize.least_squares, x_scale='jac', all tolerances 1e-15.",
    "exact: complex step of the plain formula. SciPy: approx_derivative, 3-point. ndtools: numdifftools.",
)


def tables(rows: Sequence[Row], errors: float, parameters: float) -> list[Table]:
    """Make the tables: standard errors, and parameters from both starts, with the digits that count as reached."""
    made = [_table("Standard errors: digits", rows, lambda row: row.errors, errors)]
    fitted = [row for row in rows if row.parameters]
    for start in range(2) if fitted else ():
        title = f"Parameters fitted from start {start + 1}: digits"
        made.append(_table(title, fitted, lambda row, start=start: row.parameters[start], parameters))  # type: ignore[misc]
    return made


def _table(title: str, rows: Sequence[Row], figure: Callable[[Row], float], least: float) -> Table:
    """Regressions down, ways across, and how many reached `least` digits below."""
    ways, names = (tuple(dict.fromkeys(getattr(row, key) for row in rows)) for key in ("way", "regression"))
    found = {(row.regression, row.way): figure(row) for row in rows}
    cells = [(name, *(f"{found[name, way]:.1f}" for way in ways)) for name in names]
    reached = (sum(found[name, way] >= least for name in names) for way in ways)
    cells.append((f"{least} digits reached", *(f"{count}/{len(names)}" for count in reached)))
    return Table(title, ("", *ways), tuple(cells))
