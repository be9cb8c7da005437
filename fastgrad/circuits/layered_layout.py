"""A layered drawing of a graph without cycles: sources on the left, every edge to the right.

After Sugiyama, Tagawa and Toda (1981): every node is one layer behind its furthest source; an edge over several layers
has a slot in each; sweeps order the layers by the mean rank of their neighbours; then every layer is moved as near to
its neighbours as its order allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_GAP, _MARGIN, _TURN, _SWEEPS = 12.0, 16.0, 46.0, 12


@dataclass
class Box:
    """A node: its size, and after `arrange` its upper left corner."""

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0


#: From one box to another, by number.
Edge = tuple[int, int]


class Picture(NamedTuple):
    """Positions of boxes, and the path and end of each edge."""

    boxes: list[Box]
    paths: list[str]
    ends: list[tuple[float, float]]
    width: float
    height: float


@dataclass
class _Slot:
    """A slot in a layer: a box, or the crossing of an edge."""

    layer: int
    height: float
    box: int | None = None
    sources: list[_Slot] = field(default_factory=list)
    targets: list[_Slot] = field(default_factory=list)
    y: float = 0.0


def arrange(boxes: Sequence[Box], edges: Sequence[Edge], label: float = 0.0) -> Picture:
    """Place boxes, sources before targets, with space for labels of width `label` in front of every box."""
    layers, chains = _slots(boxes, edges)
    _order(layers)
    _align(layers)
    top = min(slot.y - slot.height / 2 for layer in layers for slot in layer)
    x, lefts, widths = _MARGIN, [], []
    for layer in layers:
        width = max((boxes[p.box].width for p in layer if p.box is not None), default=0.0)
        lefts.append(x)
        widths.append(width)
        x += width + _TURN + label
        for slot in layer:
            slot.y += _MARGIN - top
            if slot.box is not None:
                box = boxes[slot.box]
                box.x, box.y = lefts[-1] + (width - box.width) / 2, slot.y - box.height / 2
    ports: dict[int, list[int]] = {}
    for number, (_, target) in enumerate(edges):
        ports.setdefault(target, []).append(number)
    paths, ends = [""] * len(edges), [(0.0, 0.0)] * len(edges)
    for target, numbers in ports.items():
        numbers.sort(key=lambda n: chains[n][-2].y)
        box = boxes[target]
        for k, number in enumerate(numbers):
            end = (box.x, box.y + box.height / 2 + 19.0 * (k - (len(numbers) - 1) / 2))
            ends[number] = end
            paths[number] = _path(chains[number], boxes, lefts, widths, end, label)
    bottom = max(slot.y + slot.height / 2 for layer in layers for slot in layer)
    return Picture(list(boxes), paths, ends, lefts[-1] + widths[-1] + _MARGIN, bottom + _MARGIN)


def _slots(boxes: Sequence[Box], edges: Sequence[Edge]) -> tuple[list[list[_Slot]], list[list[_Slot]]]:
    """Divide boxes into layers; return with them the chain of slots of every edge."""
    depth = [0] * len(boxes)
    for source, target in sorted(edges, key=lambda e: e[1]):
        depth[target] = max(depth[target], depth[source] + 1)
    slots = [_Slot(d, box.height, k) for k, (d, box) in enumerate(zip(depth, boxes, strict=True))]
    layers: list[list[_Slot]] = [[] for _ in range(max(depth) + 1)]
    for slot in slots:
        layers[slot.layer].append(slot)
    chains, shared = [], {}
    for source, target in edges:
        chain = [slots[source]]
        for layer in range(depth[source] + 1, depth[target]):
            if (source, layer) not in shared:  # edges out of one box run together as far as they go
                shared[source, layer] = _Slot(layer, 8.0)
                layers[layer].append(shared[source, layer])
            chain.append(shared[source, layer])
        chain.append(slots[target])
        chains.append(chain)
        for a, b in zip(chain, chain[1:], strict=False):
            if not any(p is b for p in a.targets):
                a.targets.append(b)
                b.sources.append(a)
    return layers, chains


def _order(layers: list[list[_Slot]]) -> None:
    """Order every layer by the mean rank of its neighbours, forwards and backwards in turn."""
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        for layer in layers[1:] if forwards else layers[-2::-1]:
            rank = {id(p): k for other in layers for k, p in enumerate(other)}
            near = [p.sources if forwards else p.targets for p in layer]
            means = [_mean([rank[id(q)] for q in others], k) for k, others in enumerate(near)]
            layer[:] = [layer[k] for k in sorted(range(len(layer)), key=means.__getitem__)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _align(layers: list[list[_Slot]]) -> None:
    """Move every layer as near to its neighbours as the order allows, in least squares."""
    for layer in layers:
        y = 0.0
        for slot in layer:
            slot.y = y + slot.height / 2
            y += slot.height + _GAP
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            targets_y = [_mean([q.y for q in ((p.sources + p.targets) if sweep else p.sources)], p.y) for p in layer]
            for slot, y in zip(layer, _separate(targets_y, [p.height for p in layer]), strict=True):
                slot.y = y


def _separate(targets_y: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return the nearest positions to `targets_y` in order and apart: pooled averages (Ayer and others 1955)."""
    offsets, y = [], 0.0
    for k, height in enumerate(heights):
        y += height / 2 + (heights[k - 1] / 2 + _GAP if k else 0.0)
        offsets.append(y)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(targets_y, offsets, strict=True):
        total, count = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            previous, many = pools.pop()
            total, count = total + previous, count + many
        pools.append((total, count))
    levels = [total / count for total, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _path(
    chain: Sequence[_Slot],
    boxes: Sequence[Box],
    lefts: Sequence[float],
    widths: Sequence[float],
    end: tuple[float, float],
    label: float,
) -> str:
    """Draw an edge: curves between layers, straight through them and under its label."""
    source = boxes[chain[0].box or 0]
    x, y = source.x + source.width, chain[0].y
    parts = [f"M{x:.1f} {y:.1f}"]
    right = lefts[chain[0].layer] + widths[chain[0].layer]
    if right > x:
        parts.append(f"H{right:.1f}")
        x = right
    for slot in chain[1:]:
        last = slot is chain[-1]
        left, to = lefts[slot.layer] - label * last, end[1] if last else slot.y
        middle = (x + left - 8) / 2
        parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to:.1f} {left - 8:.1f} {to:.1f}")
        x, y = (end[0] - 5, to) if last else (lefts[slot.layer] + widths[slot.layer], to)
        parts.append(f"H{x:.1f}")
    return "".join(parts)
