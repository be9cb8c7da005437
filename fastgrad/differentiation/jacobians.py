"""First derivatives of functions of a vector: along coordinates and along vectors, in blocks of points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .._parallel import over_pieces
from ..adaptive_rule import HIGHEST, Adaptive
from ..estimates import Estimate
from ..evaluation.request import ADAPTIVE
from ..evaluation.traced import Lanes
from ..evaluation.vector_machine import Machine
from ..rules.complexstep import SAMPLE, ComplexStep, compare, sideways
from ..rules.stencils import Stencil
from .line_evaluation import Coordinates, Directions, derive
from .problem import Question

#: Entries that are found at a time: by the adaptive rule as many as it evaluates together, by others more.
ENTRIES, _ENTRIES_OF_STENCILS, _ENTRIES_COMPILED = 1 << 12, 1 << 13, 1 << 14

#: Numbers in the vectors at one position of all lines; the adaptive rule asks for some fifteen positions.
_NUMBERS = 1 << 17

#: Evaluations that a thread is given at a time.
_EVALUATIONS, _EVALUATIONS_IN_LANES = 1 << 16, 1 << 18


def jacobians(q: Question, bars: bool) -> Any:
    """All entries, shape (points, outputs, coordinates): the derivative, or an `Estimate`."""
    if isinstance(q.rule, ComplexStep):
        return _sideways(q)
    machine = q.machine
    if machine is not None and isinstance(q.rule, Stencil) and q.rule.n <= HIGHEST and not bars and q.low is None:
        return _by_stencil(q, machine, q.empty((len(q.x), q.form.outputs, q.x.shape[1]), False).df)
    return _all_entries(q, machine, bars)


def _all_entries(q: Question, machine: Machine | Lanes | None, bars: bool) -> Any:
    """All entries by any rule for functions of a number, one block of points after the other."""
    form, (count, d) = q.form, q.x.shape
    m = form.outputs
    made = q.empty((count, m, d), bars)
    width = _lines_at_a_time(q, machine)
    q.f.expect(form, 2 * q.x.size)  # the slower `f` is, the fewer there are in a piece

    def work(piece: tuple[slice, ...]) -> None:
        part = q.at(piece[0])
        lines, size, steps = Coordinates(part.x), part.x.size, part.steps
        found: list[Any] = []
        for start in range(0, size, width):
            line = np.arange(start, min(start + width, size))
            extra = [None if a is None else a.ravel()[line] for a in (steps, part.low, part.high)]
            found.append(derive(q.rows, lines, line, m, q.rule, form.kind, q.mode, *extra, bars=bars, machine=machine))
        with np.errstate(over="ignore"):  # threads have settings of their own
            for field, values in zip(made.fields, zip(*found, strict=True) if bars else [found], strict=True):
                field[piece] = np.concatenate(values).reshape(-1, d, m).swapaxes(1, 2)

    if made.df.size:
        size = max(1, width // d)
        # the adaptive rule has milliseconds of Python for every piece, whatever its size
        workers, least = q.workers, max(1, size // 8) if isinstance(q.rule, Adaptive) else 1
        if not form.is_compiled:  # every piece takes milliseconds of Python
            workers, least = q.f.threads(form, q.workers, q.asked), size
        over_pieces(work, (count,), workers if count > 2 * size else 1, size, least=least)
    return made.whole


def _lines_at_a_time(q: Question, machine: Machine | Lanes | None) -> int:
    """How many lines to differentiate along together: what stays in cache and in bounds."""
    outputs, d = max(q.form.outputs, 1), max(q.x.shape[1], 1)
    if machine is not None:
        return max(1, _ENTRIES_COMPILED // outputs)
    entries = ENTRIES if q.mode == ADAPTIVE or q.low is not None else _ENTRIES_OF_STENCILS
    return int(max(1, min(entries // outputs, _NUMBERS // d)))


def _by_stencil(q: Question, machine: Machine | Lanes, out: Any) -> Any:
    """All entries by a stencil in machine code, over threads when there are many."""
    assert isinstance(q.rule, Stencil)
    rule = q.rule
    wrong = []

    def work(piece: tuple[slice, ...]) -> None:
        target = out[piece] if out.dtype == np.float64 else np.empty(out[piece].shape)
        steps = None if q.given is None else np.ascontiguousarray(q.at(piece[0]).steps)
        wrong.append(machine.stencil(q.x[piece], rule, q.form.kind, steps, target))
        if target.dtype != out.dtype:
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
                out[piece] = target

    evaluations = q.x.size * len(rule.needed)
    in_pieces(work, len(q.x), evaluations, q.workers, isinstance(machine, Lanes))
    if any(wrong):  # `f` raised, or a stencil left its domain: rare, and left to the way that can mend it
        bad = np.flatnonzero(~np.isfinite(out).all(axis=(1, 2)) & ~np.isnan(q.x).any(axis=1))
        if bad.size:
            out[bad] = _all_entries(q.at(bad), None, False)
    return out


def in_pieces(
    work: Callable[[tuple[slice, ...]], None], count: int, evaluations: int, workers: int, in_lanes: bool
) -> None:
    """Do work that takes so many evaluations on all points, over threads when there are many."""
    most = _EVALUATIONS_IN_LANES if in_lanes else _EVALUATIONS
    if workers == 1 or evaluations < 2 * most:
        work((slice(None),))
    else:
        over_pieces(work, (count,), workers, max(1, most * count // evaluations))


def along(q: Question, v: Any, bars: bool) -> Any:
    """Differentiate along one vector at every point: shape (points, outputs), the derivative or an `Estimate`.

    A step is one along the vector: absolute in units of it, or relative to the size of the point.
    """
    m = q.form.outputs
    made = q.empty((len(q.x), m), bars)
    if made.df.size == 0:
        return made.whole
    machine = q.machine
    for here, part in q.parts(_lines_at_a_time(q, machine)):
        w, length = stretched(part.x, v[here])
        line = np.arange(len(part.x))
        lines = Directions(part.x, w[:, None], line, part.low, part.high)
        if isinstance(q.rule, ComplexStep):
            found = _sideways_along(q, lines, line)
        else:
            given = part.given if part.given is None or q.relative else part.given / length
            found = derive(
                q.rows, lines, line, m, q.rule, q.form.kind, q.mode, given, *lines.room(), bars=bars, machine=machine
            )
        made.put(here, scaled(found, length[:, None]) if bars else found / length[:, None])
    return made.whole


def scaled(e: Estimate, length: Any) -> Estimate:
    """Turn derivatives along stretched vectors into those along the vectors themselves."""
    slopes = {name: getattr(e, name) / length for name in ("df", "left", "right")}
    return e._replace(**slopes, error=e.error / np.abs(length))


def unit(x: Any) -> Any:
    """Binade of ``max(|x|, 1)``: the scale that steps refer to."""
    return np.ldexp(1.0, np.frexp(np.maximum(np.abs(x), 1.0))[1] - 1)


def stretched(x: Any, v: Any) -> tuple[Any, Any]:
    """Make vectors as long as the points: return them, and the powers of two by which they were stretched.

    No power of two is large enough for those below 1e-308 of the point: they come out as NaN.
    """
    with np.errstate(all="ignore"):
        size = np.max(np.abs(v) / unit(x), axis=1, initial=0.0)
        length = np.ldexp(1.0, np.where((size > 0) & np.isfinite(size), -np.frexp(size)[1], 0))
        return v * length[:, None], np.where(np.isinf(length), 1.0, length)


def _sideways(q: Question) -> Any:
    """All entries by the complex step, a sample of them compared with the adaptive rule."""
    (count, d), m = q.x.shape, q.form.outputs
    result = np.empty((count, m, d), q.dtype)
    for here, part in q.parts(ENTRIES // max(d, 1)):
        x, line = part.x.ravel(), np.arange(part.x.size)
        vectors = part.x[line // d].astype(np.complex128)
        h = sideways(x)
        vectors[line, line % d] += 1j * h
        values = complex_rows(q, vectors)
        slopes = np.where(np.isfinite(x)[:, None], values.imag / h[:, None], np.nan)
        result[here] = slopes.reshape(-1, d, m).swapaxes(1, 2)
    if result.size:
        some = np.unique(np.linspace(0, count - 1, max(1, SAMPLE // (m * d))).astype(int))
        check = q.at(some)._replace(rule=Adaptive(), mode=ADAPTIVE)
        trusted = jacobians(check, True)
        x = np.broadcast_to(check.x[:, None, :], trusted.df.shape)
        compare(result[some].ravel(), Estimate(*(a.ravel() for a in trusted)), x.ravel())
    return result


def _sideways_along(q: Question, lines: Directions, line: Any) -> Any:
    """Take the complex step along vectors, a sample of them compared with the adaptive rule."""
    h, m = sideways(np.zeros(1)), q.form.outputs
    slopes = complex_rows(q, lines.x + 1j * h * lines.v[:, 0]).imag / h
    some = np.unique(np.linspace(0, line.size - 1, SAMPLE).astype(int))
    limits = (None if a is None else a[some] for a in lines.room())
    trusted = derive(q.rows, lines, some, m, Adaptive(), q.form.kind, ADAPTIVE, None, *limits, bars=True)
    compare(slopes[some].ravel(), Estimate(*(a.ravel() for a in trusted)), np.repeat(some, m))
    return slopes


def complex_rows(q: Question, vectors: Any) -> Any:
    """Evaluate at complex vectors, and say it when `f` does not take them."""
    form = replace(q.f.form(q.x, q.args, q.low, q.high, compiled=False), kind="D")
    with np.errstate(all="ignore"):
        try:
            return q.f.rows(form, vectors, q.args)
        except TypeError as err:
            raise TypeError(
                f"`f` must accept complex numbers for the complex step; it raised {err}. "
                'Write it with NumPy functions, or use method="adaptive".'
            ) from err
