"""Results of a circuit over arrays and their containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arguments import threads
from ..array_kinds import PLAIN, kinds
from ..containers.calls import Layout
from ..containers.registry import over_containers
from .fused import Fused
from .template import Quantity, Template


class Results:
    """Values and derivatives of a function with captured `numbers`; none where they are constants of the template."""

    def __init__(self, f: Callable[..., Any], template: Template, numbers: Any) -> None:
        self._f, self._template, self._numbers = f, template, numbers
        self._fused: dict[tuple[Quantity, int], Fused] = {}

    def compute(
        self, circuit: Any, quantity: Quantity, wrt: int, args: Sequence[Any], out: Any, workers: Any
    ) -> tuple[Any, ...]:
        """Compute all groups of a quantity at a batch of points; `circuit` is pickled where workers compute."""
        for a in args:
            if kinds[type(a)] is not PLAIN:
                return self._in_containers(circuit, quantity, wrt, args, out, workers)
        fused = self._fused.get((quantity, wrt))
        if fused is None:
            plan = self._template.plan(quantity, wrt, getattr(self._f, "__name__", "f"))
            fused = self._fused.setdefault((quantity, wrt), Fused(self._f, plan, self._numbers))
        return fused(args, out, None if workers is None else threads(workers))

    def _in_containers(
        self, circuit: Any, quantity: Quantity, wrt: int, args: Any, out: Any, workers: Any
    ) -> tuple[Any, ...]:
        """Compute over containers; results whose axes are different vectors one after the other."""
        if not self._template.is_scalar and quantity in ("partials", "both"):
            requests: list[tuple[Quantity, int]] = [("values", 0)] if quantity == "both" else []
            requests += [("jacobian", i) for i in range(len(self._template.sizes))]
            return tuple(self._in_containers(circuit, *one, args, out, workers)[0] for one in requests)
        groups = self._template.groups(quantity, wrt)
        shape = groups[0].shape
        axes = "de" if quantity == "hessian" else "md" if quantity == "jacobian" and self._template.sizes[wrt] else "m"
        axes = axes[len(axes) - len(shape) :] if len(shape) < len(axes) else axes
        if len(shape) > len(axes):
            raise TypeError(
                f"`f` must return a number or one row of them for containers; got shape {self._template.shape}. "
                "Return it raveled, or pass arrays, `numpy.asarray(x)`."
            )
        names = [f"args[{i}]" for i in range(len(args))]
        sizes = enumerate(zip(names, self._template.sizes, strict=False), 1)
        vectors = {name: 0 if size is None else i for i, (name, size) in sizes}
        results = over_containers(
            _compute_plain,
            circuit,
            dict(zip(names, args, strict=True)),
            {"quantity": quantity, "wrt": wrt, "out": out, "workers": workers},
            Layout(
                axes,
                vectors=vectors if any(vectors.values()) else False,
                fields=len(groups),
                probes_outputs=True,
                along=wrt + 1,
            ),
        )
        return results if len(groups) > 1 else (results,)


def _compute_plain(circuit: Any, *args: Any, quantity: Quantity, wrt: int, workers: int | None) -> Any:
    """Results of a circuit on the arrays of containers."""
    results = circuit._compute(quantity, args, None, workers, wrt)
    return results if len(results) > 1 else results[0]
