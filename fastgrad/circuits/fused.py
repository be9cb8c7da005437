"""Groups of a circuit's nodes as one ufunc, with the rules of all functions for batches, types, `out` and threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .._parallel import PIECE, CostEstimate, over_pieces
from ..arguments import argument, checked_out, result_kind, threads
from ..compilation.operators import Uncompilable
from ..compilation.ufuncs import Ufunc
from ..tracing import Node, Program
from .gufunc import Table, gufunc_of
from .signature import widths

#: Most arguments and results of a ufunc in NumPy; more are joined to one vector.
_OPERANDS = 60

#: Numbers that are joined to vectors at a time.
_NUMBERS = 1 << 20


class Group(NamedTuple):
    """Nodes of one result, and their shape at each point."""

    nodes: list[Node]
    shape: tuple[int, ...] = ()


class Plan:
    """Machine code of groups of nodes, and how operands and results are passed to it; shared among circuits.

    `sizes` has for each argument the length of a vector, or None for a number. The `captured` inputs behind the
    arguments differ between circuits. `name` is for messages.
    """

    def __init__(self, sizes: Sequence[int | None], groups: Sequence[Group], captured: int, name: str) -> None:
        self.sizes, self.groups = sizes, groups
        nodes = [node for group in groups for node in group.nodes]
        self.nin = sum(widths(sizes))
        self._width = self.nin + len(nodes)
        #: Whether all operands are numbers, for a ufunc; else they are vectors, for a gufunc.
        self._is_flat = all(s is None for s in sizes) and not any(g.shape for g in groups) and self._width <= _OPERANDS
        #: Whether there are too many operands for NumPy: they are joined to one vector.
        self._is_packed = not self._is_flat and len(sizes) + len(groups) > _OPERANDS
        vectors = None not in sizes and all(len(group.shape) == 1 for group in groups)
        #: Whether operands and results are passed as they are.
        self._is_direct = self._is_flat or (vectors and not self._is_packed)
        self._ends = np.cumsum([len(group.nodes) for group in groups])[:-1]
        #: Rows of a gufunc's blocks, None for a ufunc.
        self._table: Table | None = None
        if self._is_packed:
            self._table = Table([self.nin], [nodes])
        elif not self._is_flat:
            self._table = Table(widths(sizes), [group.nodes for group in groups])
        program = Program(self._table.computed if self._table else nodes, self.nin, captured=captured)
        self._name, self._literals, self._count = name, program.parameters, len(nodes)
        #: Ufuncs that no call uses: as many as calls ran at the same time.
        self._unused: list[tuple[Ufunc, Any]] = []
        self.pace = CostEstimate()
        try:
            self._code = program.body()
        except Uncompilable as err:
            raise TypeError(
                f"every gate of `{name}` must be a formula that Numba can compile; got one where {err}."
            ) from err

    def _acquire(self, numbers: Any) -> tuple[Ufunc, Any]:
        """Return a ufunc or gufunc over captured `numbers`, and the array that holds them."""
        try:
            instance = self._unused.pop()
        except IndexError:
            parameters = np.array([*numbers, *self._literals, 0.0])
            doc, address = f"circuit of {self._name}", parameters.ctypes.data
            if self._table is None:
                ufunc = Ufunc(self._code, self.nin, self._name, doc, self._count, (address,), parameters)
            else:
                ufunc = gufunc_of(self._code, parameters, self._table, self._name, doc)
            instance = ufunc, parameters
        if len(numbers):
            instance[1][: len(numbers)] = numbers
        return instance

    def compute(
        self, f: Callable[..., Any], numbers: Any, args: Sequence[Any], out: Any, workers: int | None
    ) -> tuple[Any, ...]:
        """Compute all groups at a batch of points; `f` captures `numbers`, and is called for what it raises."""
        if len(args) != (count := len(self.sizes)):
            raise TypeError(f"`args` must be {count} argument{'s' * (count != 1)}; got {len(args)}.")
        operands = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
        instance = self._acquire(numbers)
        ufunc, before = instance[0], instance[0].raised
        results = self._compute(ufunc, operands, out, workers)
        if ufunc.raised != before:
            self._raise_again(f, operands, results[0])
        self._unused.append(instance)  # not after an exception, when a thread may still use it
        return results

    def _compute(self, ufunc: Ufunc, operands: list[Any], out: Any, workers: int | None) -> tuple[Any, ...]:
        """Compute all groups by the shortest path that the operands allow."""
        kind, points = result_kind(operands), self._points(operands)
        quick = points <= 1 or not self.pace.worth(points) or (workers == 1 and self.pace.short(points))
        if self._is_direct and quick and out is None and kind == np.float64 and self._fits(operands):
            start = perf_counter()
            try:
                returned = ufunc.call(*operands)
            except ValueError:
                self._batch(operands)  # names the arguments when they do not broadcast
                raise
            if points > 1:
                self.pace.took(points, start)
            return returned if isinstance(returned, tuple) else (returned,)
        batch = self._batch(operands)
        if out is not None:
            for target, group in zip(out, self.groups, strict=True):
                checked_out(target, batch + group.shape)
            # threads and lanes read arguments after results have been written
            operands = [
                o.copy() if isinstance(o, np.ndarray) and any(np.may_share_memory(o, t) for t in out) else o
                for o in operands
            ]
        elif quick and kind == np.float64:
            return self._reshape(ufunc.call(*self._vectors(operands)), batch)
        results = tuple(np.empty(batch + g.shape, kind) for g in self.groups) if out is None else out
        self._fill(ufunc, operands, results, batch, 0 if quick else workers or threads(None))
        return out or tuple(r[()] for r in results)

    def _points(self, operands: list[Any]) -> int:
        """Count the points."""
        shapes = {
            o.shape if size is None else o.shape[:-1]
            for o, size in zip(operands, self.sizes, strict=True)
            if isinstance(o, np.ndarray)
        }
        shapes.discard(())
        return prod(self._batch(operands) if len(shapes) > 1 else shapes.pop() if shapes else ())

    def _fits(self, operands: list[Any]) -> bool:
        """Tell whether vectors have their lengths; `_batch` raises if not."""
        return self._is_flat or all(np.shape(o)[-1:] == (s,) for o, s in zip(operands, self.sizes, strict=True))

    def _vectors(self, operands: list[Any]) -> list[Any]:
        """Add an axis to numbers where every operand is a vector."""
        if self._is_flat:
            return operands
        if self._is_packed:
            full = zip(self._broadcast(operands, self._batch(operands)), self.sizes, strict=True)
            return [np.concatenate([o if size else o[..., None] for o, size in full], axis=-1, dtype=np.float64)]
        return [np.asarray(o)[..., None] if s is None else o for o, s in zip(operands, self.sizes, strict=True)]

    def _reshape(self, returned: Any, batch: tuple[int, ...]) -> tuple[Any, ...]:
        """Reshape each result to the shape of its group."""
        results = returned if isinstance(returned, tuple) else (returned,)
        if self._is_packed:
            results = tuple(np.split(returned, self._ends, axis=-1))
        return tuple(r.reshape(batch + g.shape)[()] for r, g in zip(results, self.groups, strict=True))

    def _batch(self, operands: list[Any]) -> tuple[int, ...]:
        """Check the shapes of all operands, and return the shape of the batch."""
        shapes = []
        for i, (operand, size) in enumerate(zip(operands, self.sizes, strict=True)):
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

    def _broadcast(self, operands: list[Any], batch: tuple[int, ...]) -> list[Any]:
        """Broadcast every operand to the batch."""
        return [
            np.broadcast_to(o, batch if size is None else (*batch, size))
            for o, size in zip(operands, self.sizes, strict=True)
        ]

    def _fill(
        self, ufunc: Ufunc, operands: list[Any], results: Sequence[Any], batch: tuple[int, ...], workers: int
    ) -> None:
        """Compute into `results`, in pieces over threads; in one piece with 0 `workers`."""
        targets, copies = [], []
        for result, group in zip(results, self.groups, strict=True):
            target = result
            if not self._is_flat and not self._is_packed and len(group.shape) != 1:
                target = result.reshape(*batch, len(group.nodes))
                if not np.may_share_memory(target, result):  # `out` has gaps between its rows
                    copies.append((result, target))
            targets.append(target)
        full = self._broadcast(operands, batch)

        def work(index: tuple[slice, ...]) -> None:
            vectors = self._vectors([o[index] for o in full])
            parts = tuple(t[index] if index else t for t in targets)  # without axes ``t[()]`` would be a number
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
                if self._is_packed:
                    returned = ufunc.call(*vectors)
                    for part, values in zip(parts, self._reshape(returned, returned.shape[:-1]), strict=True):
                        part[...] = values
                else:
                    ufunc.call(*vectors, out=parts, casting="same_kind")

        if not batch or not workers:
            work((slice(None),) * len(batch))
        else:  # on one thread, too: signals are handled between the pieces only
            most = max(1, _NUMBERS // self._width) if self._is_packed else PIECE
            over_pieces(work, batch, workers, most, self.pace)
        for result, target in copies:
            result[...] = target.reshape(result.shape)

    def _raise_again(self, f: Callable[..., Any], operands: list[Any], result: Any) -> None:
        """Call `f` itself where a gate raised, so that the caller sees its exception unchanged."""
        batch = self._batch(operands)
        first = np.asarray(result).reshape(*batch, -1)[..., 0]
        full = self._broadcast(operands, batch)
        for index in zip(*np.nonzero(np.isnan(first)), strict=True) if batch else [()]:
            f(*[o[index] for o in full])
