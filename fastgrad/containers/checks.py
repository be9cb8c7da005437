"""The arguments of a check as arrays: trees of parameters, and arrays of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..array_kinds import TREE, kind_of
from .calls import Adapted
from .libraries import OfLibrary, model_of, to_numpy
from .trees import OfTree, Tree


def as_arrays(f: Any, analytic: Any, args: tuple[Any, ...], of: str) -> tuple[Any, Any, tuple[Any, ...], str, Any]:
    """Return `f`, `analytic`, `args` and `of` for NumPy's arrays, and names of the coordinates of a tree, or None.

    `analytic` gets leaves and arrays in the caller's types, `f` in float64. A derivative in a tree is its gradient.
    """
    if args and kind_of(args[0]) == TREE and of in ("derivative", "gradient", "jacobian"):
        tree = Tree(args[0], "args[0]")
        source = _OfTreeToTree(analytic, tree) if callable(analytic) else tree.join(analytic, "analytic")
        of = "gradient" if of == "derivative" else of
        return OfTree(f, tree), source, (tree.vector(), *args[1:]), of, tree.entry_names()
    arrays = args if of == "derivative" else args[:1]
    model = model_of(arrays, "args[0]")
    if model is None:
        return f, analytic, args, of, None
    source = OfLibrary(analytic, model, "analytic") if callable(analytic) else to_numpy(analytic)
    return OfLibrary(f, model), source, (*map(to_numpy, arrays), *args[len(arrays) :]), of, None


class _OfTreeToTree(Adapted):
    """A derivative that takes and returns trees as one that takes and returns vectors."""

    def __init__(self, analytic: Callable[..., Any], tree: Tree) -> None:
        super().__init__(analytic)
        self._tree = tree

    def __call__(self, vector: Any, *args: Any) -> Any:
        """Call the derivative with the tree of these numbers."""
        is_own_type = vector.dtype == self._tree.vector().dtype
        return self._tree.join(self.f(self._tree.rebuild(vector, keep_types=is_own_type), *args), "analytic")
