"""A circuit as a numbered program, a Mermaid graph or a drawing; with numbers at a point."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..tracing import Graph, Node, Program, in_order
from .chain_rule import local_partials
from .derivatives import Partial
from .layered_layout import Box, arrange


class _Figure:
    """Content of all three forms: gates in order, their numbers, labels, values and local partials."""

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
            nodes = [self.copies[n] for n in self.nodes] + slopes
            numbers = [float(value) for value in Program(nodes, len(names)).at(point)]
            self.values = dict(zip(self.nodes, numbers, strict=False))
            self.slopes = list(numbers[len(self.nodes) :])

    def label(self, node: Node) -> str:
        """Label a node: the name of an input, or the gate with its constants filled in."""
        if node.name == "input":
            return str(self.names[node.value])
        if node.name == "constant":
            return _short(node.value)
        operands = [_short(o.value) if o.name == "constant" else "·" for o in node.operands]
        if node.gate.symbol:
            return node.gate.symbol.format(*operands)
        return f"{node.name}({', '.join(operands)})" if any(h != "·" for h in operands) else node.name

    def operand(self, node: Node) -> str:
        """Write an operand as the program does."""
        return _short(node.value) if node.name == "constant" else f"n{self.number[node]}"

    def formula(self, partial: Partial) -> str:
        """Write a partial in terms of the numbered nodes."""
        names = {self.copies[node]: f"n{k}" for node, k in self.number.items()}
        return "0" if partial is None else _formula(self.graph.node(partial), names)


def _formula(root: Node, names: dict[Node, str]) -> str:
    """Write a node as a formula over known ones."""
    texts: dict[Node, str] = dict(names)
    for node in in_order([root]):
        if node in texts:
            continue
        if node.name == "constant":
            texts[node] = _short(node.value)
        elif node.name == "input":
            texts[node] = f"x{node.value}"
        else:
            parts = [texts[o] for o in node.operands]
            if node.gate.symbol:
                parts = [f"({p})" if " " in p and "|" not in node.gate.symbol else p for p in parts]
                texts[node] = node.gate.symbol.format(*parts)
            else:
                texts[node] = f"{node.name}({', '.join(parts)})"
    return texts[root]


def _short(value: float) -> str:
    """Write a number shortly: four digits."""
    return str(value) if isinstance(value, bool) else f"{value:.4g}"


def program(name: str, outputs: Sequence[Node], names: Sequence[str], point: Sequence[float] | None) -> str:
    """Return the numbered program of a circuit."""
    figure = _Figure(outputs, names, point)
    rows = []
    for node in figure.nodes:
        texts = [
            f"d/d{figure.operand(operand)} = {figure.formula(partial) if slope is None else _short(slope)}"
            for (operand, to, partial), slope in zip(figure.edges, figure.slopes, strict=True)
            if to is node and partial is not None
        ]
        at = f"= {_short(figure.values[node])}" if figure.values else ""
        operands = ", ".join(map(figure.operand, node.operands))
        what = figure.names[node.value] if node.name == "input" else figure.label(node) if not operands else node.name
        rows.append((f"n{figure.number[node]}", what, operands, at, ",  ".join(dict.fromkeys(texts))))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    results = len(outputs)
    counts = {"input": len(figure.inputs), "gate": len(figure.gates), "result": results}
    lines = [f"circuit {name}: " + ", ".join(f"{k} {what}{'s' * (k != 1)}" for what, k in counts.items())]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False) if width]
        lines.append(("  " + "  ".join([*cells, row[4]])).rstrip())
    lines.append("  result" + "s" * (results != 1) + " " + ", ".join(f"n{figure.number[n]}" for n in outputs))
    return "\n".join(lines)


def mermaid(outputs: Sequence[Node], names: Sequence[str], point: Sequence[float] | None) -> str:
    """Return the circuit in Mermaid's language."""
    figure = _Figure(outputs, names, point)
    lines = ["flowchart LR"]
    for node in figure.nodes:
        value = f"<br/>= {_short(figure.values[node])}" if figure.values else ""
        text = escape(figure.label(node), quote=False).replace('"', "#quot;").replace("*", "#42;") + value
        left, right = ("([", "])") if node.name == "input" else ("[[", "]]") if node in figure.outputs else ("[", "]")
        lines.append(f'    n{figure.number[node]}{left}"{text}"{right}')
    for (operand, node, _), slope in zip(figure.edges, figure.slopes, strict=True):
        arrow = "-->" if slope is None else f'-- "{_short(slope)}" -->'
        lines.append(f"    n{figure.number[operand]} {arrow} n{figure.number[node]}")
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
    """Return the circuit as a self-contained drawing, with colours for light and dark pages."""
    figure = _Figure(outputs, names, point)
    texts = {node: figure.label(node) for node in figure.nodes}
    boxes = []
    for node in figure.nodes:
        value = f"= {_short(figure.values[node])}" if figure.values else ""
        width = max(8.0 * len(texts[node]) + 42, 7.4 * len(value) + 20, 52)
        ports = len([1 for _, to, _ in figure.edges if to is node])
        boxes.append(Box(width, max(44.0 if value else 32.0, 19.0 * ports + 8)))
    edges = [(figure.number[operand] - 1, figure.number[node] - 1) for operand, node, _ in figure.edges]
    longest = max((len(_short(s)) for s in figure.slopes if s is not None), default=0)
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
    for slope, (x, y) in zip(figure.slopes, picture.ends, strict=True):
        if slope is not None:
            place = f'x="{x - 9:.1f}" y="{y - 4:.1f}" text-anchor="end"'
            parts.append(f'<text class="slope" {place}>{_short(slope)}</text>')
    for node, box in zip(figure.nodes, picture.boxes, strict=True):
        kind = "gate" + " input" * (node.name == "input") + " result" * (node in figure.outputs)
        radius = 14 if node.name == "input" else 5
        parts.append(
            f'<rect class="{kind}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
            f'rx="{radius}"/>'
        )
        middle, centre = box.x + box.width / 2, box.y + box.height / 2
        line = centre + (-4 if figure.values else 4.5)
        parts.append(f'<text class="small" x="{box.x + 5:.1f}" y="{box.y + 11:.1f}">{figure.number[node]}</text>')
        label = escape(texts[node], quote=False)
        parts.append(f'<text x="{middle + 4:.1f}" y="{line:.1f}" text-anchor="middle">{label}</text>')
        if figure.values:
            parts.append(
                f'<text class="value" x="{middle:.1f}" y="{centre + 13:.1f}" text-anchor="middle">'
                f"= {_short(figure.values[node])}</text>"
            )
    return "\n".join([*parts, "</svg>"]) + "\n"
