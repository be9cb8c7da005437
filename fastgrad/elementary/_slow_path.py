"""A slow path of a kernel: a branch that keeps the loop vectorisable."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba.core import cgutils
from numba.core.cpu import CPUContext

from ._symbols import DOUBLE, WORD, Number, write_body


def with_slow_path(slow: Callable[[Number], Number], limit: float) -> Callable[[Number, Number], Number]:
    """Make a function ``f(r, x)``: ``slow(x)`` where ``|x| > limit``, else `r`, in a vectorisable loop.

    A branch around a call stops LLVM's loop vectoriser, and the slow path on every lane would cost 40 ns. So the
    function has versions for 2, 4 and 8 lanes, each with one test for all its lanes; the vectoriser finds them by the
    attribute ``vector-function-abi-variant`` (the mechanism behind OpenMP's ``declare simd``). Measured: 0.2 ns/point.
    A vectoriser that ignores the attribute calls the scalar version, with the same results.
    """

    def choose(r: Number, x: Number) -> Number:
        context, builder = r.place
        return Number(r.place, builder.call(_variants(context, builder.module, slow, limit), [r.value, x.value]))

    return choose


def _variants(context: CPUContext, module: ir.Module, slow: Callable[[Number], Number], limit: float) -> ir.Function:
    """Define the scalar function with its vector versions in a module, and return it."""
    stem = f"fastgrad{slow.__name__}"
    if stem in module.globals:
        return module.globals[stem]
    slow_scalar = _function(module, f"{stem}_slow", 1, "cold")
    write_body(context, slow_scalar, lambda r, x: slow(x))
    scalar = _guarded(module, stem, limit, 1, slow_scalar)
    variants = []
    for n in (2, 4, 8):
        variants.append((n, _guarded(module, f"{stem}_{n}", limit, n, _slow_lanes(module, slow_scalar, limit, n))))
    mapping = ",".join(f"_ZGV_LLVM_N{n}vv_{stem}({function.name})" for n, function in variants)
    # llvmlite checks attributes against a list that lacks this one; the set underneath takes it.
    set.add(scalar.attributes, f'"vector-function-abi-variant"="{mapping}"')
    return scalar


def _guarded(module: ir.Module, name: str, limit: float, lanes: int, slow: ir.Function) -> ir.Function:
    """Define ``name(r, x)`` for `lanes` lanes: one test and, rarely, a tail call (so no stack frame)."""

    def wide(kind: ir.Type, value: float) -> ir.Constant:
        constant = ir.Constant(kind, value)
        return constant if lanes == 1 else ir.Constant(ir.VectorType(kind, lanes), [constant] * lanes)

    function = _function(module, name, lanes, "readnone")
    r, x = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    magnitude = builder.and_(builder.bitcast(x, wide(WORD, 0).type), wide(WORD, 2**63 - 1))
    far = builder.fcmp_ordered(">", builder.bitcast(magnitude, x.type), wide(DOUBLE, limit))
    if lanes > 1:
        far = builder.icmp_unsigned("!=", builder.bitcast(far, ir.IntType(lanes)), ir.Constant(ir.IntType(lanes), 0))
    with builder.if_then(far, likely=False):
        builder.ret(builder.call(slow, [r, x], tail="tail"))
    builder.ret(r)
    return function


def _slow_lanes(module: ir.Module, slow_scalar: ir.Function, limit: float, lanes: int) -> ir.Function:
    """Define the slow path of `lanes` lanes: `slow_scalar` for lanes of `x` beyond `limit`, `r` for the others."""
    function = _function(module, f"{slow_scalar.name}_{lanes}", lanes, "cold")
    builder = ir.IRBuilder(function.append_basic_block())
    here, there = (cgutils.alloca_once_value(builder, v) for v in function.args)
    results, arguments = (builder.bitcast(p, DOUBLE.as_pointer()) for p in (here, there))
    with cgutils.for_range(builder, ir.Constant(WORD, lanes)) as loop:
        result, x = builder.gep(results, [loop.index]), builder.load(builder.gep(arguments, [loop.index]))
        far = builder.or_(
            builder.fcmp_ordered(">", x, ir.Constant(DOUBLE, limit)),
            builder.fcmp_ordered("<", x, ir.Constant(DOUBLE, -limit)),
        )
        with builder.if_then(far):
            builder.store(builder.call(slow_scalar, [x, x]), result)
    builder.ret(builder.load(here))
    return function


def _function(module: ir.Module, name: str, lanes: int, attribute: str) -> ir.Function:
    kind = DOUBLE if lanes == 1 else ir.VectorType(DOUBLE, lanes)
    function = ir.Function(module, ir.FunctionType(kind, [kind, kind]), name)
    # Weak, not linkonce: LLVM drops an unused linkonce function before the vectoriser looks for it.
    function.linkage = "weak_odr"
    for a in ("noinline", "nounwind", attribute):
        function.attributes.add(a)
    return function
