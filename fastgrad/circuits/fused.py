"""Groups of a circuit's nodes as one ufunc, with the rules of all functions for batches, types, `out` and threads."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from time import perf_counter

import numpy as np

from .._parallel import PIECE, CostEstimate, over_pieces
from .._typing import Array, FloatArray, Function, Operand, Shape
from ..arguments import argument, checked_out, result_kind, threads
from ..compilation.operators import Uncompilable
from ..compilation.ufuncs import Ufunc
from ..tracing import Program
from .gufunc import Group, RowTable, gufunc_of
from .signature import widths

#: Most arguments and results of a ufunc in NumPy; more are joined to one vector.
_OPERANDS = 60

#: Numbers that are joined to vectors at a time.
_NUMBERS = 1 << 20

#: Arrays that results are written to.
Targets = tuple[Array, ...] | None


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
        is_scalar = all(s is None for s in sizes) and not any(g.shape for g in groups)
        #: Whether there are too many operands for NumPy: they are joined to one vector.
        self._is_packed = not (is_scalar and self._width <= _OPERANDS) and len(sizes) + len(groups) > _OPERANDS
        #: Whether a call alone gives the results, without memory that is laid out for them.
        self._is_direct = not self._is_packed and all(len(group.shape) < 2 for group in groups)
        self._ends = np.cumsum([len(group.nodes) for group in groups])[:-1]
        #: Rows of a gufunc's blocks, None for a ufunc.
        self._table: RowTable | None = None
        if self._is_packed:
            self._table = RowTable([(self.nin,)], [Group(nodes, (len(nodes),))])
        elif not is_scalar:
            self._table = RowTable([() if size is None else (size,) for size in sizes], groups)
        program = Program(self._table.computed if self._table else nodes, self.nin, captured=captured)
        self._name, self._literals, self._count = name, program.parameters, len(nodes)
        #: Ufuncs that no call uses: as many as calls ran at the same time.
        self._unused: list[tuple[Ufunc, FloatArray]] = []
        self.pace = CostEstimate()
        try:
            self._code = program.body()
        except Uncompilable as err:
            raise TypeError(
                f"every gate of `{name}` must be a formula that Numba can compile; got one where {err}."
            ) from err

    def _acquire(self, numbers: FloatArray) -> tuple[Ufunc, FloatArray]:
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
        self, f: Function, numbers: FloatArray, args: Sequence[object], out: Targets, workers: int | None
    ) -> tuple[Operand, ...]:
        """Compute all groups at a batch of points; `f` captures `numbers`, and is called for what it raises."""
        if len(args) != (count := len(self.sizes)):
            raise TypeError(
                f"`args` must be {count} argument{'s' * (count != 1)}; got {len(args)}. Pass those of the function."
            )
        operands: list[Operand] = [a if type(a) is float else argument(a, f"args[{i}]") for i, a in enumerate(args)]
        instance = self._acquire(numbers)
        ufunc, before = instance[0], instance[0].raised
        results = self._compute(ufunc, operands, out, workers)
        if ufunc.raised != before:
            self._raise_again(f, operands, results[0])
        self._unused.append(instance)  # not after an exception, when a thread may still use it
        return results

    def _compute(self, ufunc: Ufunc, operands: list[Operand], out: Targets, workers: int | None) -> tuple[Operand, ...]:
        """Compute all groups by the shortest path that the operands allow."""
        kind, points = result_kind(operands), self._points(operands)
        quick = points <= 1 or not self.pace.worth(points) or (workers == 1 and self.pace.short(points))
        if self._is_direct and quick and out is None and kind == np.float64:
            start = perf_counter()
            try:
                returned = ufunc.call(*operands)
            except ValueError:
                self._batch(operands)  # names the arguments that do not fit
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
        results = tuple(np.empty(batch + g.shape, kind) for g in self.groups) if out is None else out
        self._fill(ufunc, operands, results, batch, 0 if quick else workers or threads(None))
        return tuple(r[()] for r in results) if out is None else results

    def _points(self, operands: list[Operand]) -> int:
        """Count the points."""
        shapes = {
            o.shape if size is None else o.shape[:-1]
            for o, size in zip(operands, self.sizes, strict=True)
            if isinstance(o, np.ndarray)
        }
        shapes.discard(())
        return prod(self._batch(operands) if len(shapes) > 1 else shapes.pop() if shapes else ())

    def _batch(self, operands: list[Operand]) -> Shape:
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

    def _broadcast(self, operands: list[Operand], batch: Shape) -> list[Array]:
        """Broadcast every operand to the batch."""
        return [
            np.broadcast_to(o, batch if size is None else (*batch, size))
            for o, size in zip(operands, self.sizes, strict=True)
        ]

    def _fill(
        self, ufunc: Ufunc, operands: list[Operand], results: Sequence[Array], batch: Shape, workers: int
    ) -> None:
        """Compute into `results`, in pieces over threads; in one piece with 0 `workers`."""
        full = self._broadcast(operands, batch)

        def work(index: tuple[slice, ...]) -> None:
            parts = tuple(r[index] if index else r for r in results)  # without axes ``r[()]`` would be a number
            with np.errstate(all="ignore"):  # what overflows a smaller type is infinite there
                self._write(ufunc, [o[index] for o in full], parts)

        if not batch or not workers:
            work((slice(None),) * len(batch))
        else:  # on one thread, too: signals are handled between the pieces only
            most = max(1, _NUMBERS // self._width) if self._is_packed else PIECE
            over_pieces(work, batch, workers, most, self.pace)

    def _write(self, ufunc: Ufunc, operands: list[Array], results: tuple[Array, ...]) -> None:
        """Call the ufunc, and write what it returns to `results`."""
        if self._is_packed:
            vectors = [o if size else o[..., None] for o, size in zip(operands, self.sizes, strict=True)]
            joined = ufunc.call(np.concatenate(vectors, axis=-1, dtype=np.float64))
            own = tuple(np.split(joined, self._ends, axis=-1))
        else:
            own = tuple(
                r.reshape(*r.shape[: r.ndim - len(group.shape)], len(group.nodes)) if len(group.shape) > 1 else r
                for r, group in zip(results, self.groups, strict=True)
            )
            ufunc.call(*operands, out=own, casting="same_kind")
        for result, values in zip(results, own, strict=True):
            if not np.may_share_memory(result, values):  # `out` has gaps between its rows
                result[...] = values.reshape(result.shape)

    def _raise_again(self, f: Function, operands: list[Operand], result: Operand) -> None:
        """Call `f` itself where a gate raised, so that the caller sees its exception unchanged."""
        batch = self._batch(operands)
        first = np.asarray(result).reshape(*batch, -1)[..., 0]
        full = self._broadcast(operands, batch)
        for index in zip(*np.nonzero(np.isnan(first)), strict=True) if batch else [()]:
            f(*[o[index] for o in full])
