"""What Python cannot say to LLVM: fused multiply-add, bits of a float, a branch that leaves SIMD alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_F64 = types.float64
_DOUBLE, _I64 = ir.DoubleType(), ir.IntType(64)

# Veltkamp's splitter: multiplying by it cuts a 53-bit number into two of 26 bits (Dekker 1971).
_SPLITTER = 134217729.0


def _intrinsic(function: Callable[..., Any]) -> Any:
    """Hide from the type checker that Numba takes the first argument."""
    return intrinsic(function)


def _has_fma(context: Any) -> bool:
    """Tell whether the target fuses in hardware; without it LLVM would call libm, some thirty times slower.

    Asked of the features Numba compiles for, not of the host, so that ``NUMBA_CPU_NAME`` and
    ``NUMBA_CPU_FEATURES`` are obeyed. Where they cannot be read, the answer is no: slower, as right.
    """
    features = str(getattr(context.codegen(), "_tm_features", "")).split(",")
    return "+fma" in features or llvm.get_process_triple().startswith(
        ("aarch64", "arm64", "ppc64", "powerpc64")
    )


def _fma(context: Any, builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Build ``a * b + c``: rounded once in hardware, else exact whenever the result is a float64."""
    if _has_fma(context):
        return builder.fma(a, b, c)
    add, sub, mul = builder.fadd, builder.fsub, builder.fmul

    def split(v: Any) -> tuple[Any, Any]:
        big = mul(v, ir.Constant(_DOUBLE, _SPLITTER))
        head = sub(big, sub(big, v))
        return head, sub(v, head)

    product = mul(a, b)
    (ah, al), (bh, bl) = split(a), split(b)
    tail = add(add(add(sub(mul(ah, bh), product), mul(ah, bl)), mul(al, bh)), mul(al, bl))
    total = add(product, c)
    seen = sub(total, product)
    lost = add(sub(product, sub(total, seen)), sub(c, seen))
    return add(total, add(lost, tail))


def _muladd(builder: Any, a: Any, b: Any, c: Any) -> Any:
    kind = ir.FunctionType(_DOUBLE, [_DOUBLE] * 3)
    function = builder.module.declare_intrinsic("llvm.fmuladd", [_DOUBLE], kind)
    return builder.call(function, [a, b, c])


@_intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``, the product not rounded: for what must be exact."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _fma(context, builder, *args)

    return _F64(_F64, _F64, _F64), codegen


@_intrinsic
def muladd(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``, fused where the target does that fast (`llvm.fmuladd`), else rounded twice."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _muladd(builder, *args)

    return _F64(_F64, _F64, _F64), codegen


@_intrinsic
def polynomial(typingctx: Any, x: Any, coefficients: Any) -> Any:
    """Horner's scheme, constant term first; one intrinsic, since a call a step takes long to compile."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *lower, value = cgutils.unpack_tuple(builder, args[1])
        for c in reversed(lower):
            value = _muladd(builder, value, args[0], c)
        return value

    return _F64(_F64, coefficients), codegen


@_intrinsic
def bits(typingctx: Any, x: Any) -> Any:
    """Bits of a float64 as uint64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _I64)

    return types.uint64(_F64), codegen


@_intrinsic
def from_bits(typingctx: Any, u: Any) -> Any:
    """Float64 with the bits of a uint64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _DOUBLE)

    return _F64(types.uint64), codegen


def beyond(rare: Callable[[float], float], limit: float) -> Any:
    """Make an intrinsic ``f(r, x)``: ``rare(x)`` where ``|x| > limit``, else `r`, without an end to SIMD.

    A branch around a call stops LLVM's loop vectoriser, and the rare road on every lane would cost 40 ns. So
    the function carries versions of itself for 2, 4 and 8 lanes, each with one test for all its lanes, and
    the vectoriser finds them by the attribute ``vector-function-abi-variant`` (the mechanism behind OpenMP's
    ``declare simd``). Measured: 0.2 ns/point. A vectoriser that ignores the attribute calls the scalar
    version: as right, but slower.
    """

    @_intrinsic
    def choose(typingctx: Any, r: Any, x: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.call(_variants(context, builder, rare, limit), args)

        return _F64(_F64, _F64), codegen

    return choose


def _variants(context: Any, builder: Any, rare: Callable[[float], float], limit: float) -> Any:
    """Define the scalar function with its vector versions in the builder's module, and return it."""
    module = builder.module
    stem = f"fastgrad{rare.__name__}"
    if stem in module.globals:
        return module.globals[stem]
    compiled = context.compile_subroutine(builder, rare, _F64(_F64)).fndesc
    one = _function(module, f"{stem}_rare", 1, "cold")
    inside = ir.IRBuilder(one.append_basic_block())
    inside.ret(context.call_internal_no_propagate(inside, compiled, _F64(_F64), [one.args[1]])[1])
    scalar = _guarded(module, stem, limit, 1, one)
    variants = [
        (n, _guarded(module, f"{stem}_{n}", limit, n, _each_lane(module, one, limit, n))) for n in (2, 4, 8)
    ]
    mapping = ",".join(f"_ZGV_LLVM_N{n}vv_{stem}({function.name})" for n, function in variants)
    # llvmlite checks attributes against a list that lacks this one; the set underneath takes it.
    set.add(scalar.attributes, f'"vector-function-abi-variant"="{mapping}"')
    return scalar


def _guarded(module: Any, name: str, limit: float, lanes: int, rare: Any) -> Any:
    """Define ``name(r, x)`` for `lanes` lanes: one test and, rarely, a tail call (so no stack frame)."""

    def wide(kind: Any, value: Any) -> Any:
        one = ir.Constant(kind, value)
        return one if lanes == 1 else ir.Constant(ir.VectorType(kind, lanes), [one] * lanes)

    function = _function(module, name, lanes, "readnone")
    r, x = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    magnitude = builder.and_(builder.bitcast(x, wide(_I64, 0).type), wide(_I64, 2**63 - 1))
    far = builder.fcmp_ordered(">", builder.bitcast(magnitude, x.type), wide(_DOUBLE, limit))
    if lanes > 1:
        far = builder.icmp_unsigned(
            "!=", builder.bitcast(far, ir.IntType(lanes)), ir.Constant(ir.IntType(lanes), 0)
        )
    with builder.if_then(far, likely=False):
        builder.ret(builder.call(rare, [r, x], tail="tail"))
    builder.ret(r)
    return function


def _each_lane(module: Any, one: Any, limit: float, lanes: int) -> Any:
    """Define the rare road of `lanes` lanes: `one` for lanes of `x` beyond `limit`, `r` for the others."""
    function = _function(module, f"{one.name}_{lanes}", lanes, "cold")
    builder = ir.IRBuilder(function.append_basic_block())
    here, there = (cgutils.alloca_once_value(builder, v) for v in function.args)
    results, arguments = (builder.bitcast(p, _DOUBLE.as_pointer()) for p in (here, there))
    with cgutils.for_range(builder, ir.Constant(_I64, lanes)) as loop:
        result, x = builder.gep(results, [loop.index]), builder.load(builder.gep(arguments, [loop.index]))
        far = builder.or_(
            builder.fcmp_ordered(">", x, ir.Constant(_DOUBLE, limit)),
            builder.fcmp_ordered("<", x, ir.Constant(_DOUBLE, -limit)),
        )
        with builder.if_then(far):
            builder.store(builder.call(one, [x, x]), result)
    builder.ret(builder.load(here))
    return function


def _function(module: Any, name: str, lanes: int, attribute: str) -> Any:
    kind = _DOUBLE if lanes == 1 else ir.VectorType(_DOUBLE, lanes)
    function = ir.Function(module, ir.FunctionType(kind, [kind, kind]), name)
    # Weak, not linkonce: LLVM drops an unused linkonce function before the vectoriser looks for it.
    function.linkage = "weak_odr"
    for a in ("noinline", "nounwind", attribute):
        function.attributes.add(a)
    return function
