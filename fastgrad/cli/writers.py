"""Tables written to files in blocks: beside the target first, and moved there when they are complete.

However a run ends, the target holds its former content or the whole new result. A process that is killed cannot remove
its partial file; the next run with the same target does.
"""

from __future__ import annotations

import glob
import os
import platform
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

import numpy as np

from .._typing import Array
from .options import Mistake, Stopped, reason
from .readers import parquet, suffix_of

#: Writes one block: an array for each column.
Write = Callable[[Sequence[Array]], None]


@contextmanager
def open_table(name: str, option: str, columns: Sequence[str]) -> Iterator[Write]:
    """Open a table for writing; messages name the `option`. ``-`` is text on standard output."""
    kind = suffix_of(name, option)
    if name == "-":
        sys.stdout.write(",".join(columns) + "\n")
        yield lambda block: _rows(sys.stdout, block)
        return
    if kind == ".parquet":
        parquet(f"{option} {name}")
    opener = {".npy": _npy, ".parquet": _parquet}.get(kind, _text)
    with _stop_on_signals() as received, _partial(Path(name), f"{option} {name}") as path:
        with opener(path, columns) as write:

            def write_or_stop(block: Sequence[Array]) -> None:
                if received:
                    raise Stopped(received[0])
                write(block)

            yield write_or_stop


@contextmanager
def _partial(target: Path, what: str) -> Iterator[Path]:
    """Give a path beside the target; its file is moved to the target on success, and removed on failure."""
    place = Path(os.path.realpath(target))
    prefix = f".{place.name}.{platform.node()}-"
    path = place.with_name(f"{prefix}{os.getpid()}.part")
    for other in place.parent.glob(f"{glob.escape(prefix)}*.part"):
        if not _is_running(other.name.removeprefix(prefix).removesuffix(".part")):
            other.unlink(missing_ok=True)
    try:
        if place.is_dir():
            raise Mistake(f"cannot write to {what}: it is a directory. Name a file in it.")
        try:
            path.open("xb").close()
            if place.exists():
                shutil.copymode(place, path)
        except OSError as error:
            raise Mistake(f"cannot write to {what}: {reason(error)}. Name a place that can be written.") from error
        yield path
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(path, place)
    finally:
        path.unlink(missing_ok=True)


def _is_running(number: str) -> bool:
    """Tell whether this machine has a process of that number; True where the system does not tell."""
    if os.name != "posix" or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)  # signal 0 checks for the process and sends nothing
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


@contextmanager
def _stop_on_signals() -> Iterator[list[int]]:
    """Raise `Stopped` on signals that end a process: by default nothing would be cleaned up. Yields those received.

    Python drops what a handler raises in a destructor or a callback, such as those of imports, and prints it: then the
    next block ends the command. Python ends by the signal itself, not with status 130, where a KeyboardInterrupt has
    passed through a text that is executed, as those of named tuples are.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    default = signal.SIG_DFL, signal.default_int_handler
    before = {number: signal.signal(number, stop) for number in numbers if signal.getsignal(number) in default}
    report = sys.unraisablehook
    sys.unraisablehook = lambda dropped: None if isinstance(dropped.exc_value, Stopped) else report(dropped)
    try:
        yield received
    except Exception:  # code in C or an import may turn what the handler raises into another exception
        if received:
            raise Stopped(received[0]) from None
        raise
    finally:
        sys.unraisablehook = report
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _npy(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """Write a vector for one column, a structured vector for several."""
    dtype: Any = None
    count = 0

    def dtype_of(dtypes: Sequence[Any]) -> Any:
        return dtypes[0] if len(columns) == 1 else np.dtype(list(zip(columns, dtypes, strict=True)))

    with path.open("rb+") as file:

        def write_header() -> None:  # NumPy pads it: its length does not depend on the count
            file.seek(0)
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
            np.lib.format.write_array_header_1_0(file, header)

        def write(block: Sequence[Array]) -> None:
            nonlocal dtype, count
            block_dtype = dtype_of([column.dtype for column in block])
            if dtype is None:
                dtype = block_dtype
                write_header()
            if block_dtype != dtype:  # NumPy would drop imaginary parts, with a warning
                raise Mistake(f"the derivative is {block_dtype} from row {count} on, {dtype} before. Write to .csv.")
            table = np.empty(len(block[0]), dtype)
            for name, column in zip(columns, block, strict=True):
                table[name if len(columns) > 1 else ...] = column
            file.write(table.view(np.uint8).data)  # tofile would not tell why it fails
            count += len(table)

        yield write
        if dtype is None:
            dtype = dtype_of([np.dtype(np.float64)] * len(columns))
        write_header()


@contextmanager
def _text(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(columns) + "\n")
        yield lambda block: _rows(file, block)


def _rows(file: IO[str], block: Sequence[Array]) -> None:
    """Write the shortest texts that give back every bit."""
    lines = zip(*(map(repr, column.tolist()) for column in block), strict=True)
    file.writelines(f"{','.join(cells)}\n" for cells in lines)


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    import pyarrow

    writer: Any = None

    def write(block: Sequence[Array]) -> None:
        nonlocal writer
        if any(column.dtype.kind == "c" for column in block):
            raise Mistake("Parquet has no complex numbers; write the derivative of a complex function to .npy or .csv.")
        table = pyarrow.table(list(map(pyarrow.array, block)), names=list(columns))
        writer = writer or parquet(str(path)).ParquetWriter(path, table.schema)
        writer.write_table(table)

    try:
        yield write
        if writer is None:
            write([np.empty(0)] * len(columns))
    finally:
        if writer is not None:
            writer.close()
