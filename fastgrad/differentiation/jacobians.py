"""First derivatives of functions of a vector: along coordinates and along vectors, in blocks of points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .._parallel import over_pieces
from ..adaptive_rule import HIGHEST, Adaptive
from ..estimates import Estimate
from ..evaluation.traced import Lanes
from ..evaluation.vector_machine import Machine
from ..rules.complexstep import ComplexStep
from ..rules.stencils import Stencil
from . import lane_stencils, vector_stencils
from .complex_steps import compare_sample, slopes
from .line_evaluation import Coordinates, Directions, derive
from .problem import Question
from .request import ADAPTIVE

#: Entries that are computed together: by the adaptive rule as many as it evaluates together, by others more.
ENTRIES, _ENTRIES_OF_STENCILS, _ENTRIES_COMPILED = 1 << 12, 1 << 13, 1 << 14

#: Numbers in the vectors at one position of all lines; the adaptive rule requests some fifteen positions.
_NUMBERS = 1 << 17

#: Evaluations that a thread is given at a time.
_EVALUATIONS, _EVALUATIONS_IN_LANES = 1 << 16, 1 << 18


def jacobians(q: Question, bars: bool) -> Any:
    """All entries, shape (points, outputs, coordinates): the derivative, or an `Estimate`."""
    if isinstance(q.rule, ComplexStep):
        return _complex_step(q)
    machine = q.machine
    if machine is not None and isinstance(q.rule, Stencil) and q.rule.n <= HIGHEST and not bars and q.low is None:
        return _by_stencil(q, machine, q.empty((len(q.x), q.form.outputs, q.x.shape[1]), False).df)
    return _all_entries(q, machine, bars)


def _all_entries(q: Question, machine: Machine | Lanes | None, bars: bool) -> Any:
    """All entries by any rule for functions of a number, one block of points after the other."""
    form, (count, d) = q.form, q.x.shape
    m = form.outputs
    results = q.empty((count, m, d), bars)
    width = _lines_at_a_time(q, machine)
    q.f.expect(form, 2 * q.x.size)  # the slower `f` is, the fewer there are in a piece

    def work(piece: tuple[slice, ...]) -> None:
        part = q.at(piece[0])
        lines, size, steps = Coordinates(part.x), part.x.size, part.steps
        derived: list[Any] = []
        for start in range(0, size, width):
            line = np.arange(start, min(start + width, size))
            extra = [None if a is None else a.ravel()[line] for a in (steps, part.low, part.high)]
            derived.append(
                derive(q.rows, lines, line, m, q.rule, form.kind, q.mode, *extra, bounds=bars, machine=machine)
            )
        with np.errstate(over="ignore"):  # threads have settings of their own
            for field, values in zip(results.fields, zip(*derived, strict=True) if bars else [derived], strict=True):
                field[piece] = np.concatenate(values).reshape(-1, d, m).swapaxes(1, 2)

    if results.df.size:
        size = max(1, width // d)
        # the adaptive rule has milliseconds of Python for every piece, whatever its size
        workers, least = q.workers, max(1, size // 8) if isinstance(q.rule, Adaptive) else 1
        if not form.is_compiled:  # every piece takes milliseconds of Python
            workers, least = q.f.threads(form, q.workers, q.asked), size
        over_pieces(work, (count,), workers if count > 2 * size else 1, size, q.f.cost((q.rule, d, bars)), least)
    return results.whole


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
    apply_stencil: Any = (lane_stencils if isinstance(machine, Lanes) else vector_stencils).apply_stencil

    def work(piece: tuple[slice, ...]) -> None:
        target = out[piece] if out.dtype == np.float64 else np.empty(out[piece].shape)
        steps = None if q.given is None else np.ascontiguousarray(q.at(piece[0]).steps)
        wrong.append(apply_stencil(machine, q.x[piece], rule, q.form.kind, steps, target))
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
    results = q.empty((len(q.x), m), bars)
    if results.df.size == 0:
        return results.whole
    machine = q.machine
    for here, part in q.parts(_lines_at_a_time(q, machine)):
        w, length = stretched(part.x, v[here])
        line = np.arange(len(part.x))
        lines = Directions(part.x, w[:, None], line, part.low, part.high)
        if isinstance(q.rule, ComplexStep):
            derived = _complex_step_along(q, lines, line)
        else:
            given = part.given if part.given is None or q.relative else part.given / length
            derived = derive(
                q.rows, lines, line, m, q.rule, q.form.kind, q.mode, given, *lines.reach(), bounds=bars, machine=machine
            )
        results.put(here, scaled(derived, length[:, None]) if bars else derived / length[:, None])
    return results.whole


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


def _complex_step(q: Question) -> Any:
    """All entries by the complex step, a sample of them compared with the adaptive rule."""
    (count, d), m = q.x.shape, q.form.outputs
    result = np.empty((count, m, d), q.dtype)
    for here, part in q.parts(ENTRIES // max(d, 1)):
        lines, line = Coordinates(part.x), np.arange(part.x.size)
        derived = slopes(lambda z, lines=lines, line=line: complex_rows(q, lines.vectors(line, z)), part.x.ravel())  # type: ignore[misc]
        result[here] = derived.reshape(-1, d, m).swapaxes(1, 2)

    def trusted(some: Any) -> Any:
        return jacobians(q.at(some)._replace(rule=Adaptive(), mode=ADAPTIVE), True)

    compare_sample(result, count, np.broadcast_to(q.x[:, None, :], result.shape), trusted)
    return result


def _complex_step_along(q: Question, lines: Directions, line: Any) -> Any:
    """Take the complex step along vectors, a sample of them compared with the adaptive rule."""
    m = q.form.outputs
    result = slopes(lambda z: complex_rows(q, lines.vectors(line, z)), lines.start(line))

    def trusted(some: Any) -> Any:
        limits = (None if a is None else a[some] for a in lines.reach())
        return derive(q.rows, lines, some, m, Adaptive(), q.form.kind, ADAPTIVE, None, *limits, bounds=True)

    compare_sample(result, line.size, np.broadcast_to(line[:, None], result.shape), trusted)
    return result


def complex_rows(q: Question, vectors: Any) -> Any:
    """Evaluate at complex vectors."""
    form = replace(q.f.form(q.x, q.args, q.low, q.high, compiled=False), kind="D")
    return q.f.rows(form, vectors, q.args)
