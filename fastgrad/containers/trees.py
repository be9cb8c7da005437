"""Trees of parameters: dictionaries, lists, tuples, named tuples and dataclasses of arrays, as models keep weights.

The numbers of all leaves make one vector, in the order of the tree. A derivative with respect to it is taken apart into
a tree of the same structure. Leaves are numbers and arrays of NumPy's or of another library; None has no numbers.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._typing import Array, Function
from ..arguments import argument, result_kind
from ..array_kinds import LIBRARY, MASKED, PLAIN, REFUSED, TREE, kind_of, kinds, unreadable
from ..estimates import Estimate, rounded
from .libraries import OfLibrary, from_numpy, model_of, require_float64, result_of, to_numpy
from .registry import Adapted, ContainerArray, ContainerCall

#: What Python's errors call a list or a tuple that is used as a number or an array.
_SEQUENCE = re.compile(r"\b(list|tuple|sequence)\b")


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Do the call with the vector of all numbers of the tree."""
    named = dict(zip(call.names, operands, strict=True))
    if kind_of(named["x"]) != TREE:
        raise TypeError("`x` must be a tree of parameters where a step or a bound is one; got an array. Pass arrays.")
    tree = Tree(named.pop("x"), "x")
    others = [tree.spread(value, name) for name, value in named.items()]
    try:
        return tree.results(replace(call, f=OfTree(call.f, tree)).results(tree.vector(), *others))
    except (TypeError, ValueError) as err:
        kind = type(tree.structure)
        if kind not in (list, tuple) or len({a.shape for a in tree.arrays}) > 1:
            raise
        remedy = "For a batch of vectors pass `numpy.stack(x)`."
        if type(err) is TypeError and _SEQUENCE.search(str(err)):  # arithmetic of arrays with a list
            raise TypeError(
                f"`x` must be an array where `f` does arithmetic with it; got a {kind.__name__} of {len(tree.arrays)} "
                f"arrays, which is one tree of parameters for `f` ({err}). {remedy}"
            ) from err
        err.add_note(f"`x` is a {kind.__name__} of arrays, hence one tree of parameters. {remedy}")
        raise


class Tree:
    """Structure of a tree and its leaves; `name` is what messages call it."""

    def __init__(self, structure: object, name: str) -> None:
        self.structure, self.name = structure, name
        named = list(_leaves(structure, name))
        if not named:
            raise ValueError(f"`{name}` must hold at least one array; got {structure!r:.80}. Pass the parameters.")
        self.paths, self.leaves = zip(*named, strict=True)
        path, count = Counter(self.paths).most_common(1)[0]
        if count > 1:
            raise ValueError(f"`{name}` must have leaves of different names; got {path} twice. Rename one.")
        self.arrays = [_array(leaf, path) for path, leaf in named]
        self.dtypes = [result_kind([a]) for a in self.arrays]
        stops = np.cumsum([a.size for a in self.arrays])
        self._slices = [slice(stop - a.size, stop) for stop, a in zip(stops, self.arrays, strict=True)]
        self.dim = int(stops[-1])
        model = model_of(self.leaves, name)
        if model is not None:
            require_float64(model)

    def vector(self) -> Array:
        """All numbers: in float64, or in the smaller type that all leaves have."""
        kind = self.dtypes[0] if len(set(self.dtypes)) == 1 else np.float64
        return np.concatenate([a.ravel() for a in self.arrays]).astype(kind)

    def entry_names(self) -> NDArray[np.str_]:
        """Name of every number: the path of its leaf, and its index in it."""
        names = []
        for path, array in zip(self.paths, self.arrays, strict=True):
            leaf = path.removeprefix(self.name).removeprefix(".")
            names += [f"{leaf}[{', '.join(map(str, i))}]" if i else leaf for i in np.ndindex(array.shape)]
        return np.array(names)

    def spread(self, value: object, name: str) -> Array:
        """Vector of a step or a bound: a tree of the same structure, whose leaves broadcast with those of this one."""
        if kind_of(value) != TREE:
            raise TypeError(f"`{name}` must be a number or a tree like `{self.name}`; got a {type(value).__name__}.")
        parts = []
        for own, array, path in self._beside(Tree(value, name)):
            try:
                parts.append(np.broadcast_to(array, own.shape).ravel())
            except ValueError:
                raise ValueError(
                    f"`{path}` must broadcast with its parameters; got shape {array.shape} for {own.shape}. Pass a "
                    "number, or one for each entry."
                ) from None
        return np.concatenate(parts)

    def join(self, derivative: object, name: str) -> Array:
        """One array of a derivative that is a tree like this one: the axis of all numbers is the last one."""
        parts = []
        for own, array, path in self._beside(Tree(derivative, name)):
            outer = array.shape[: array.ndim - own.ndim]
            if array.shape != outer + own.shape:
                raise ValueError(
                    f"`{path}` must have the shape of its parameters, {own.shape}, behind that of the results; got "
                    f"{array.shape}. Reshape it."
                )
            parts.append(array.reshape(*outer, own.size))
        return np.concatenate(parts, axis=-1)

    def _beside(self, other: Tree) -> Iterator[tuple[Array, Array, str]]:
        """Leaves of this tree and of another of the same structure, and the paths of the latter."""
        paths = [other.name + path.removeprefix(self.name) for path in self.paths]
        arrays = dict(zip(other.paths, other.arrays, strict=True))
        if set(paths) != arrays.keys():
            raise ValueError(
                f"`{other.name}` must be a tree like `{self.name}`, with leaves {', '.join(self.paths)}; got "
                f"{', '.join(other.paths)}. Give both the same structure."
            )
        return zip(self.arrays, [arrays[path] for path in paths], paths, strict=True)  # JAX sorts dictionaries

    def rebuild(self, vector: Array, keep_types: bool = False) -> object:
        """Tree with the numbers of a vector, in the vector's own type, or in those of the leaves."""
        kinds_of_leaves = self.dtypes if keep_types else [vector.dtype] * len(self.dtypes)
        parts = zip(self._slices, self.arrays, kinds_of_leaves, strict=True)
        return self._filled(vector[part].reshape(a.shape).astype(kind)[()] for part, a, kind in parts)

    def results(self, results: list[Array]) -> list[object]:
        """Trees of one result, or of all fields of an estimate, whose last axis is the vector."""
        by_leaf = []
        for part, array, kind in zip(self._slices, self.arrays, self.dtypes, strict=True):
            own = [_narrow(r[..., part].reshape((*r.shape[:-1], *array.shape))[()], kind) for r in results]
            by_leaf.append(rounded(Estimate(*own)) if len(own) > 1 else own)
        return [self._filled(leaves) for leaves in zip(*by_leaf, strict=True)]

    def _filled(self, arrays: Iterable[ArrayLike]) -> object:
        """Tree with other arrays, each of the library of its leaf."""
        converted = (
            from_numpy(a, leaf) if kinds[type(leaf)] == LIBRARY else a
            for a, leaf in zip(arrays, self.leaves, strict=True)
        )
        return _rebuilt(self.structure, converted)


class _OnTree(Adapted):
    """A function that is called with a tree."""

    def __init__(self, f: Function, tree: Tree) -> None:
        super().__init__(f)
        self._tree = tree


class OfTree(_OnTree):
    """A function of a tree as one of a vector, or of several in the rows of an array."""

    def __call__(self, vectors: Array, *args: object) -> Any:
        """Value of `f` at the tree with these numbers."""
        if vectors.shape[-1] != self._tree.dim:
            raise ValueError(f"`{self._tree.name}` has {self._tree.dim} numbers; got shape {vectors.shape}.")
        if vectors.ndim > 1:
            return np.stack([self(row, *args) for row in vectors])
        return result_of(self.f, [self._tree.rebuild(vectors), *args])


def _array(leaf: object, path: str) -> Array:
    """Numbers of a leaf."""
    kind = kinds[type(leaf)]
    if kind in (REFUSED, MASKED):
        raise unreadable(leaf, path)
    if kind not in (PLAIN, LIBRARY):
        raise TypeError(f"`{path}` must be an array; got a {type(leaf).__name__} of {kind}. Pass `x.to_numpy()`.")
    return np.asarray(argument(to_numpy(leaf), path))


def _narrow(values: Array, kind: DTypeLike) -> Array:
    """Convert floats to the type of a leaf, complex ones to its partner."""
    if values.dtype.kind not in "fc":
        return values
    with np.errstate(over="ignore"):  # what overflows a smaller type is infinite there
        return values.astype(np.result_type(kind, np.complex64) if values.dtype.kind == "c" else kind)


def _children(tree: Any) -> list[tuple[str, object]] | None:
    """Parts of a tree, each with what its path adds to that of the tree; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, (list, tuple)):
        names = getattr(tree, "_fields", None)
        return [(f".{names[i]}" if names else f"[{i}]", value) for i, value in enumerate(tree)]
    if kinds[type(tree)] != TREE:
        return None
    if isinstance(tree, Mapping):
        return [(f".{k}" if isinstance(k, str) else f"[{k!r}]", value) for k, value in tree.items()]
    return [(f".{field.name}", getattr(tree, field.name)) for field in fields(tree)]


def _leaves(tree: object, path: str) -> Iterator[tuple[str, object]]:
    """All leaves with their paths."""
    children = _children(tree)
    if children is None:
        yield path, tree
    for name, child in children or ():
        yield from _leaves(child, path + name)


def _rebuilt(tree: Any, leaves: Iterator[object]) -> object:
    """Copy of a tree with other leaves."""
    children = _children(tree)
    if children is None:
        return next(leaves)
    parts: list[Any] = [_rebuilt(child, leaves) for _, child in children]
    if tree is None:
        return None
    if isinstance(tree, (list, tuple)):
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    if isinstance(tree, Mapping):
        items = dict(zip(tree, parts, strict=True))
        return items if type(tree) is dict else _mapping_like(tree, items)
    twin = copy.copy(tree)
    for field, part in zip(fields(tree), parts, strict=True):
        object.__setattr__(twin, field.name, part)  # a frozen dataclass has no other way
    return twin


def _mapping_like(tree: Any, items: dict[object, object]) -> object:
    """Make a mapping of the type of `tree`: a copy that is updated, as of a `defaultdict`, or else a new one."""
    if not hasattr(tree, "update"):
        return type(tree)(items)
    twin = copy.copy(tree)
    twin.update(items)
    return twin


def as_arrays(
    f: Function, analytic: object, args: tuple[object, ...], of: str
) -> tuple[Function, object, tuple[object, ...], str, NDArray[np.str_] | None]:
    """Return `f`, `analytic`, `args` and `of` for NumPy's arrays, and names of the coordinates of a tree, or None.

    `analytic` gets leaves and arrays in the caller's types, `f` in float64. A derivative in a tree is its gradient.
    """
    if args and kind_of(args[0]) == TREE and of in ("derivative", "gradient", "jacobian"):
        tree = Tree(args[0], "args[0]")
        source: object = _OfTreeToTree(analytic, tree) if callable(analytic) else tree.join(analytic, "analytic")
        of = "gradient" if of == "derivative" else of
        return OfTree(f, tree), source, (tree.vector(), *args[1:]), of, tree.entry_names()
    arrays = args if of == "derivative" else args[:1]
    model = model_of(arrays, "args[0]")
    if model is None:
        return f, analytic, args, of, None
    source = OfLibrary(analytic, model, "analytic") if callable(analytic) else to_numpy(analytic)
    return OfLibrary(f, model), source, (*map(to_numpy, arrays), *args[len(arrays) :]), of, None


class _OfTreeToTree(_OnTree):
    """A derivative that takes and returns trees as one that takes and returns vectors."""

    def __call__(self, vector: Array, *args: object) -> Array:
        """Call the derivative with the tree of these numbers."""
        is_own_type = vector.dtype == self._tree.vector().dtype
        return self._tree.join(self.f(self._tree.rebuild(vector, keep_types=is_own_type), *args), "analytic")
