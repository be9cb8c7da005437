"""What a circuit is asked for: groups of nodes, compiled when they are wanted first, over arrays and their containers.

The questions are ``"values"``, ``"partials"`` in all arguments, ``"both"``; and ``"jacobian"`` and ``"hessian"`` in one
of them, which `wrt` names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import threads
from ..array_kinds import PLAIN, kinds
from ..containers.calls import Layout
from ..containers.registry import over_containers
from ..tracing import Node
from ._chain_rule import jacobian
from ._fused import Fused, Group
from ._signature import widths


class Results:
    """Values and derivatives of a circuit.

    Parameters
    ----------
    f : callable
        The function that was traced.
    sizes : sequence of int or None
        For each argument the length of a vector, or None for a number.
    outputs : sequence of Node
        The nodes of its results.
    kind : None, "tuple" or tuple of int
        How they are arranged: one number, a tuple, an array of that shape.
    """

    def __init__(self, f: Callable[..., Any], sizes: Sequence[int | None], outputs: Sequence[Node], kind: Any) -> None:
        self._f, self._sizes, self._outputs = f, sizes, outputs
        self._widths = widths(sizes)
        #: Whether all arguments are numbers.
        self.numbers = all(size is None for size in sizes)
        #: Whether there are several results of their own, not one array.
        self.several = kind is not None and self.numbers
        #: Shape of the values at one point, where they are one array.
        self.shape: tuple[int, ...] = () if kind is None else (len(outputs),) if kind == "tuple" else kind
        self._made: dict[tuple[str, int], Fused] = {}

    @functools.cached_property
    def jacobian(self) -> list[list[Node]]:
        """Partial derivatives of all results in all inputs."""
        return jacobian(self._outputs, sum(self._widths))

    def groups(self, what: str, wrt: int = 0) -> list[Group]:
        """Return what is to be computed for a question."""
        if what == "jacobian":
            return self._partials(wrt)
        if what == "hessian":
            return [self._hessian(wrt)]
        made = self._values() if what in ("values", "both") else []
        if what in ("partials", "both"):
            columns = [self._partials(i) for i in range(len(self._sizes))]
            made += [group for row in zip(*columns, strict=True) for group in row]
        return made

    def _columns(self, wrt: int) -> slice:
        return slice(sum(self._widths[:wrt]), sum(self._widths[: wrt + 1]))

    def _values(self) -> list[Group]:
        if self.several:
            return [Group([node]) for node in self._outputs]
        return [Group([*self._outputs], self.shape)]

    def _partials(self, wrt: int) -> list[Group]:
        size, columns = self._sizes[wrt], self._columns(wrt)
        own = () if size is None else (size,)
        if self.several:
            return [Group(row[columns], own) for row in self.jacobian]
        return [Group([node for row in self.jacobian for node in row[columns]], self.shape + own)]

    def _hessian(self, wrt: int) -> Group:
        columns = self._columns(wrt)
        rows = [row[columns] for row in jacobian(self.jacobian[0][columns], sum(self._widths))]
        size = len(rows)
        return Group([rows[max(i, j)][min(i, j)] for i in range(size) for j in range(size)], (size, size))

    def compute(
        self, circuit: Any, what: str, wrt: int, args: Sequence[Any], out: Any, workers: Any
    ) -> tuple[Any, ...]:
        """Compute all groups of a question at a batch of points; `circuit` is what travels to where that is done."""
        for a in args:
            if kinds[type(a)] is not PLAIN:
                return self._within(circuit, what, wrt, args, out, workers)
        fused = self._made.get((what, wrt))
        if fused is None:
            fused = self._made.setdefault((what, wrt), Fused(self._f, self._sizes, self.groups(what, wrt)))
        return fused(args, out, 1 if workers == 1 else threads(workers))

    def _within(self, circuit: Any, what: str, wrt: int, args: Any, out: Any, workers: Any) -> tuple[Any, ...]:
        """Compute with what is in containers; results that have axes of different vectors each by itself."""
        if not self.numbers and what in ("partials", "both"):
            each = [("values", 0)] if what == "both" else []
            each += [("jacobian", i) for i in range(len(self._sizes))]
            return tuple(self._within(circuit, *one, args, out, workers)[0] for one in each)
        groups = self.groups(what, wrt)
        shape = groups[0].shape
        axes = "de" if what == "hessian" else "md" if what == "jacobian" and self._sizes[wrt] else "m"
        axes = axes[len(axes) - len(shape) :] if len(shape) < len(axes) else axes
        if len(shape) > len(axes):
            raise TypeError(
                f"`f` must return a number or one row of them for containers; got shape {self.shape}. Return it "
                "raveled, or pass arrays, `numpy.asarray(x)`."
            )
        names = [f"args[{i}]" for i in range(len(args))]
        sizes = enumerate(zip(names, self._sizes, strict=False), 1)
        vectors = {name: 0 if size is None else i for i, (name, size) in sizes}
        found = over_containers(
            _computed,
            circuit,
            dict(zip(names, args, strict=True)),
            {"what": what, "wrt": wrt, "out": out, "workers": workers},
            Layout(
                axes,
                vectors=vectors if any(vectors.values()) else False,
                fields=len(groups),
                probes_outputs=True,
                along=wrt + 1,
            ),
        )
        return found if len(groups) > 1 else (found,)


def _computed(circuit: Any, *args: Any, what: str, wrt: int, workers: int | None) -> Any:
    """Results of a circuit on what was in containers."""
    found = circuit._compute(what, args, None, workers, wrt)
    return found if len(found) > 1 else found[0]
