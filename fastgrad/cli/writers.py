"""Results into files, block by block: written beside the place and moved into it when all is there.

Whatever stops a run, the place holds what it held before, or the whole new result, never a part of it. A run that is
killed or loses its power cannot remove what it wrote beside; the next one to the same place does.
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
from typing import IO, Any

import numpy as np

from .errors import Mistake, Stopped, reason
from .readers import kind_of, parquet

#: Writes one block: an array for each column.
Write = Callable[[Sequence[Any]], None]


@contextmanager
def written(name: str, option: str, columns: Sequence[str]) -> Iterator[Write]:
    """Open a table to write; `option` is what the caller named it by, ``-`` is text on standard output."""
    kind = kind_of(name, option)
    if name == "-":
        sys.stdout.write(",".join(columns) + "\n")
        yield lambda block: _rows(sys.stdout, block)
        return
    if kind == ".parquet":
        parquet(f"{option} {name}")
    make = {".npy": _npy, ".parquet": _parquet}.get(kind, _text)
    with _stopped_by_signals(), _beside(Path(name), f"{option} {name}") as part, make(part, columns) as write:
        yield write


@contextmanager
def _beside(path: Path, what: str) -> Iterator[Path]:
    """Give a name to write under, which is moved to `path` when all went well, and removed when not."""
    place = Path(os.path.realpath(path))
    begun = f".{place.name}.{platform.node()}-"
    part = place.with_name(f"{begun}{os.getpid()}.part")
    for other in place.parent.glob(f"{glob.escape(begun)}*.part"):
        if not _is_running(other.name.removeprefix(begun).removesuffix(".part")):
            other.unlink(missing_ok=True)
    try:
        if place.is_dir():
            raise Mistake(f"cannot write to {what}: it is a directory.")
        try:
            part.open("xb").close()
            if place.exists():
                shutil.copymode(place, part)
        except OSError as problem:
            raise Mistake(f"cannot write to {what}: {reason(problem)}.") from problem
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, place)
    finally:
        part.unlink(missing_ok=True)


def _is_running(number: str) -> bool:
    """Tell whether there is a process of that number on this machine; where one cannot ask, there is."""
    if os.name != "posix" or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)  # asks, and does nothing
    except OSError as problem:
        return not isinstance(problem, ProcessLookupError)
    return True


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Clean up when asked to terminate, too: by default the process ends on the spot."""

    def stop(number: int, frame: Any) -> None:
        raise Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in asked if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _npy(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    """Write a vector for one column, a structured vector with a field for each of several."""
    kind: Any = None
    count = 0

    def kind_for(kinds: Sequence[Any]) -> Any:
        return kinds[0] if len(columns) == 1 else np.dtype(list(zip(columns, kinds, strict=True)))

    with path.open("rb+") as file:

        def head() -> None:  # of one length whatever the count, since NumPy pads it for that
            file.seek(0)
            described = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": (count,)}
            np.lib.format.write_array_header_1_0(file, described)

        def write(block: Sequence[Any]) -> None:
            nonlocal kind, count
            found = kind_for([column.dtype for column in block])
            if kind is None:
                kind = found
                head()
            if found != kind:  # NumPy would drop imaginary parts, with a warning
                raise Mistake(f"the derivative is {found} from row {count} on, {kind} before; .csv takes both.")
            table = np.empty(len(block[0]), kind)
            for name, column in zip(columns, block, strict=True):
                table[name if len(columns) > 1 else ...] = column
            file.write(table.view(np.uint8).data)  # tofile would not say why it failed
            count += len(table)

        yield write
        if kind is None:
            kind = kind_for([np.dtype(np.float64)] * len(columns))
        head()


@contextmanager
def _text(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(columns) + "\n")
        yield lambda block: _rows(file, block)


def _rows(file: IO[str], block: Sequence[Any]) -> None:
    """Write numbers so that they are read back to the last bit, the shortest way."""
    lines = zip(*(map(repr, column.tolist()) for column in block), strict=True)
    file.writelines(f"{','.join(cells)}\n" for cells in lines)


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    import pyarrow

    pq = parquet(str(path))
    held: list[Any] = []

    def write(block: Sequence[Any]) -> None:
        if any(column.dtype.kind == "c" for column in block):
            raise Mistake("Parquet has no complex numbers; write the derivative of a complex function to .npy or .csv.")
        table = pyarrow.table(list(map(pyarrow.array, block)), names=list(columns))
        if not held:
            held.append(pq.ParquetWriter(path, table.schema))
        held[0].write_table(table)

    try:
        yield write
        if not held:
            write([np.empty(0)] * len(columns))
    finally:
        if held:
            held[0].close()
