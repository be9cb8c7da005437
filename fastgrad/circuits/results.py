"""Results of a circuit over containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..containers.calls import Layout
from ..containers.registry import over_containers
from .template import Quantity, Template


def over_circuit_containers(
    circuit: Any, template: Template, quantity: Quantity, wrt: int, args: Sequence[Any], options: dict[str, Any]
) -> tuple[Any, ...]:
    """Compute over containers; results whose axes are different vectors one after the other."""
    if not template.is_scalar and quantity in ("partials", "both"):
        requests: list[tuple[Quantity, int]] = [("values", 0)] if quantity == "both" else []
        requests += [("jacobian", i) for i in range(len(template.sizes))]
        return tuple(over_circuit_containers(circuit, template, *one, args, options)[0] for one in requests)
    groups = template.groups(quantity, wrt)
    shape = groups[0].shape
    axes = "de" if quantity == "hessian" else "md" if quantity == "jacobian" and template.sizes[wrt] else "m"
    axes = axes[len(axes) - len(shape) :] if len(shape) < len(axes) else axes
    if len(shape) > len(axes):
        raise TypeError(
            f"`f` must return a number or one row of them for containers; got shape {template.shape}. "
            "Return it raveled, or pass arrays, `numpy.asarray(x)`."
        )
    names = [f"args[{i}]" for i in range(len(args))]
    vectors = {n: 0 if size is None else i for i, (n, size) in enumerate(zip(names, template.sizes, strict=False), 1)}
    results = over_containers(
        _compute_plain,
        circuit,
        dict(zip(names, args, strict=True)),
        {"quantity": quantity, "wrt": wrt, **options},
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
    """Results of a circuit, which is pickled where workers compute, on the arrays of containers."""
    results = circuit._compute(quantity, args, None, workers, wrt)
    return results if len(results) > 1 else results[0]
