"""A layered drawing of a graph without cycles: sources on the left, every edge to the right.

After Sugiyama, Tagawa and Toda (1981): every node is one layer behind its furthest source; an edge over several layers
has a slot in each; sweeps order the layers by the mean rank of their neighbours; then every layer is moved as near to
its neighbours as its order allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

import numpy as np

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


@dataclass(eq=False)
class _Slot:
    """A slot in a layer: a box, or the crossing of an edge; `left` and `right` are the sides of the layer."""

    height: float
    box: Box | None = None
    sources: list[_Slot] = field(default_factory=list)
    targets: list[_Slot] = field(default_factory=list)
    y: float = 0.0
    left: float = 0.0
    right: float = 0.0


def arrange(boxes: Sequence[Box], edges: Sequence[Edge], label: float = 0.0) -> Picture:
    """Place boxes, sources before targets, with space for labels of width `label` in front of every box."""
    layers, chains = _slots(boxes, edges)
    _order(layers)
    _align(layers)
    top = min(slot.y - slot.height / 2 for layer in layers for slot in layer)
    left = right = _MARGIN
    for layer in layers:
        right = left + max((slot.box.width for slot in layer if slot.box), default=0.0)
        for slot in layer:
            slot.left, slot.right, slot.y = left, right, slot.y + _MARGIN - top
            if slot.box:
                slot.box.x, slot.box.y = (left + right - slot.box.width) / 2, slot.y - slot.height / 2
        left = right + _TURN + label
    paths, ends = [""] * len(edges), [(0.0, 0.0)] * len(edges)
    for target, box in enumerate(boxes):
        numbers = sorted((n for n, edge in enumerate(edges) if edge[1] == target), key=lambda n: chains[n][-2].y)
        for k, number in enumerate(numbers):
            ends[number] = box.x, box.y + box.height / 2 + 19.0 * (k - (len(numbers) - 1) / 2)
            paths[number] = _path(boxes[edges[number][0]], chains[number], ends[number], label)
    bottom = max(slot.y + slot.height / 2 for layer in layers for slot in layer)
    return Picture(list(boxes), paths, ends, right + _MARGIN, bottom + _MARGIN)


def _slots(boxes: Sequence[Box], edges: Sequence[Edge]) -> tuple[list[list[_Slot]], list[list[_Slot]]]:
    """Divide boxes into layers; return with them the chain of slots of every edge."""
    depth = [0] * len(boxes)
    for source, target in sorted(edges, key=lambda e: e[1]):
        depth[target] = max(depth[target], depth[source] + 1)
    slots = [_Slot(box.height, box) for box in boxes]
    layers = [[slot for slot, d in zip(slots, depth, strict=True) if d == k] for k in range(max(depth) + 1)]
    chains, crossings = [], {}
    for source, target in edges:
        chain = [slots[source]]
        for k in range(depth[source] + 1, depth[target]):
            if (source, k) not in crossings:  # edges out of one box run together as far as they go
                crossings[source, k] = _Slot(8.0)
                layers[k].append(crossings[source, k])
            chain.append(crossings[source, k])
        chain.append(slots[target])
        chains.append(chain)
        for a, b in pairwise(chain):
            if b not in a.targets:
                a.targets.append(b)
                b.sources.append(a)
    return layers, chains


def _order(layers: list[list[_Slot]]) -> None:
    """Order every layer by the mean rank of its neighbours, forwards and backwards in turn."""
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        for layer in layers[1:] if forwards else layers[-2::-1]:
            rank = {slot: k for other in layers for k, slot in enumerate(other)}
            near = {slot: (slot.sources if forwards else slot.targets) or [slot] for slot in layer}
            mean = {slot: fmean(rank[other] for other in others) for slot, others in near.items()}
            layer.sort(key=mean.__getitem__)


def _align(layers: list[list[_Slot]]) -> None:
    """Move every layer as near to its neighbours as the order and the gaps allow, in least squares."""
    from scipy.optimize import isotonic_regression  # only drawings need it

    for sweep in range(-1, _SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            heights = np.array([slot.height for slot in layer])
            closest = np.cumsum(heights + _GAP) - heights / 2  # where slots are with nothing but gaps between them
            near = [slot.sources + slot.targets * (sweep > 0) or [slot] for slot in layer]
            wanted = closest if sweep < 0 else np.array([fmean(other.y for other in others) for others in near])
            for slot, y in zip(layer, isotonic_regression(wanted - closest).x + closest, strict=True):
                slot.y = float(y)


def _path(source: Box, chain: Sequence[_Slot], end: tuple[float, float], label: float) -> str:
    """Draw an edge: curves between layers, straight through them and under its label."""
    x, y = chain[0].right, chain[0].y
    path = f"M{source.x + source.width:.1f} {y:.1f}H{x:.1f}"
    for slot in chain[1:]:
        last = slot is chain[-1]
        left, right, to = (slot.left - label, end[0] - 5, end[1]) if last else (slot.left, slot.right, slot.y)
        middle = (x + left - 8) / 2
        path += f"C{middle:.1f} {y:.1f} {middle:.1f} {to:.1f} {left - 8:.1f} {to:.1f}H{right:.1f}"
        x, y = right, to
    return path
