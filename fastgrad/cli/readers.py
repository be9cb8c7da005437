"""Tables in files, block by block: what is larger than memory is never in memory as a whole.

A file is a table: one column for each argument, one row for each point. Its kind is told by its name: ``.npy``,
``.csv`` (``.tsv``, ``.txt``: any of comma, semicolon, tab and blanks between the numbers), ``.parquet``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from .errors import Mistake, reason

#: Rows of a block: 8 MiB a column, enough to keep all cores busy. Text is read in smaller ones, lines being large.
BLOCK, LINES = 1 << 20, 1 << 16

TEXT = (".csv", ".tsv", ".txt")
KINDS = (".npy", ".parquet", *TEXT)


@dataclass(frozen=True)
class Source:
    """A table to read.

    Attributes
    ----------
    columns : tuple of str
        Their names, or ``"0"``, ``"1"``, ... where the file names none.
    rows : int or None
        None when only reading would tell.
    blocks : callable
        ``blocks(columns, size)`` reads the chosen columns, at most `size` rows at a time: a list of arrays for each
        block. Standard input can be read once. Raises `Mistake` where the file is damaged, or was written meanwhile.
    """

    columns: tuple[str, ...]
    rows: int | None
    blocks: Callable[[Sequence[int], int], Iterator[list[Any]]]


def kind_of(name: str, option: str) -> str:
    """Tell the kind of a file by its name; ``-`` is text on standard input or output."""
    kind = ".csv" if name == "-" else Path(name).suffix.lower()
    if kind not in KINDS:
        raise Mistake(f"{option} must end in .npy, .csv or .parquet; got {name}. Rename or convert it.")
    return kind


def source_of(name: str, option: str) -> Source:
    """Open a table; `option` is what the caller named it by."""
    kind = kind_of(name, option)
    what, path = f"{option} {name}", Path(name)
    opened = {".npy": _npy, ".parquet": _parquet}.get(kind, _text)
    if name == "-":
        return opened(name, what)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a named pipe is empty when it is opened again
            raise Mistake(f"{what} must be a file; pipe what is none into {option} -")
        made = _stamp(path)
        source = opened(name, what)
    except OSError as problem:
        raise Mistake(f"cannot read {what}: {reason(problem)}.") from problem

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Any]]:
        yield from source.blocks(columns, size)
        if path.exists() and _stamp(path) != made:
            raise Mistake(f"{what} was written while it was read; run it again when it is whole.")

    return replace(source, blocks=blocks)


def _stamp(path: Path) -> tuple[int, int, int]:
    """Tell one state of a file from another."""
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _npy(name: str, what: str) -> Source:
    """Open an array as ``np.save`` writes it, without mapping it: address space may be short, too."""
    with open(name, "rb") as file:
        try:
            layout = np.lib.format
            first = layout.read_magic(file) == (1, 0)
            shape, fortran, dtype = (layout.read_array_header_1_0 if first else layout.read_array_header_2_0)(file)
        except (ValueError, EOFError) as problem:
            raise Mistake(f"{what} is not an array of numbers as np.save writes it.") from problem
        start = file.tell()
        file.seek(0, 2)
        whole = file.tell() - start
    fields = dtype.names or ()
    kinds = {dtype[field].kind for field in fields} or {dtype.kind}
    if not kinds <= set("fiub") or len(shape) not in (1, 2) or (fields and len(shape) != 1):
        raise Mistake(f"{what} must hold a vector of real numbers, or a column for each argument.")
    rows, width = shape[0], shape[1] if len(shape) == 2 else 1
    short = f"{what} ends before its {rows:,} rows do; write it again."
    if whole < rows * width * dtype.itemsize:
        raise Mistake(short)

    def read(file: IO[bytes], first: int, count: int) -> Any:
        """Read numbers, or rows with fields, counted from the first."""
        file.seek(start + first * dtype.itemsize)
        numbers = np.fromfile(file, dtype, count)
        if numbers.size < count:  # cut off since it was opened
            raise Mistake(short)
        return numbers

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Any]]:
        with open(name, "rb") as file:
            for first in range(0, rows, size):
                count = min(size, rows - first)
                if fortran and len(shape) == 2:
                    yield [read(file, column * rows + first, count) for column in columns]
                else:
                    table = read(file, first * width, count * width)
                    yield [
                        table[fields[c]] if fields else np.ascontiguousarray(table.reshape(count, width)[:, c])
                        for c in columns
                    ]

    return Source(fields or tuple(map(str, range(width))), rows, blocks)


def _parquet(name: str, what: str) -> Source:
    pq = parquet(what)
    try:
        file = pq.ParquetFile(name)
    except OSError:
        raise
    except Exception as problem:  # pyarrow has its own hierarchy
        raise Mistake(f"{what} is not a Parquet file.") from problem
    names = tuple(file.schema_arrow.names)

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Any]]:
        wanted = [names[c] for c in columns]
        for batch in file.iter_batches(min(size, BLOCK // 4), columns=wanted):
            found = [batch.column(name).to_numpy(zero_copy_only=False) for name in wanted]
            for name, values in zip(wanted, found, strict=True):
                if values.dtype.kind not in "fiub":
                    raise Mistake(f"column {name} of {what} must hold real numbers; it holds {values.dtype}.")
            yield found

    return Source(names, file.metadata.num_rows, blocks)


def parquet(what: str) -> Any:
    """Import the room of pyarrow that reads and writes Parquet."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise Mistake(f"{what} needs pyarrow, which is not installed: pip install pyarrow") from None
    return pyarrow.parquet


def _text(name: str, what: str) -> Source:
    """Open numbers in lines; a first line that holds anything else names the columns."""
    with _lines(name) as lines:
        first = next(lines, "")
    delimiter = next((mark for mark in ",;\t" if mark in first), None)
    cells = [_bare(cell) for cell in first.removeprefix("#").split(delimiter)]  # np.savetxt writes "# x,y"
    if not first.strip():
        raise Mistake(f"{what} is empty, or begins with an empty line.")
    named = not all(map(_is_number, cells))

    def blocks(columns: Sequence[int], size: int) -> Iterator[list[Any]]:
        with _lines(name) as file:
            lines = chain([first], file) if name == "-" else file  # a pipe cannot be read again
            done = sum(1 for _ in islice(lines, int(named)))
            while part := list(islice(lines, min(size, LINES))):
                table = _numbers(part, delimiter, len(cells), done, what)
                done += len(part)
                yield [np.ascontiguousarray(table[:, c]) for c in columns]

    names = [cell if named and cell else str(i) for i, cell in enumerate(cells)]  # pandas' index has no name
    return Source(tuple(names), None, blocks)


def _lines(name: str) -> AbstractContextManager[Iterator[str]]:
    """Open a text, or standard input, which is left open."""
    return nullcontext(sys.stdin) if name == "-" else open(name, encoding="utf-8-sig", errors="replace")


def _numbers(lines: list[str], delimiter: str | None, width: int, done: int, what: str) -> Any:
    """Read lines of numbers; an empty cell is NaN."""
    try:
        if "\n" not in lines and "\r\n" not in lines:  # np.loadtxt would skip empty lines, and rows would move
            table = np.loadtxt(lines, delimiter=delimiter, comments=None, ndmin=2)
            if table.shape == (len(lines), width):
                return table
    except ValueError:
        pass  # read again with care, to find where
    table = np.full((len(lines), width), np.nan)
    for i, line in enumerate(lines):
        cells = [_bare(cell) for cell in line.split(delimiter)]
        if len(cells) != width and (line.strip() or width > 1):  # an empty line of one column is a missing number
            raise Mistake(f"line {done + i + 1} of {what} must have {width} cells; it has {len(cells)}.")
        for j, cell in enumerate(cells):
            if not _is_number(cell):
                raise Mistake(f"line {done + i + 1} of {what} must hold numbers; got {cell!r:.60}.")
            table[i, j] = float(cell or "nan")
    return table


def _bare(cell: str) -> str:
    """Take blanks and quotes off."""
    return cell.strip().strip('"')


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
