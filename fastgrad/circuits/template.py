"""What circuits of the same code share: nodes, their derivatives, and machine code.

Captured floats and arrays are inputs of a template, so a closure over new data is neither traced nor compiled. A
function whose program depends on such values (a branch, an exponent), and one that `compilation` cannot read, has a
template of its own, in which they are constants.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from .._typing import FloatArray, Function, Shape
from ..compilation.caches import Recent
from ..compilation.kernels import LOCK
from ..compilation.references import Reading, read
from ..tracing import Arrangement, Captured, Graph, Node, Traced, graft, trace, trace_captured
from .chain_rule import jacobian
from .fused import Plan
from .gate_primitives import own_gate, through_gate
from .gufunc import Group
from .signature import widths

#: What circuits compute: ``"values"``, ``"partials"`` in all arguments, ``"both"``; in one argument the others.
Quantity = Literal["values", "partials", "both", "jacobian", "hessian"]

#: Codes that have templates, and templates of one code: shapes of its data, and places of zeros in the data.
_CODES, _TEMPLATES = 256, 16

#: Templates by code, the newest in front; None where captured values are constants.
_templates: dict[object, list[Template] | None] = Recent(_CODES)


class Template:
    """Nodes of a function and of its derivatives, and their plans.

    `sizes` has for each argument the length of a vector, or None for a number. `arrangement` is that of the results.
    `captured` finds captured numbers, which are inputs behind those of the arguments.
    """

    def __init__(
        self,
        sizes: Sequence[int | None],
        outputs: Sequence[Node],
        arrangement: Arrangement,
        captured: Captured | None = None,
    ) -> None:
        self.sizes, self.outputs, self.arrangement, self.captured = sizes, outputs, arrangement, captured
        self.widths = widths(sizes)
        #: Whether all arguments are numbers.
        self.is_scalar = all(size is None for size in sizes)
        #: Whether there are several separate results, not one array.
        self.is_tuple = arrangement is not None and self.is_scalar
        #: Shape of the values at one point, where they are one array.
        self.shape: Shape = () if arrangement is None else (len(outputs),) if arrangement == "tuple" else arrangement
        #: Which captured numbers are zeros: these are constants.
        self.zeros = b""
        self._plans: dict[tuple[Quantity, int], Plan] = {}

    def captured_numbers(self, data: Sequence[object]) -> FloatArray | None:
        """Return the numbers of captured `data` of a function of the same code; None if they are of other shapes."""
        assert self.captured is not None
        numbers = self.captured.numbers(data)
        return None if numbers is None else numbers[: self.captured.count]

    @functools.cached_property
    def jacobian(self) -> list[list[Node]]:
        """Partial derivatives of all results in all arguments."""
        return jacobian(self.outputs, sum(self.widths))

    def groups(self, quantity: Quantity, wrt: int = 0) -> list[Group]:
        """Return the groups of nodes of a quantity."""
        if quantity == "jacobian":
            return self._partials(wrt)
        if quantity == "hessian":
            return [self._hessian(wrt)]
        groups = self._values() if quantity in ("values", "both") else []
        if quantity in ("partials", "both"):
            columns = [self._partials(i) for i in range(len(self.sizes))]
            groups += [group for row in zip(*columns, strict=True) for group in row]
        return groups

    def plan(self, quantity: Quantity, wrt: int, name: str) -> Plan:
        """Return the plan of a quantity, compiled when it is needed first; `name` is for messages."""
        key = quantity, wrt
        if key not in self._plans:
            with LOCK:
                groups = self.groups(quantity, wrt)
                self._plans[key] = Plan(self.sizes, groups, self.captured.count if self.captured else 0, name)
        return self._plans[key]

    def nodes(self, numbers: FloatArray) -> list[Node]:
        """Return the nodes of the results with captured `numbers` as constants."""
        if self.captured is None:
            return list(self.outputs)
        graph = Graph(simplify=False, node=Traced)
        inputs = [graph.input(k) for k in range(sum(self.widths))]
        return graft(self.outputs, [*inputs, *map(graph.constant, numbers)])

    def _columns(self, wrt: int) -> slice:
        return slice(sum(self.widths[:wrt]), sum(self.widths[: wrt + 1]))

    def _values(self) -> list[Group]:
        if self.is_tuple:
            return [Group([node]) for node in self.outputs]
        return [Group([*self.outputs], self.shape)]

    def _partials(self, wrt: int) -> list[Group]:
        size, columns = self.sizes[wrt], self._columns(wrt)
        vector = () if size is None else (size,)
        if self.is_tuple:
            return [Group(row[columns], vector) for row in self.jacobian]
        return [Group([node for row in self.jacobian for node in row[columns]], self.shape + vector)]

    def _hessian(self, wrt: int) -> Group:
        columns = self._columns(wrt)
        rows = [row[columns] for row in jacobian(self.jacobian[0][columns], sum(self.widths))]
        size = len(rows)
        return Group([rows[max(i, j)][min(i, j)] for i in range(size) for j in range(size)], (size, size))


def template_of(f: Function, sizes: tuple[int | None, ...]) -> tuple[Template, FloatArray]:
    """Find or make the template of `f`; return it, and the numbers that `f` captures, none if they are constants."""
    reading, captured_values = read(f)
    data = captured_values()
    if reading is not None and reading.captured and data is not None:
        with LOCK:
            shared = _shared_template(reading, data, sizes)
        if shared is not None:
            return shared
    return Template(sizes, *trace(f, sizes, through_gate)), np.empty(0)


def _shared_template(
    reading: Reading, data: Sequence[object], sizes: tuple[int | None, ...]
) -> tuple[Template, FloatArray] | None:
    """Find or make a template that other functions of the same code share, None if there can be none."""
    key = reading.key, sizes
    templates = _templates.get(key, [])
    if templates is None:
        return None
    for template in templates:
        numbers = template.captured_numbers(data)
        if numbers is not None and _zeros(numbers) == template.zeros:
            return template, numbers
    try:
        own = _captured_template(reading, data, sizes)
        templates.insert(0, own[0])
        del templates[_TEMPLATES:]
    except TypeError:
        templates = None
    _templates[key] = templates
    return None if templates is None else own


def _captured_template(
    reading: Reading, data: Sequence[object], sizes: tuple[int | None, ...]
) -> tuple[Template, FloatArray]:
    """Trace with captured numbers as inputs, but zeros as constants, which are not known before."""
    zeros: dict[int, float] = {}
    for _ in range(2):
        template = Template(sizes, *trace_captured(reading, data, sizes, own_gate, through_gate, zeros))
        own = template.captured_numbers(data)
        assert own is not None  # of the same data
        numbers, template.zeros = own, _zeros(own)
        where = np.flatnonzero(numbers == 0.0)
        if not where.size:
            break
        zeros = dict(zip(where.tolist(), numbers[where].tolist(), strict=True))
    return template, numbers


def _zeros(numbers: FloatArray) -> bytes:
    """Places and signs of zeros."""
    zero = numbers == 0.0
    return np.where(zero, numbers, 1.0).tobytes() if zero.any() else b""
