"""Arrays of JAX, PyTorch, CuPy and others of the array API: `f` gets and returns them, and so does the caller.

The differencing is NumPy's, in float64: `f` gets float64 arrays on the device of the caller's. Results of `f` in
float32 count as rounded to float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Function
from ..array_kinds import LIBRARY, kinds
from .registry import Adapted, ContainerArray, ContainerCall

#: What messages about mixed types contain.
_TYPE_WORDS = ("dtype", "Float", "float", "Double", "scalar type")


def apply(call: ContainerCall, operands: Sequence[ContainerArray]) -> list[ContainerArray]:
    """Do the call with NumPy's arrays, and make arrays of the library of its results."""
    model = model_of(operands, call.names[0])
    if call.layout.converts:
        call = replace(call, f=OfLibrary(call.f, model))
    return [from_numpy(result, model) for result in call.results(*map(to_numpy, operands))]


def model_of(values: Sequence[object], name: str) -> ContainerArray:
    """Return the first array of a library, or None; all must be of one library."""
    arrays = {library_of(v): v for v in values if kinds[type(v)] == LIBRARY}
    if len(arrays) > 1:
        raise TypeError(
            f"`{name}` and the others must be of one library, or NumPy's; got {' and '.join(arrays)}. Convert some."
        )
    return next(iter(arrays.values()), None)


class OfLibrary(Adapted):
    """A function of arrays of a library as one of NumPy's arrays.

    `model` is an array of the library, on the device to use; `name` is what messages call the function.
    """

    def __init__(self, f: Function, model: ContainerArray, name: str = "f") -> None:
        super().__init__(f)
        require_float64(model)
        self._model, self._name = model, name

    def __call__(self, *args: object) -> Any:
        """Value of `f`, as NumPy's arrays."""
        arrays = [from_numpy(a, self._model) if isinstance(a, (np.ndarray, np.generic)) else a for a in args]
        return result_of(self.f, arrays, self._name)


def result_of(f: Function, args: Sequence[object], name: str = "f") -> Any:
    """Call a function; its result as NumPy's arrays, a list or tuple element by element."""
    try:
        value = f(*args)
    except (TypeError, RuntimeError) as err:
        if any(word in str(err) for word in _TYPE_WORDS):
            err.add_note(
                f"`{name}` gets arrays of float64: weights inside it must be float64, too, as `model.double()` makes "
                "those of a PyTorch model."
            )
        raise
    if value is None:  # a function that fills an array would fill a copy
        raise TypeError(f"`{name}` must return numbers; got None. Return the result.")
    if isinstance(value, (tuple, list)):
        return [*map(to_numpy, value)] if isinstance(value, list) else tuple(map(to_numpy, value))
    return to_numpy(value)


def to_numpy(value: ContainerArray) -> Any:
    """Array of a library as one of NumPy's; other values as they are."""
    if kinds[type(value)] != LIBRARY:
        return value
    library = library_of(value)
    if library == "torch":
        return value.detach().resolve_conj().resolve_neg().cpu().numpy()
    if library == "cupy":
        return value.get()
    return np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)


def from_numpy(value: ArrayLike, model: ContainerArray) -> ContainerArray:
    """Array of the library and on the device of `model` with the numbers of one of NumPy's."""
    value = np.array(value)
    if value.dtype == np.longdouble:
        value = value.astype(np.float64)
    library = library_of(model)
    if library == "torch":
        import torch

        return torch.tensor(value, device=model.device)
    if library == "cupy":
        import cupy

        return cupy.asarray(value)
    return model.__array_namespace__().asarray(value, device=model.device)


def require_float64(model: object) -> None:
    """Raise where a library makes no float64 arrays: points that are rounded to float32 give wrong derivatives."""
    dtype = to_numpy(from_numpy(1 / 3, model)).dtype
    if dtype != np.float64:
        raise TypeError(
            f"`x` must be an array of a library that computes in float64; got one of {library_of(model)}, which makes "
            f"{dtype} of it as it is set. Run `jax.config.update('jax_enable_x64', True)` first, or pass "
            "`numpy.asarray(x)` and a function of NumPy's arrays."
        )


def library_of(value: object) -> str:
    """Name of the library of an array."""
    name = type(value).__module__.partition(".")[0]
    return "jax" if name == "jaxlib" else name
