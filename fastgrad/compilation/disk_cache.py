"""Machine code on disk: an entry is read whole or not at all, and a failure costs time only."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import TypedDict

#: Entries above which the older half is dropped: a hundred megabytes.
_MOST = 4096


class Entry(TypedDict, total=False):
    """What is known of machine code: its symbol, result kind and needs, or why there is none."""

    symbol: str
    result: str
    needs: list[str]
    refused: str


def read(digest: bytes) -> tuple[Entry, bytes] | None:
    """Return what was written for `digest`, None if it is not there, damaged, or where others may write."""
    try:
        if not _is_private(directory()):
            return None
        blob = (directory() / f"{digest.hex()}.fg").read_bytes()
        if hashlib.sha256(blob[32:]).digest() != blob[:32]:
            return None
        head, _, code = blob[32:].partition(b"\n")
        return json.loads(head), code
    except (OSError, ValueError, RuntimeError):
        return None


def contains(digest: bytes) -> bool:
    """Whether something was written for `digest`; it may turn out to be damaged."""
    try:
        return (directory() / f"{digest.hex()}.fg").exists()
    except (OSError, RuntimeError):
        return False


def write(digest: bytes, about: Entry, code: bytes = b"") -> None:
    """Keep one entry; written beside and moved into place, so that no reader ever sees half of it."""
    body = json.dumps(about).encode() + b"\n" + code
    try:
        folder = directory()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder):
            return
        _drop_old(folder)
        handle, scratch = tempfile.mkstemp(dir=folder, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(scratch, folder / f"{digest.hex()}.fg")
    except (OSError, RuntimeError):
        pass  # a cache that cannot be written costs time and nothing else


def _is_private(folder: Path) -> bool:
    """Whether only the user can put machine code there; OSError if there is no such directory."""
    if not hasattr(os, "getuid"):  # Windows keeps the user's directories from others by itself
        return True
    about = folder.stat()
    if not stat.S_ISDIR(about.st_mode):
        return False
    foreign = about.st_uid != os.getuid()
    if not foreign and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return True
    _warn(folder, foreign)
    return False


@cache
def _warn(folder: Path, foreign: bool) -> None:
    """Say once why a directory is not used."""
    why, remedy = (
        ("it belongs to another user", "Set")
        if foreign
        else ("other users may write to it", f"Run `chmod go-w {folder}`, or set")
    )
    warnings.warn(
        f"compiled functions are not kept in {folder}: {why}, and machine code put there would be run. "
        f"{remedy} FASTGRAD_CACHE_DIR to a directory of your own.",
        RuntimeWarning,
        stacklevel=2,
    )


@cache
def _drop_old(folder: Path) -> None:
    """Drop the older half when there are many; tested once per process."""
    entries = sorted(folder.iterdir(), key=lambda p: p.stat().st_mtime)
    if len(entries) > _MOST:
        for path in entries[: len(entries) // 2]:
            path.unlink(missing_ok=True)


def directory() -> Path:
    """Where entries are kept: ``FASTGRAD_CACHE_DIR``, else the user's cache directory."""
    if chosen := os.environ.get("FASTGRAD_CACHE_DIR"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA"):
        return Path(base) / "fastgrad"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "fastgrad"
