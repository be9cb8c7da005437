"""A circuit for people: a numbered program, a Mermaid graph, a drawing; with numbers when a point is given."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ..tracing import Graph, Node, Program, in_order
from ._arrange import Box, Edge, arrange
from ._chain_rule import local_partials


class _Sheet:
    """What all three forms show: gates in order, their numbers, labels, values and local partials."""

    def __init__(self, outputs: Sequence[Node], names: Sequence[str], point: Sequence[float] | None) -> None:
        order = in_order(outputs)
        self.inputs = sorted((n for n in order if n.name == "input"), key=lambda n: n.value)
        self.gates = [n for n in order if n.name not in ("input", "constant")]
        constants = [n for n in outputs if n.name == "constant"]  # a result that depends on nothing
        self.nodes = list(dict.fromkeys([*self.inputs, *self.gates, *constants]))
        self.number = {node: k for k, node in enumerate(self.nodes, 1)}
        self.outputs, self.names = set(outputs), names
        self.graph = Graph(node=type(order[0]))
        self.copies, self.partials = local_partials(order, self.graph)
        self.edges = [
            (operand, node, partial)
            for node in self.gates
            for operand, partial in zip(node.operands, self.partials[node], strict=True)
            if operand in self.number
        ]
        self.values: dict[Node, float] = {}
        self.slopes: list[float | None] = [None] * len(self.edges)
        if point is not None:
            slopes = [self.graph.node(0.0 if p is None else p) for _, _, p in self.edges]
            asked = [self.copies[n] for n in self.nodes] + slopes
            found = [float(value) for value in Program(asked, len(names)).at(point)]
            self.values = dict(zip(self.nodes, found, strict=False))
            self.slopes = list(found[len(self.nodes) :])

    def label(self, node: Node) -> str:
        """Return what is written into a node: an input's name, or the gate with its constants filled in."""
        if node.name == "input":
            return str(self.names[node.value])
        if node.name == "constant":
            return _short(node.value)
        held = [_short(o.value) if o.name == "constant" else "·" for o in node.operands]
        if node.gate.symbol:
            return node.gate.symbol.format(*held)
        return f"{node.name}({', '.join(held)})" if any(h != "·" for h in held) else node.name

    def operand(self, node: Node) -> str:
        """Write an operand as the program does."""
        return _short(node.value) if node.name == "constant" else f"n{self.number[node]}"

    def written(self, partial: Any) -> str:
        """Write a partial in terms of the numbered nodes."""
        known = {self.copies[node]: f"n{k}" for node, k in self.number.items()}
        return "0" if partial is None else _written(self.graph.node(partial), known)


def _written(root: Node, known: dict[Node, str]) -> str:
    """Write a node as a formula over known ones."""
    words: dict[Node, str] = dict(known)
    for node in in_order([root]):
        if node in words:
            continue
        if node.name == "constant":
            words[node] = _short(node.value)
        elif node.name == "input":
            words[node] = f"x{node.value}"
        else:
            parts = [words[o] for o in node.operands]
            if node.gate.symbol:
                parts = [f"({p})" if " " in p and "|" not in node.gate.symbol else p for p in parts]
                words[node] = node.gate.symbol.format(*parts)
            else:
                words[node] = f"{node.name}({', '.join(parts)})"
    return words[root]


def _short(value: Any) -> str:
    """Write a number shortly: four digits."""
    return str(value) if isinstance(value, bool) else f"{value:.4g}"


def program(name: str, outputs: Sequence[Node], names: Sequence[str], point: Sequence[float] | None) -> str:
    """Return the numbered program of a circuit."""
    sheet = _Sheet(outputs, names, point)
    rows = []
    for node in sheet.nodes:
        texts = []
        for operand, to, partial in sheet.edges:
            if to is node and partial is not None:
                texts.append(f"d/d{sheet.operand(operand)} = {sheet.written(partial)}")
        at = f"= {_short(sheet.values[node])}" if sheet.values else ""
        operands = ", ".join(map(sheet.operand, node.operands))
        what = sheet.names[node.value] if node.name == "input" else sheet.label(node) if not operands else node.name
        if sheet.values:
            texts = [
                f"d/d{sheet.operand(o)} = {_short(s)}"
                for (o, to, p), s in zip(sheet.edges, sheet.slopes, strict=True)
                if to is node and p is not None
            ]
        rows.append((f"n{sheet.number[node]}", what, operands, at, ",  ".join(dict.fromkeys(texts))))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    results = len(outputs)
    counted = {"input": len(sheet.inputs), "gate": len(sheet.gates), "result": results}
    lines = [f"circuit {name}: " + ", ".join(f"{k} {what}{'s' * (k != 1)}" for what, k in counted.items())]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width]
        lines.append(("  " + "  ".join([*cells, row[4]])).rstrip())
    lines.append("  result" + "s" * (results != 1) + " " + ", ".join(f"n{sheet.number[n]}" for n in outputs))
    return "\n".join(lines)


def mermaid(outputs: Sequence[Node], names: Sequence[str], point: Sequence[float] | None) -> str:
    """Return the circuit in Mermaid's language."""
    sheet = _Sheet(outputs, names, point)
    lines = ["flowchart LR"]
    for node in sheet.nodes:
        value = f"<br/>= {_short(sheet.values[node])}" if sheet.values else ""
        text = escape(sheet.label(node), quote=False).replace('"', "#quot;").replace("*", "#42;") + value
        left, right = ("([", "])") if node.name == "input" else ("[[", "]]") if node in sheet.outputs else ("[", "]")
        lines.append(f'    n{sheet.number[node]}{left}"{text}"{right}')
    for (operand, node, _), slope in zip(sheet.edges, sheet.slopes, strict=True):
        arrow = "-->" if slope is None else f'-- "{_short(slope)}" -->'
        lines.append(f"    n{sheet.number[operand]} {arrow} n{sheet.number[node]}")
    return "\n".join(lines) + "\n"


_STYLE = """
.paper{fill:#fff}.wire{fill:none;stroke:#8a94a3;stroke-width:1.4}.head{fill:#8a94a3}
.gate{fill:#eef2f8;stroke:#5b6b82;stroke-width:1.2}.input{fill:#e3f3ea;stroke:#3d8a63}.result{stroke:#b4561c;stroke-width:2.4}
text{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:13px;fill:#1c2430}
.small{font-size:10px;fill:#67727f}.value{font-size:12px;fill:#24508f}.slope{font-size:11px;fill:#a3380f}
@media (prefers-color-scheme: dark){
.paper{fill:#14181e}.wire{stroke:#77839a}.head{fill:#77839a}.gate{fill:#222a35;stroke:#8798b3}
.input{fill:#1b3027;stroke:#5fb98c}.result{stroke:#ef9a5c}text{fill:#e8edf4}.small{fill:#94a1b3}.value{fill:#8fbcff}
.slope{fill:#ffa27a}}
"""


def svg(outputs: Sequence[Node], names: Sequence[str], point: Sequence[float] | None) -> str:
    """Return the circuit as a drawing that stands by itself, in the reader's light or dark."""
    sheet = _Sheet(outputs, names, point)
    texts = {node: sheet.label(node) for node in sheet.nodes}
    boxes = []
    for node in sheet.nodes:
        value = f"= {_short(sheet.values[node])}" if sheet.values else ""
        width = max(8.0 * len(texts[node]) + 42, 7.4 * len(value) + 20, 52)
        ports = len([1 for _, to, _ in sheet.edges if to is node])
        boxes.append(Box(width, max(44.0 if value else 32.0, 19.0 * ports + 8)))
    edges = [Edge(sheet.number[operand] - 1, sheet.number[node] - 1) for operand, node, _ in sheet.edges]
    longest = max((len(_short(s)) for s in sheet.slopes if s is not None), default=0)
    picture = arrange(boxes, edges, label=7.0 * longest + (10 if longest else 0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width:.0f} {picture.height:.0f}" '
        f'width="{picture.width:.0f}" height="{picture.height:.0f}" role="img">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{picture.width:.0f}" height="{picture.height:.0f}"/>',
    ]
    for path, (x, y) in zip(picture.paths, picture.ends, strict=True):
        parts.append(f'<path class="wire" d="{path}"/>')
        parts.append(f'<path class="head" d="M{x:.1f} {y:.1f}l-7 -3.5v7z"/>')
    for slope, (x, y) in zip(sheet.slopes, picture.ends, strict=True):
        if slope is not None:
            place = f'x="{x - 9:.1f}" y="{y - 4:.1f}" text-anchor="end"'
            parts.append(f'<text class="slope" {place}>{_short(slope)}</text>')
    for node, box in zip(sheet.nodes, picture.boxes, strict=True):
        kind = "gate" + " input" * (node.name == "input") + " result" * (node in sheet.outputs)
        radius = 14 if node.name == "input" else 5
        parts.append(
            f'<rect class="{kind}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
            f'rx="{radius}"/>'
        )
        middle, centre = box.x + box.width / 2, box.y + box.height / 2
        line = centre + (-4 if sheet.values else 4.5)
        parts.append(f'<text class="small" x="{box.x + 5:.1f}" y="{box.y + 11:.1f}">{sheet.number[node]}</text>')
        words = escape(texts[node], quote=False)
        parts.append(f'<text x="{middle + 4:.1f}" y="{line:.1f}" text-anchor="middle">{words}</text>')
        if sheet.values:
            parts.append(
                f'<text class="value" x="{middle:.1f}" y="{centre + 13:.1f}" text-anchor="middle">'
                f"= {_short(sheet.values[node])}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"
