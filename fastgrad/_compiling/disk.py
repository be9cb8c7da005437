"""What is kept on disk from one process to the next: found again whole or not at all, and never in the way."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

#: Entries above which the older half is dropped: a hundred megabytes.
_MOST = 4096


def read(digest: bytes) -> tuple[dict[str, Any], list[bytes]] | None:
    """Return what was written for `digest`, None if it is not there or damaged."""
    try:
        blob = (directory() / f"{digest.hex()}.fg").read_bytes()
        if hashlib.sha256(blob[32:]).digest() != blob[:32]:
            return None
        head, _, rest = blob[32:].partition(b"\n")
        about = json.loads(head)
    except (OSError, ValueError, RuntimeError):
        return None
    parts = []
    for size in about["sizes"]:
        parts.append(rest[:size])
        rest = rest[size:]
    return about, parts


def write(digest: bytes, about: dict[str, Any], *parts: bytes) -> None:
    """Keep one entry; written beside and moved into place, so that no reader ever sees half of it."""
    body = json.dumps({**about, "sizes": [len(p) for p in parts]}).encode() + b"\n" + b"".join(parts)
    try:
        here = directory()
        here.mkdir(parents=True, exist_ok=True)
        _make_room(here)
        handle, scratch = tempfile.mkstemp(dir=here, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(scratch, here / f"{digest.hex()}.fg")
    except (OSError, RuntimeError):
        pass  # a cache that cannot be written costs time and nothing else


@cache
def _make_room(here: Path) -> None:
    """Drop the older half when there are many; looked at once per process."""
    entries = sorted(here.iterdir(), key=lambda p: p.stat().st_mtime)
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
