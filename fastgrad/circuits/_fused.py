"""Groups of a circuit's nodes as one fused ufunc, with the house's rules for batches, types, `out` and threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .._parallel import PIECE, Pace, over_pieces
from ..arguments import argument, checked_out, result_kind
from ..compilation.kernels import LOCK
from ..compilation.operators import Uncompilable
from ..compilation.ufuncs import Ufunc
from ..tracing import Layout, Node, Program
from ._gufunc import Gufunc
from ._signature import widths

#: Arguments and results that NumPy lets a ufunc have; with more they travel as one vector.
_OPERANDS = 60

#: Numbers that are copied into one vector at a time, where they travel so.
_NUMBERS = 1 << 20


class Group(NamedTuple):
    """Nodes that make up one result, and their shape at each point."""

    nodes: list[Node]
    shape: tuple[int, ...] = ()


class Fused:
    """One compiled program over a batch.

    Parameters
    ----------
    f : callable
        The function that was traced, for its name and for what it raises.
    sizes : sequence of int or None
        For each argument the length of a vector, or None for a number.
    groups : sequence of Group
        What is to be computed.
    """

    def __init__(self, f: Callable[..., Any], sizes: Sequence[int | None], groups: Sequence[Group]) -> None:
        self._f, self._sizes, self._groups = f, sizes, groups
        nodes = [node for group in groups for node in group.nodes]
        self._nin = sum(widths(sizes))
        self._width, self._pace = self._nin + len(nodes), Pace()
        #: Numbers only: a ufunc. Else a gufunc, all of whose operands are vectors.
        self._flat = all(s is None for s in sizes) and not any(g.shape for g in groups) and self._width <= _OPERANDS
        #: Too many operands and results: they travel as one vector.
        self._packed = not self._flat and len(sizes) + len(groups) > _OPERANDS
        vectors = None not in sizes and all(len(group.shape) == 1 for group in groups)
        #: Operands and results go there as they are.
        self._plain = self._flat or (vectors and not self._packed)
        self._ends = np.cumsum([len(group.nodes) for group in groups])[:-1]
        try:
            with LOCK:
                self._made = self._compiled(nodes)
        except Uncompilable as err:
            raise TypeError(
                f"every gate of `{self._name}` must be a formula that Numba can compile; got one where {err}."
            ) from err

    @property
    def _name(self) -> str:
        return getattr(self._f, "__name__", "f")

    def _compiled(self, nodes: Sequence[Node]) -> Ufunc | Gufunc:
        """Compile all nodes into one ufunc, or gufunc."""
        name, doc = self._name, f"circuit of {self._name}"
        if self._flat:
            program = Program(nodes, self._nin)
            numbers = np.array([*program.parameters, 0.0])
            return Ufunc(program.body(), self._nin, name, doc, len(nodes), (numbers.ctypes.data,), numbers)
        layout, sizes = Layout(nodes, self._nin), widths(self._sizes)
        rows = [part.tolist() for part in np.split(np.array(layout.rows), self._ends)]
        if self._packed:
            sizes, rows = [self._nin], [layout.rows]
        program = Program(layout.computed, self._nin)
        numbers = np.array([*program.parameters, 0.0])
        return Gufunc(program.body(), numbers, sizes, rows, len(layout.computed), layout.constants, name, doc)

    def __call__(self, args: Sequence[Any], out: Any, workers: int) -> tuple[Any, ...]:
        """Compute all groups at a batch of points."""
        if len(args) != len(self._sizes):
            raise TypeError(
                f"`args` must be {len(self._sizes)} argument{'s' * (len(self._sizes) != 1)}; got {len(args)}."
            )
        operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
        kind, before = result_kind(operands), self._made.raised
        points = self._points(operands)
        quick = points <= 1 or not self._pace.worth(points) or (workers == 1 and self._pace.short(points))
        if self._plain and quick and out is None and kind == np.float64 and self._fits(operands):
            began = perf_counter()
            try:
                found = self._made.call(*operands)
            except ValueError:
                self._batch(operands)  # names the arguments when they do not broadcast
                raise
            results = found if isinstance(found, tuple) else (found,)
            if points > 1:
                self._pace.took(points, began)
        else:
            batch = self._batch(operands)
            if out is not None:
                for target, group in zip(out, self._groups, strict=True):
                    checked_out(target, batch + group.shape)
                # threads and lanes read arguments after results have been written
                operands = [
                    o.copy() if isinstance(o, np.ndarray) and any(np.may_share_memory(o, t) for t in out) else o
                    for o in operands
                ]
            if out is None and quick and kind == np.float64:
                results = self._shaped(self._made.call(*self._vectors(operands)), batch)
            else:
                results = tuple(np.empty(batch + g.shape, kind) for g in self._groups) if out is None else out
                self._fill(operands, results, batch, 0 if quick else workers)
                results = out or tuple(r[()] for r in results)
        if self._made.raised != before:
            self._raise_again(operands, results[0])
        return results

    def _points(self, operands: list[Any]) -> int:
        """How many points there are."""
        shapes = {
            o.shape if size is None else o.shape[:-1]
            for o, size in zip(operands, self._sizes, strict=True)
            if isinstance(o, np.ndarray)
        }
        shapes.discard(())
        return prod(self._batch(operands) if len(shapes) > 1 else shapes.pop() if shapes else ())

    def _fits(self, operands: list[Any]) -> bool:
        """Tell whether vectors are of their lengths; `_batch` says what is wrong."""
        return self._flat or all(np.shape(o)[-1:] == (s,) for o, s in zip(operands, self._sizes, strict=True))

    def _vectors(self, operands: list[Any]) -> list[Any]:
        """Give numbers an axis of their own where every operand is to be a vector."""
        if self._flat:
            return operands
        if self._packed:
            whole = zip(self._spread(operands, self._batch(operands)), self._sizes, strict=True)
            return [np.concatenate([o if size else o[..., None] for o, size in whole], axis=-1, dtype=np.float64)]
        return [np.asarray(o)[..., None] if s is None else o for o, s in zip(operands, self._sizes, strict=True)]

    def _shaped(self, found: Any, batch: tuple[int, ...]) -> tuple[Any, ...]:
        """Give each result the shape of its group."""
        results = found if isinstance(found, tuple) else (found,)
        if self._packed:
            results = tuple(np.split(found, self._ends, axis=-1))
        return tuple(r.reshape(batch + g.shape)[()] for r, g in zip(results, self._groups, strict=True))

    def _batch(self, operands: list[Any]) -> tuple[int, ...]:
        """Return the shape of the batch, after looking at every operand's own."""
        shapes = []
        for i, (operand, size) in enumerate(zip(operands, self._sizes, strict=True)):
            shape = np.shape(operand)
            if size is not None:
                if not shape or shape[-1] != size:
                    raise ValueError(
                        f"`args[{i}]` must have {size} components on its last axis; got shape {shape}. "
                        "Put the batch in front."
                    )
                shape = shape[:-1]
            shapes.append(shape)
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            listed = ", ".join(map(str, shapes))
            raise ValueError(f"`args` must broadcast together; got batches {listed}. Add axes of length 1.") from None

    def _spread(self, operands: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """Give every operand the whole batch."""
        return [
            np.broadcast_to(o, batch if size is None else (*batch, size))
            for o, size in zip(operands, self._sizes, strict=True)
        ]

    def _fill(self, operands: list[Any], results: Sequence[Any], batch: tuple[int, ...], workers: int) -> None:
        """Compute into `results`, in pieces over threads; all at once with 0 `workers`."""
        targets, later = [], []
        for result, group in zip(results, self._groups, strict=True):
            target = result
            if not self._flat and not self._packed and len(group.shape) != 1:
                target = result.reshape(*batch, len(group.nodes))
                if not np.may_share_memory(target, result):  # `out` has gaps between its rows
                    later.append((result, target))
            targets.append(target)
        whole = self._spread(operands, batch)

        def work(place: tuple[slice, ...]) -> None:
            vectors = self._vectors([o[place] for o in whole])
            parts = tuple(t[place] if place else t for t in targets)  # without axes ``t[()]`` would be a number
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
                if self._packed:
                    found = self._made.call(*vectors)
                    for part, values in zip(parts, self._shaped(found, found.shape[:-1]), strict=True):
                        part[...] = values
                else:
                    self._made.call(*vectors, out=parts, casting="same_kind")

        if not batch or not workers:
            work((slice(None),) * len(batch))
        else:  # on one thread, too: Python hears Ctrl-C between the pieces only
            most = max(1, _NUMBERS // self._width) if self._packed else PIECE
            over_pieces(work, batch, workers, most, self._pace)
        for result, target in later:
            result[...] = target.reshape(result.shape)

    def _raise_again(self, operands: list[Any], result: Any) -> None:
        """Call `f` itself where a gate raised, so that the caller sees its exception unchanged."""
        batch = self._batch(operands)
        first = np.asarray(result).reshape(*batch, -1)[..., 0]
        whole = self._spread(operands, batch)
        for place in zip(*np.nonzero(np.isnan(first)), strict=True) if batch else [()]:
            self._f(*[o[place] for o in whole])
