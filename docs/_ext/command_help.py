"""Write the output of ``fastgrad COMMAND --help``, and the table of the gates, for the reference to include."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import Any

from fastgrad import gates
from fastgrad.cli import main
from fastgrad.gates._gate import Gate


def _help(*words: str) -> str:
    """Return the help of a command, at the width of a page."""
    out = io.StringIO()
    os.environ["COLUMNS"] = "90"
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return out.getvalue()


def _gates() -> str:
    """List every gate: its name, what it computes, the number of its arguments."""
    lines = [".. list-table::", "   :header-rows: 1", "", "   * - gate", "     - value", "     - arguments"]
    for name, gate in vars(gates).items():
        if isinstance(gate, Gate) and not name.startswith("_"):
            summary = (gate.__doc__ or "").partition("\n")[0]
            lines += [f"   * - ``{name}``", f"     - {summary}", f"     - {gate.nin}"]
    return "\n".join(lines) + "\n"


def _write(app: Any) -> None:
    place = Path(app.srcdir) / "reference" / "generated"
    place.mkdir(parents=True, exist_ok=True)
    texts = {f"{word}.txt": _help(word) for word in ("derivative", "check", "report", "bench")}
    for name, text in {**texts, "gates.txt": _gates()}.items():
        path = place / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Write before pages are read."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}
