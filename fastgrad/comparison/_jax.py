"""The exact gradient by jax, of a function that was written for NumPy, where jax can trace it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..corpus.translation import Translator, Untranslatable
from ._method import Args, Elementwise

#: Where jax has another name.
_RENAMED = {
    "fabs": "abs", "lgamma": "gammaln", "loggamma": "gammaln", "psi": "digamma", "pow": "power", "fmax": "maximum",
    "fmin": "minimum", "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh",
}  # fmt: skip


def gradient(f: Elementwise, args: Args, wrt: int) -> Any:
    """Differentiate by `jax.grad`, compiled, at every point."""
    import jax

    axes = tuple(0 if np.ndim(a) else None for a in args)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        try:
            return np.asarray(_compiled(f, wrt, axes)(*args))
        except jax.errors.TracerBoolConversionError:
            raise Untranslatable("jax cannot trace it: it branches on values") from None
        except jax.errors.JAXTypeError as problem:
            raise Untranslatable(f"jax cannot trace it: {str(problem).splitlines()[0]}") from None


@lru_cache(maxsize=128)
def _compiled(f: Elementwise, wrt: int, axes: tuple[int | None, ...]) -> Elementwise:
    """Compile once for a function: jax recognises functions by their identity."""
    import jax
    import jax.numpy as jnp

    own: dict[str, Elementwise] = {
        "float64": _same, "asarray": _same, "asanyarray": _same, "errstate": lambda **_: contextlib.nullcontext(),
        "fsum": sum, "cbrt": jnp.cbrt,
    }  # fmt: skip

    def equal(name: str) -> Callable[..., Any] | None:
        equal_name = _RENAMED.get(name, name)
        return own.get(name) or getattr(jnp, equal_name, None) or getattr(jax.scipy.special, equal_name, None)

    named = {"float": _same, "max": jnp.maximum, "min": jnp.minimum}
    copy = Translator(equal, named, lambda array: array, "jax").copied(f)
    return jax.jit(jax.vmap(jax.grad(copy, argnums=wrt), in_axes=axes))


def _same(x: Any, *_: Any, **__: Any) -> Any:
    """Return `x`, which is a number of jax's already."""
    return x
