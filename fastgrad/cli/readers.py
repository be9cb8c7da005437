"""Tables in files, read in blocks: a file may be larger than memory.

A table has one column for each argument and one row for each point. The suffix of the name tells the format: ``.npy``,
``.parquet``, or text (``.csv``, ``.tsv``, ``.txt``) with commas, semicolons, tabs or blanks between the numbers.
"""

from __future__ import annotations

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np

from .._typing import Array
from .options import Mistake, reason

#: Rows of a block, 8 MiB a column; bytes of text that are converted at a time.
BLOCK, BYTES = 1 << 20, 1 << 22

TEXT = (".csv", ".tsv", ".txt")
KINDS = (".npy", ".parquet", *TEXT)


@dataclass(frozen=True)
class Source:
    """A table to read; standard input can be read once."""

    #: Names of the columns; ``"0"``, ``"1"``, ... where the file has none.
    columns: tuple[str, ...]
    #: None where the file must be read to count them.
    rows: int | None
    #: ``blocks(columns, size)`` yields a list of arrays for each block of at most `size` rows, and raises `Mistake`
    #: where the file is damaged or changes meanwhile.
    blocks: Callable[[Sequence[int], int], Iterator[list[Array]]]


def suffix_of(name: str, option: str) -> str:
    """Return the suffix of a name; ``-`` is text on standard input or output."""
    kind = ".csv" if name == "-" else Path(name).suffix.lower()
    if kind not in KINDS:
        raise Mistake(f"{option} must end in .npy, .csv or .parquet; got {name}. Rename or convert it.")
    return kind


def open_source(name: str, option: str) -> Source:
    """Open a table; messages name the `option`."""
    kind = suffix_of(name, option)
    what, path = f"{option} {name}", Path(name)
    opener = {".npy": _npy, ".parquet": _parquet}.get(kind, _text)
    if name == "-":
        return opener(name, what)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a named pipe is empty when it is opened again
            raise Mistake(f"{what} must be a file. Pipe what is none into {option} -")
        stamp = _stamp(path)
        source = opener(name, what)
    except OSError as error:
        raise Mistake(f"cannot read {what}: {reason(error)}. Give the path of a file that can be read.") from error

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Array]]:
        yield from source.blocks(columns, size)
        if path.exists() and _stamp(path) != stamp:
            raise Mistake(f"{what} was written while it was read. Run this again when it is whole.")

    return replace(source, blocks=blocks)


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return a value that differs between two states of a file."""
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _npy(name: str, what: str) -> Source:
    """Open an array of ``np.save``. It is not mapped: address space may be limited as well as memory."""
    with open(name, "rb") as file:
        try:
            layout = np.lib.format
            is_first = layout.read_magic(file) == (1, 0)
            header = layout.read_array_header_1_0 if is_first else layout.read_array_header_2_0
            shape, is_fortran, dtype = header(file)
        except (ValueError, EOFError) as error:
            raise Mistake(f"{what} is not an array of numbers as np.save writes it. Write it so.") from error
        start = file.tell()
        length = file.seek(0, 2) - start
    fields = dtype.names or ()
    kinds = {dtype[field].kind for field in fields} or {dtype.kind}
    if not kinds <= set("fiub") or len(shape) not in (1, 2) or (fields and len(shape) != 1):
        raise Mistake(f"{what} must hold a vector of real numbers, or a column for each argument; got {dtype} of shape "
                      f"{shape}. Save such an array.")  # fmt: skip
    rows, width = shape[0], shape[1] if len(shape) == 2 else 1
    short = f"{what} ends before its {rows:,} rows do. Write it again."
    if length < rows * width * dtype.itemsize:
        raise Mistake(short)

    def read(first: int, count: int) -> Any:
        numbers = np.fromfile(name, dtype, count, offset=start + first * dtype.itemsize)
        if numbers.size < count:  # the file was cut off after it was opened
            raise Mistake(short)
        return numbers

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Array]]:
        for first in range(0, rows, size):
            count = min(size, rows - first)
            if is_fortran:
                yield [read(column * rows + first, count) for column in columns]
                continue
            table = read(first * width, count * width)
            table = table if fields else table.reshape(count, width).T
            yield [np.ascontiguousarray(table[fields[c] if fields else c]) for c in columns]

    return Source(fields or tuple(map(str, range(width))), rows, blocks)


def parquet(what: str) -> Any:
    """Import the module of pyarrow for Parquet."""
    try:
        return import_module("pyarrow.parquet")
    except ImportError:
        raise Mistake(f"{what} needs pyarrow, which is not installed: pip install pyarrow") from None


def _parquet(name: str, what: str) -> Source:
    try:
        file = parquet(what).ParquetFile(name)
    except (OSError, Mistake):
        raise
    except Exception as error:  # pyarrow has its own hierarchy
        raise Mistake(f"{what} is not a Parquet file. Write it by pyarrow or pandas.") from error
    names = tuple(file.schema_arrow.names)

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Array]]:
        chosen = [names[c] for c in columns]
        for batch in file.iter_batches(min(size, BLOCK // 4), columns=chosen):
            arrays = [_array(batch.column(column)) for column in chosen]
            for column, kind in zip(chosen, (values.dtype for values in arrays), strict=True):
                if kind.kind not in "fiub":
                    raise Mistake(f"column {column} of {what} must hold real numbers; got {kind}. Choose others.")
            yield arrays

    return Source(names, file.metadata.num_rows, blocks)


def _array(column: Any) -> Any:
    """Convert a column of pyarrow. Its own conversion, which nulls need, imports pandas in half a second."""
    is_plain = str(column.type) == "double" and not column.null_count
    return np.from_dlpack(column) if is_plain else column.to_numpy(zero_copy_only=False)


def _text(name: str, what: str) -> Source:
    """Open lines of numbers; a first line with other words names the columns."""
    with _opened(name) as file:
        start = file.readline().removeprefix(BOM_UTF8)
    first = b"".join(start.splitlines(keepends=True)[:1])
    head = first.decode(errors="replace")
    delimiter = next((mark for mark in ",;\t" if mark in head), None)
    cells = [_bare(cell) for cell in head.removeprefix("#").split(delimiter)]  # np.savetxt writes "# x,y"
    if not head.strip():
        raise Mistake(f"{what} must begin with numbers or names of columns; got an empty line. Remove it.")
    has_names = not all(map(_is_number, cells))
    names = [cell if has_names and cell else str(i) for i, cell in enumerate(cells)]  # pandas' index has no name

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Array]]:
        with _opened(name) as file:
            if name != "-":  # a pipe cannot be read again
                file.readline()
            number, text = (1, start[len(first) :]) if has_names else (0, start)
            while text := text + file.read(BYTES) + file.readline():
                table = _by_pyarrow(text, delimiter, len(cells)) or _by_lines(text, delimiter, len(cells), number, what)
                number, text = number + len(table[0]), b""
                yield from ([table[c][k : k + size] for c in columns] for k in range(0, len(table[0]), size))

    return Source(tuple(names), None, blocks)


def _opened(name: str) -> AbstractContextManager[IO[bytes]]:
    """Open a file, or standard input, which stays open."""
    return nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb")


def _by_pyarrow(text: bytes, delimiter: str | None, width: int) -> list[Array] | None:
    """Convert lines to columns five times as fast as NumPy; None without pyarrow, or where it refuses a line."""
    try:
        arrow, csv = import_module("pyarrow"), import_module("pyarrow.csv")
    except ImportError:
        return None
    if delimiter is None and width > 1:
        return None
    names = list(map(str, range(width)))
    try:
        table = csv.read_csv(
            arrow.BufferReader(text),
            csv.ReadOptions(use_threads=False, block_size=len(text), column_names=names),
            csv.ParseOptions(delimiter=delimiter or ",", ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, arrow.float64()), null_values=[""],
                               quoted_strings_can_be_null=True),
        )  # fmt: skip
    except arrow.ArrowInvalid:
        return None
    (batch,) = table.combine_chunks().to_batches()
    columns = [_array(column) for column in batch.columns]
    if width > 1 and all(c.null_count for c in batch.columns) and np.logical_and.reduce(np.isnan(columns)).any():
        return None  # an empty line, perhaps
    return columns


def _by_lines(text: bytes, delimiter: str | None, width: int, number: int, what: str) -> list[Array]:
    """Convert lines to columns by NumPy, or by Python, which tells where they are wrong; an empty cell is NaN.

    `number` counts the lines before.
    """
    lines = [line.decode(errors="replace") for line in text.splitlines()]
    with suppress(ValueError):
        if "" not in lines:  # np.loadtxt would skip empty lines, and rows would move
            table = np.loadtxt(lines, delimiter=delimiter, comments=None, ndmin=2)
            if table.shape == (len(lines), width):
                return list(np.ascontiguousarray(table.T))
    rows = []
    for i, line in enumerate(lines, number + 1):
        cells = [_bare(cell) for cell in line.split(delimiter)] or [""]
        if len(cells) != width:
            raise Mistake(f"line {i} of {what} must have {width} cells; it has {len(cells)}. Mend it.")
        try:
            rows.append([float(cell or "nan") for cell in cells])
        except ValueError:
            wrong = next(cell for cell in cells if not _is_number(cell))
            raise Mistake(f"line {i} of {what} must hold numbers; got {wrong!r:.60}. Mend it.") from None
    return list(np.array(rows).T.copy())


def _bare(cell: str) -> str:
    """Strip blanks and quotes."""
    return cell.strip().strip('"')


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
