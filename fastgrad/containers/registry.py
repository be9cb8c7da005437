"""Which module deals with which container: a public function that is given one passes its call on to here.

The arrays are taken out of the call. The adapter of the outermost kind of container among them does the call with the
arrays inside, which may be containers in turn, and puts the results into containers of its kind.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from .._typing import Function
from ..arguments import argument, check_vector, checked_bounds
from ..array_kinds import CONTAINERS, PLAIN, REFUSED, TREE, kind_of, kinds, unreadable
from ..estimates import Estimate

#: An array of numbers, plain or in a container of a library, which has no types here.
ContainerArray = Any

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Layout:
    """Axes of the arrays and of the results of a call."""

    axes: str = ""
    """Axes of the results after the batch: m of the outputs, if any; d, and again e, of the coordinates."""
    vectors: bool | Mapping[str, int] = False
    """Whether all arrays have one vector on the last axis, whose number is 1; or the numbers of several by name."""
    along: int = 1
    """The vector whose coordinates d and e are."""
    fields: int = 1
    """How many arrays the call returns; several come as a tuple."""
    probes_outputs: bool = False
    """Whether `f` has to be called to know the axes or the type of the results."""
    converts: bool = False
    """Whether `f` is the caller's, and gets arrays of the library that the caller's arrays are of."""
    takes_trees: bool = False


class ArraySlot(NamedTuple):
    """Stands in a call where an array was."""

    number: int


class Adapted:
    """A function of the caller's with arguments or results of another form; it has the name and signature of `f`."""

    def __init__(self, f: Function) -> None:
        self.f = f
        self.__name__ = getattr(f, "__name__", type(f).__name__)
        try:
            self.__signature__ = inspect.signature(f)
        except (TypeError, ValueError):  # some builtins have no signature
            pass

    def __call__(self, *args: Any) -> Any:
        """Return a number without calling `f`, where only arguments and types are checked."""
        return 0.0


@dataclass(frozen=True)
class ContainerCall:
    """A function and its arguments, with slots where arrays stood."""

    function: Function
    f: Function
    layout: Layout
    positional: tuple[object, ...] = ()
    named: dict[str, object] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    """Names of the arrays that were taken out, for messages."""
    cores: tuple[int, ...] = ()
    """For each of them the number of the vector on its last axis, or 0; the other axes are the batch."""

    def __call__(self, *operands: ContainerArray) -> Any:
        """Do the call with these arrays."""
        positional = [_filled(v, operands) for v in self.positional]
        return self.function(self.f, *positional, **{k: _filled(v, operands) for k, v in self.named.items()})

    def results(self, *operands: ContainerArray) -> list[ContainerArray]:
        """Do the call, and return a list of its results also where it has one."""
        result = self(*operands)
        return list(result) if self.layout.fields > 1 else [result]

    @property
    def has_vectors(self) -> bool:
        """Whether an array has a vector on its last axis."""
        return any(self.cores)

    def with_one_worker(self) -> ContainerCall:
        """Return the call on the calling thread, unless the caller wants several threads."""
        if self.named.get("workers", 1) is None:
            return replace(self, named={**self.named, "workers": 1})
        return self

    def preview(self, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
        """Do the call with arrays without points: arguments are checked, and the results have the type and the axes."""
        # `f` is called, at a vector of ones, if its outputs have to be counted; what cannot be called is refused
        real = self.layout.probes_outputs or not callable(self.f)
        return (self if real else replace(self, f=Adapted(self.f))).results(*operands)

    def loops(self, operands: Sequence[ContainerArray]) -> list[int]:
        """Count the axes of the batch of each array."""
        return [np.ndim(o) - bool(core) for o, core in zip(operands, self.cores, strict=True)]

    def require_known_axes(self, result: ContainerArray, operands: Sequence[ContainerArray]) -> None:
        """Refuse results with more axes than there are names for."""
        inner = np.ndim(result) - max(self.loops(operands), default=0)
        if inner > len(self.layout.axes):
            raise TypeError(
                f"`f` must return a number{' or one row of numbers' * ('m' in self.layout.axes)} for containers; got a "
                f"result of shape {np.shape(result)}. Return it raveled, or pass arrays, `numpy.asarray(x)`."
            )


#: Does a call with the arrays inside of containers, and puts the results into containers.
Adapter = Callable[[ContainerCall, Sequence[ContainerArray]], list[ContainerArray]]


def extract_arrays(
    function: Function, f: Any, points: Mapping[str, ContainerArray], named: Mapping[str, object], layout: Layout
) -> tuple[ContainerCall, list[ContainerArray]]:
    """Take the arrays out of a call: the call, and the arrays. Numbers stay in it."""
    shared = layout.vectors is True
    numbers = layout.vectors if isinstance(layout.vectors, Mapping) else {}
    kind_in_call = kind_of if layout.takes_trees else lambda value: kinds[type(value)]
    operands: list[ContainerArray] = []
    names: list[str] = []
    cores: list[int] = []

    def slot(value: ContainerArray, name: str, core: int = shared) -> object:
        kind = kind_in_call(value)
        if kind == REFUSED:
            raise unreadable(value, name)
        if kind == TREE and not layout.takes_trees:
            raise TypeError(
                f"`{name}` must be an array; got a {type(value).__name__}, a tree of parameters. `gradient`, "
                "`jacobian` and `check` take trees; else pass their numbers as one array."
            )
        if core and not shared and getattr(value, "ndim", 1) == 0:  # a number is no vector; the call will refuse it
            kind, value = PLAIN, np.asarray(value)[()]
        if value is None or (kind is PLAIN and np.ndim(value) == 0):
            return value
        operands.append(argument(value, name) if kind is PLAIN else value)
        names.append(name)
        cores.append(core)
        return ArraySlot(len(operands) - 1)

    for name, value in points.items() if shared else ():
        if hasattr(value, "ndim"):  # a Dataset has none
            check_vector(value, name)
    positional = tuple(slot(value, name, numbers.get(name, shared)) for name, value in points.items())
    named = dict(named)
    moves_coordinates = shared and not ("v" in points and layout.axes == "m")  # else a step is one number per point
    for name in ("step", "rel_step"):
        if name in named:
            named[name] = slot(named[name], name, moves_coordinates)
    bounds: Any = named.get("bounds")
    if hasattr(bounds, "lb"):
        bounds = (bounds.lb, bounds.ub)
    if isinstance(bounds, (tuple, list)):
        named["bounds"] = tuple(slot(limit, f"bounds[{i}]") for i, limit in enumerate(bounds))
    elif bounds is not None:
        checked_bounds(bounds)  # raises that it is no pair; left in the call, it would be taken out again without end
    return ContainerCall(function, f, layout, positional, named, tuple(names), tuple(cores)), operands


def _filled(value: object, operands: Sequence[ContainerArray]) -> object:
    """Put the arrays back into the slots."""
    if isinstance(value, ArraySlot):
        return operands[value.number]
    if type(value) is tuple:
        return tuple(_filled(v, operands) for v in value)
    return value


_NUMBERS = Layout()


def has_containers(*values: object, bounds: Any = None) -> bool:
    """Tell whether one of the values, or of the two bounds, is not a plain array."""
    return any(kinds[type(value)] is not PLAIN for value in values) or (
        bounds is not None
        and (has_containers(*bounds) if type(bounds) in (tuple, list) else kinds[type(bounds)] is not PLAIN)
    )


def over_containers(
    function: Function, f: Any, points: Mapping[str, ContainerArray], named: dict[str, Any], layout: Layout = _NUMBERS
) -> Any:
    """Call ``function(f, *points, **named)`` where `points`, steps or bounds are containers.

    `points` are arrays by the names that messages call them.
    """
    for name in ("out", "sparsity"):
        if named.pop(name, None) is not None:
            raise TypeError(f"`{name}` must be left out with containers; got it. Pass arrays, `numpy.asarray(x)`.")
    if isinstance(named.get("wrt"), tuple):
        return tuple(over_containers(function, f, points, {**named, "wrt": wrt}, layout) for wrt in named["wrt"])
    is_estimate = bool(named.get("full_output"))
    if is_estimate:
        layout = replace(layout, fields=len(Estimate._fields))
    call, operands = extract_arrays(function, f, points, named, layout)
    kinds_inside = {kind_of(o) if layout.takes_trees else kinds[type(o)] for o in operands}
    present = [kind for kind in CONTAINERS if kind in kinds_inside]
    if not present:
        return call(*operands)
    labelled = [kind for kind in present if CONTAINERS[kind].has_labels]
    if len(labelled) > 1 and any(CONTAINERS[kind].stands_alone for kind in labelled):
        raise TypeError(
            f"`{call.names[0]}` and the others must be of one library, or NumPy's; got {' and '.join(present)}. "
            "Convert some: `x.to_numpy()`, `x.to_xarray()`, `x.compute()`."
        )
    adapter: Adapter = import_module(f".{present[0]}", __package__).apply
    try:
        results = adapter(call, operands)
    except (AttributeError, LookupError) as err:
        if present[0] in labelled:
            err.add_note("`f` gets plain arrays, and the results have the labels: use places, v[0], and not names.")
        raise
    return Estimate(*results) if is_estimate else tuple(results) if layout.fields > 1 else results[0]


def of_vectors(*vectors: str, axes: str, trees: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function of vectors take containers; `axes` as in `Layout`."""
    layout = Layout(axes, vectors=True, probes_outputs="m" in axes, converts=True, takes_trees=trees)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        arrays = ("step", "rel_step", *vectors)

        @functools.wraps(function)
        def over(*args: P.args, **named: P.kwargs) -> R:
            values = [*args[1:], *(named[name] for name in arrays if name in named)]
            has_trees = trees and any(type(v) is not float and kind_of(v) is not PLAIN for v in values)
            if not has_trees and not has_containers(*values, bounds=named.get("bounds")):
                return function(*args, **named)
            bound = signature.bind(*args, **named)
            bound.apply_defaults()
            rest = dict(bound.arguments)
            f, points = rest.pop("f"), {name: rest.pop(name) for name in vectors}
            result: R = over_containers(over, f, points, rest, layout)
            return result

        return over

    return decorate
