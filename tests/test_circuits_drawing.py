"""Circuits on paper: nothing overlaps, everything is there, numbers are right."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad import gates
from fastgrad.circuits import Circuit
from fastgrad.circuits.layered_layout import Box, arrange


def network(v: Any, w: Any) -> Any:
    hidden = np.tanh(w[:12].reshape(4, 3) @ np.concatenate([v, [1.0]]))
    return w[12:16] @ hidden


def three(x: Any, y: Any) -> Any:
    return gates.sigmoid(x) * y


def twelve(x: Any, y: Any, z: Any) -> Any:
    return np.log(x * y + np.exp(z)) * np.tanh(x - z) / fg.where(y > 0.5, y * y, np.sqrt(x))


CIRCUITS: dict[str, tuple[Circuit, tuple[Any, ...]]] = {
    "3 nodes": (fg.circuit(three), (1.0, 2.0)),
    "15 nodes": (fg.circuit(twelve), (1.0, 0.7, 0.3)),
    "60 nodes": (fg.circuit(network, n=(2, 16)), (np.array([0.3, -0.4]), np.linspace(-1, 1, 16))),
    "constant": (fg.circuit(lambda x: 5.0), (1.0,)),
}


def apart(boxes: list[tuple[float, float, float, float]]) -> bool:
    return all(
        ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
        for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(boxes, 2)
    )


@pytest.mark.parametrize("name", CIRCUITS)
@pytest.mark.parametrize("valued", [False, True])
def test_drawing(name: str, valued: bool) -> None:
    c, point = CIRCUITS[name]
    root = ElementTree.fromstring(c.to_svg(*point) if valued else c.to_svg())
    space = "{http://www.w3.org/2000/svg}"
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    sides = ("x", "y", "width", "height")
    boxes = [tuple(float(r.get(s, 0)) for s in sides) for r in root.iter(f"{space}rect") if r.get("class") != "paper"]
    assert apart(boxes)
    assert all(0 <= x and x + w <= width and 0 <= y and y + h <= height for x, y, w, h in boxes)
    labels = [t for t in root.iter(f"{space}text") if t.get("class") == "slope"]
    heads = [p for p in root.iter(f"{space}path") if p.get("class") == "head"]
    assert len(labels) == (len(heads) if valued else 0)
    # a label is written leftwards from where its edge ends, with room for its text before every box
    written = [(float(t.get("x", 0)) - 7.0 * len(t.text or ""), float(t.get("y", 0)) - 9, 7.0 * len(t.text or ""), 9.0)
               for t in labels]  # fmt: skip
    assert apart([*written, *boxes])
    assert ("prefers-color-scheme: dark" in c._repr_svg_()) and "http" not in c.to_svg().replace(space[1:-1], "")


def test_program() -> None:
    c, point = CIRCUITS["3 nodes"]
    assert c.to_text().splitlines() == [
        "circuit three: 2 inputs, 2 gates, 1 result",
        "  n1  x",
        "  n2  y",
        "  n3  sigmoid   n1      d/dn1 = sigmoid'(n1)",
        "  n4  multiply  n3, n2  d/dn3 = n2,  d/dn2 = n3",
        "  result n4",
    ]
    assert "n3  sigmoid   n1      = 0.7311  d/dn1 = 0.1966" in c.to_text(*point)
    assert repr(c) == c.to_text()


def test_mermaid() -> None:
    c, point = CIRCUITS["3 nodes"]
    lines = c.to_mermaid(*point).splitlines()
    assert lines[0] == "flowchart LR"
    assert '    n3["sigmoid<br/>= 0.7311"]' in lines and '    n1 -- "0.1966" --> n3' in lines
    assert "    n1 --> n3" in c.to_mermaid().splitlines()


@given(st.integers(2, 25), st.integers(0, 2**32))
def test_no_boxes_overlap(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    boxes = [Box(float(w), float(h)) for w, h in random.uniform(20, 120, (count, 2))]
    edges = [(int(random.integers(k)), k) for k in range(1, count) for _ in range(random.integers(3))]
    picture = arrange(boxes, edges, label=30.0)
    assert apart([(b.x, b.y, b.width, b.height) for b in picture.boxes])
    assert len(picture.paths) == len(edges) and all(path.startswith("M") for path in picture.paths)
    for (source, target), (x, _) in zip(edges, picture.ends, strict=True):
        assert picture.boxes[source].x + picture.boxes[source].width < x == picture.boxes[target].x
