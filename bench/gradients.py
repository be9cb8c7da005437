"""Twenty gradients by hand, and twelve mistakes in each: what a check of gradients has to find.

Every function takes one vector of parameters. A mistake is a replacement in the source of the gradient, as a slip of
the pen would be; `planted` compiles the changed source. Sizes are chosen so that no mistake changes a shape.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

MISTAKES = (
    "sign", "factor 2", "1/n", "missing term", "transposed", "swapped arguments", "off by one", "wrong axis",
    "detached part", "float32 inside", "epsilon", "wrong branch",
)  # fmt: skip

RANDOM = np.random.default_rng(17)
SQUARE, TARGET, WEIGHTS = RANDOM.normal(size=(3, 3)), RANDOM.normal(size=(3, 3)), RANDOM.normal(size=(3, 3))
FOUR, SIX, COUNTS = RANDOM.normal(size=4), RANDOM.normal(size=6), np.array([2.0, 0.0, 1.0])
LABELS, CHOICES = np.array([2, 0, 1]), np.array([1.0, 0.0, 1.0])
TOKENS = np.array([3, 1, 1, 0])
MASK = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
SERIES = np.array([0.3, 1.1, np.nan, 0.2, -0.4, 0.9])
VARIANCE = np.array([0.04, 0.05, 0.03, 0.06, 0.05, 0.07])
RETURNS = np.array([0.01, -0.02, 0.015, 0.03, -0.01])
INERTIA = np.array([1.0, 2.5, 4.0])


# Layers ---------------------------------------------------------------------------------------------------------------


def dense(x: Any) -> Any:
    w, b = x[:9].reshape(3, 3), x[9:]
    z = SQUARE @ w + b
    y = np.where(z > 0, z, np.exp(z) - 1)
    return np.sum((y - TARGET) ** 2) / (2 * len(y))


def dense_gradient(x: Any) -> Any:
    w, b = x[:9].reshape(3, 3), x[9:]
    z = SQUARE @ w + b
    y = np.where(z > 0, z, np.exp(z) - 1)
    delta = (y - TARGET) * np.where(z > 0, 1.0, np.exp(z)) / len(y)
    return np.concatenate([(SQUARE.T @ delta).ravel(), delta.sum(axis=0)])


DENSE = {
    "sign": ("(y - TARGET) *", "(TARGET - y) *"),
    "factor 2": ("(y - TARGET) *", "2 * (y - TARGET) *"),
    "1/n": (" / len(y)", ""),
    "missing term": ("* np.where(z > 0, 1.0, np.exp(z)) / len(y)", "/ len(y)"),
    "transposed": ("(SQUARE.T @ delta)", "(delta.T @ SQUARE)"),
    "swapped arguments": (
        "[(SQUARE.T @ delta).ravel(), delta.sum(axis=0)]",
        "[delta.sum(axis=0), (SQUARE.T @ delta).ravel()]",
    ),
    "off by one": ("SQUARE.T @ delta", "np.roll(SQUARE, 1, axis=0).T @ delta"),
    "wrong axis": ("delta.sum(axis=0)", "delta.sum(axis=1)"),
    "detached part": ("delta.sum(axis=0)", "np.zeros(3)"),
    "float32 inside": ("z = SQUARE @ w + b", "z = (SQUARE @ w + b).astype(np.float32)"),
    "epsilon": ("/ len(y)", "/ (len(y) + 1e-5)"),
    "wrong branch": ("np.where(z > 0, 1.0, np.exp(z))", "np.where(z > 0, np.exp(z), 1.0)"),
}


def convolution(x: Any) -> Any:
    w, b, s = x[:3], x[3], x[4:]
    y = np.lib.stride_tricks.sliding_window_view(s, 3) @ w + b
    z = np.where(y > 0, y, 0.1 * y)
    return np.sum((z - FOUR) ** 2) / 8


def convolution_gradient(x: Any) -> Any:
    w, b, s = x[:3], x[3], x[4:]
    windows = np.lib.stride_tricks.sliding_window_view(s, 3)
    y = windows @ w + b
    z = np.where(y > 0, y, 0.1 * y)
    delta = (z - FOUR) * np.where(y > 0, 1.0, 0.1) / 4
    return np.concatenate([delta @ windows, [delta.sum()], np.convolve(delta, w)])


CONVOLUTION = {
    "sign": ("(z - FOUR)", "(FOUR - z)"),
    "factor 2": ("/ 4", "/ 2"),
    "1/n": (" / 4", ""),
    "missing term": ("* np.where(y > 0, 1.0, 0.1) / 4", "/ 4"),
    "transposed": ("np.convolve(delta, w)", "np.convolve(delta, w[::-1])"),
    "swapped arguments": (
        "[delta @ windows, [delta.sum()], np.convolve(delta, w)]",
        "[np.convolve(delta, w), [delta.sum()], delta @ windows]",
    ),
    "off by one": ("delta @ windows", "np.roll(delta, 1) @ windows"),
    "wrong axis": ("delta @ windows", "delta.mean() * windows.sum(axis=0)"),
    "detached part": ("np.convolve(delta, w)]", "np.convolve(delta, 0 * w)]"),
    "float32 inside": ("windows @ w + b", "(windows @ w + b).astype(np.float32)"),
    "epsilon": ("/ 4", "/ (4 + 1e-5)"),
    "wrong branch": ("np.where(y > 0, 1.0, 0.1)", "np.where(y < 0, 1.0, 0.1)"),
}


def batch_norm(x: Any) -> Any:
    gamma, beta, data = x[:3], x[3:6], x[6:].reshape(4, 3)
    scale = np.sqrt(data.var(axis=0) + 1e-3)
    y = gamma * (data - data.mean(axis=0)) / scale + beta
    return np.sum(np.where(y > 0, y**2, y) * FOUR[:, None])


def batch_norm_gradient(x: Any) -> Any:
    gamma, beta, data = x[:3], x[3:6], x[6:].reshape(4, 3)
    scale = np.sqrt(data.var(axis=0) + 1e-3)
    hat = (data - data.mean(axis=0)) / scale
    y = gamma * hat + beta
    g = np.where(y > 0, 2 * y, 1.0) * FOUR[:, None]
    d = gamma * g
    inner = (d - d.mean(axis=0) - hat * (d * hat).mean(axis=0)) / scale
    return np.concatenate([(g * hat).sum(axis=0), g.sum(axis=0), inner.ravel()])


BATCH_NORM = {
    "sign": ("(g * hat).sum(axis=0)", "-(g * hat).sum(axis=0)"),
    "factor 2": ("np.where(y > 0, 2 * y, 1.0) * FOUR", "2 * np.where(y > 0, 2 * y, 1.0) * FOUR"),
    "1/n": ("g.sum(axis=0), inner", "g.mean(axis=0), inner"),
    "missing term": (" - hat * (d * hat).mean(axis=0)", ""),
    "transposed": ("inner.ravel()", "inner.T.ravel()"),
    "swapped arguments": ("[(g * hat).sum(axis=0), g.sum(axis=0),", "[g.sum(axis=0), (g * hat).sum(axis=0),"),
    "off by one": ("g.sum(axis=0), inner", "g[1:].sum(axis=0), inner"),
    "wrong axis": ("d - d.mean(axis=0)", "d - d.mean(axis=1, keepdims=True)"),
    "detached part": ("(d - d.mean(axis=0) - hat * (d * hat).mean(axis=0))", "d"),
    "float32 inside": ("hat = (data", "hat = (data.astype(np.float32)"),
    "epsilon": ("scale = np.sqrt(data.var(axis=0) + 1e-3)", "scale = np.sqrt(data.var(axis=0)) + 1e-3"),
    "wrong branch": ("np.where(y > 0, 2 * y, 1.0)", "np.where(y > 0, 1.0, 2 * y)"),
}


def layer_norm(x: Any) -> Any:
    gamma, beta, data = x[:3], x[3:6], x[6:].reshape(3, 3)
    center = data - data.mean(axis=1, keepdims=True)
    y = gamma * center / np.sqrt((center**2).mean(axis=1, keepdims=True) + 1e-3) + beta
    return np.sum(np.where(y > -0.5, np.tanh(y), 0.3 * y) * WEIGHTS)


def layer_norm_gradient(x: Any) -> Any:
    gamma, beta, data = x[:3], x[3:6], x[6:].reshape(3, 3)
    center = data - data.mean(axis=1, keepdims=True)
    scale = np.sqrt((center**2).mean(axis=1, keepdims=True) + 1e-3)
    hat = center / scale
    y = gamma * hat + beta
    g = np.where(y > -0.5, 1 - np.tanh(y) ** 2, 0.3) * WEIGHTS
    d = g * gamma
    inner = (d - d.mean(axis=1, keepdims=True) - hat * (d * hat).mean(axis=1, keepdims=True)) / scale
    return np.concatenate([(g * hat).sum(axis=0), g.sum(axis=0), inner.ravel()])


LAYER_NORM = {
    "sign": ("- hat * (d * hat)", "+ hat * (d * hat)"),
    "factor 2": ("(g * hat).sum(axis=0)", "2 * (g * hat).sum(axis=0)"),
    "1/n": ("(g * hat).sum(axis=0), g.sum(axis=0)", "(g * hat).mean(axis=0), g.mean(axis=0)"),
    "missing term": ("d - d.mean(axis=1, keepdims=True)", "d"),
    "transposed": ("inner.ravel()", "inner.T.ravel()"),
    "swapped arguments": ("[(g * hat).sum(axis=0), g.sum(axis=0)", "[g.sum(axis=0), (g * hat).sum(axis=0)"),
    "off by one": ("inner.ravel()", "np.roll(inner, 1, axis=0).ravel()"),
    "wrong axis": ("g.sum(axis=0)", "g.sum(axis=1)"),
    "detached part": ("(d - d.mean(axis=1, keepdims=True) - hat * (d * hat).mean(axis=1, keepdims=True))", "d"),
    "float32 inside": ("hat = center / scale", "hat = (center / scale).astype(np.float32)"),
    "epsilon": ("keepdims=True) + 1e-3)", "keepdims=True)) + 1e-3"),
    "wrong branch": ("np.where(y > -0.5, 1 - np.tanh(y) ** 2, 0.3)", "(1 - np.tanh(y) ** 2)"),
}


def cross_entropy(x: Any) -> Any:
    z = x.reshape(3, 3)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    picked = p[np.arange(3), LABELS]
    return -np.mean(np.where(picked > 0.1, np.log(picked), picked)) + 0.05 * np.sum(z**2)


def cross_entropy_gradient(x: Any) -> Any:
    z = x.reshape(3, 3)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = np.eye(3)[LABELS]
    picked = (p * truth).sum(axis=1, keepdims=True)
    return (np.where(picked > 0.1, 1.0, picked) * (p - truth) / len(z) + 0.1 * z).ravel()


CROSS_ENTROPY = {
    "sign": ("return (", "return -("),
    "factor 2": ("0.1 * z)", "0.2 * z)"),
    "1/n": (" / len(z)", ""),
    "missing term": (" + 0.1 * z", ""),
    "transposed": (").ravel()", ").T.ravel()"),
    "swapped arguments": ("(p - truth)", "(truth - p)"),
    "off by one": ("np.eye(3)[LABELS]", "np.eye(3)[LABELS - 1]"),
    "wrong axis": ("np.exp(z).sum(axis=1, keepdims=True)", "np.exp(z).sum(axis=0, keepdims=True)"),
    "detached part": ("(p - truth)", "(0 - truth)"),
    "float32 inside": ("p = np.exp(z)", "p = np.exp(z.astype(np.float32))"),
    "epsilon": ("np.exp(z).sum(axis=1, keepdims=True)", "(np.exp(z).sum(axis=1, keepdims=True) + 1e-5)"),
    "wrong branch": ("picked > 0.1", "picked < 0.1"),
}


def attention(x: Any) -> Any:
    q, k, v = x.reshape(3, 3, 2)
    scores = np.where(np.tril(np.ones((3, 3))) > 0, q @ k.T / np.sqrt(2), -np.inf)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return np.sum((p @ v) ** 2) / 6


def attention_gradient(x: Any) -> Any:
    q, k, v = x.reshape(3, 3, 2)
    scores = np.where(np.tril(np.ones((3, 3))) > 0, q @ k.T / np.sqrt(2), -np.inf)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    g = (p @ v) / 3
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(2)
    return np.concatenate([(ds @ k).ravel(), (ds.T @ q).ravel(), (p.T @ g).ravel()])


ATTENTION = {
    "sign": ("dp - (dp * p)", "dp + (dp * p)"),
    "factor 2": ("g = (p @ v) / 3", "g = (p @ v) / 6"),
    "1/n": ("g = (p @ v) / 3", "g = (p @ v)"),
    "missing term": (") / np.sqrt(2)\n    return", ")\n    return"),
    "transposed": ("ds.T @ q", "ds @ q"),
    "swapped arguments": ("(ds @ k).ravel(), (ds.T @ q).ravel()", "(ds.T @ q).ravel(), (ds @ k).ravel()"),
    "off by one": ("np.tril(np.ones((3, 3)))", "np.tril(np.ones((3, 3)), 1)"),
    "wrong axis": ("(dp * p).sum(axis=1, keepdims=True)", "(dp * p).sum(axis=0, keepdims=True)"),
    "detached part": ("(ds.T @ q).ravel()", "np.zeros(6)"),
    "float32 inside": ("dp = g @ v.T", "dp = (g @ v.T).astype(np.float32)"),
    "epsilon": ("np.exp(scores).sum(axis=1, keepdims=True)", "(np.exp(scores).sum(axis=1, keepdims=True) + 1e-6)"),
    "wrong branch": ("np.tril(", "np.triu("),
}


def lstm_cell(x: Any) -> Any:
    i, f, o = 1 / (1 + np.exp(-x[:9].reshape(3, 3)))
    g, c = np.tanh(x[9:12]), x[12:]
    new = f * c + i * g
    h = o * np.where(np.abs(new) < 0.8, np.tanh(new), new / 2)
    return h @ COUNTS + new @ new / 3


def lstm_cell_gradient(x: Any) -> Any:
    i, f, o = 1 / (1 + np.exp(-x[:9].reshape(3, 3)))
    g, c = np.tanh(x[9:12]), x[12:]
    new = f * c + i * g
    inside = np.abs(new) < 0.8
    out = np.where(inside, np.tanh(new), new / 2)
    dnew = COUNTS * o * np.where(inside, 1 - np.tanh(new) ** 2, 0.5) + 2 * new / 3
    return np.concatenate(
        [dnew * g * i * (1 - i), dnew * c * f * (1 - f), COUNTS * out * o * (1 - o), dnew * i * (1 - g**2), dnew * f]
    )


LSTM_CELL = {
    "sign": ("dnew * c * f * (1 - f)", "dnew * c * f * (f - 1)"),
    "factor 2": ("2 * new / 3", "new / 3"),
    "1/n": ("2 * new / 3", "2 * new"),
    "missing term": (" + 2 * new / 3", ""),
    "transposed": ("x[:9].reshape(3, 3)", "x[:9].reshape(3, 3).T"),
    "swapped arguments": (
        "[dnew * g * i * (1 - i), dnew * c * f * (1 - f),",
        "[dnew * c * f * (1 - f), dnew * g * i * (1 - i),",
    ),
    "off by one": ("dnew * c * f", "dnew * np.roll(c, 1) * f"),
    "wrong axis": ("COUNTS * out * o * (1 - o)", "(COUNTS @ out) * o * (1 - o)"),
    "detached part": ("dnew * i * (1 - g**2)", "0 * g"),
    "float32 inside": ("g, c = np.tanh(x[9:12]), x[12:]", "g, c = np.tanh(x[9:12].astype(np.float32)), x[12:]"),
    "epsilon": ("1 - g**2", "1 - g**2 + 1e-6"),
    "wrong branch": ("np.where(inside, 1 - np.tanh(new) ** 2, 0.5)", "np.where(inside, 0.5, 1 - np.tanh(new) ** 2)"),
}


def embedding(x: Any) -> Any:
    table = x.reshape(4, 4)
    rows = table[TOKENS]
    known = (TOKENS != 0).astype(float)
    return np.sum(known * np.log1p((rows**2).sum(axis=1))) / 3


def embedding_gradient(x: Any) -> Any:
    table = x.reshape(4, 4)
    rows = table[TOKENS]
    known = (TOKENS != 0).astype(float)
    found = np.zeros_like(table)
    np.add.at(found, TOKENS, (known / (1 + (rows**2).sum(axis=1)))[:, None] * 2 * rows / 3)
    return found.ravel()


EMBEDDING = {
    "sign": ("2 * rows", "-2 * rows"),
    "factor 2": ("2 * rows", "rows"),
    "1/n": (" / 3", ""),
    "missing term": ("(known / (1 + (rows**2).sum(axis=1)))", "known"),
    "transposed": ("found.ravel()", "found.T.ravel()"),
    "swapped arguments": ("np.add.at(found, TOKENS", "np.add.at(found, TOKENS[::-1]"),
    "off by one": ("np.add.at(found, TOKENS", "np.add.at(found, TOKENS - 1"),
    "wrong axis": ("(rows**2).sum(axis=1)", "(rows**2).sum(axis=0)"),
    "detached part": ("np.add.at(found, TOKENS, ", "found[TOKENS] = ("),
    "float32 inside": ("found = np.zeros_like(table)", "found = np.zeros(table.shape, np.float32)"),
    "epsilon": ("/ (1 + ", "/ (1 + 1e-6 + "),
    "wrong branch": ("(TOKENS != 0)", "(TOKENS != 1)"),
}


def max_pooling(x: Any) -> Any:
    y = x.reshape(4, 4).max(axis=1)
    return np.sum(FOUR * y**2) / 4


def max_pooling_gradient(x: Any) -> Any:
    pools = x.reshape(4, 4)
    y = pools.max(axis=1)
    here = np.arange(4)[:, None] * 0 + np.arange(4) == pools.argmax(axis=1)[:, None]
    return (here * (2 * FOUR * y)[:, None] / 4).ravel()


MAX_POOLING = {
    "sign": ("(2 * FOUR * y)", "(-2 * FOUR * y)"),
    "factor 2": ("(2 * FOUR * y)", "(FOUR * y)"),
    "1/n": (" / 4", ""),
    "missing term": ("(2 * FOUR * y)", "(2 * y)"),
    "transposed": (").ravel()", ").T.ravel()"),
    "swapped arguments": ("(2 * FOUR * y)", "(2 * FOUR[::-1] * y)"),
    "off by one": ("pools.argmax(axis=1)", "((pools.argmax(axis=1) + 1) % 4)"),
    "wrong axis": ("pools.argmax(axis=1)", "pools.argmax(axis=0)"),
    "detached part": ("here * (2", "(np.arange(4) > 0) * here * (2"),
    "float32 inside": ("y = pools.max(axis=1)", "y = pools.astype(np.float32).max(axis=1)"),
    "epsilon": ("/ 4)", "/ (4 + 1e-6))"),
    "wrong branch": ("pools.argmax", "pools.argmin"),
}


def dropout(x: Any) -> Any:
    y = x * MASK / 0.75
    return np.sum(np.where(y > 1, 2 * y - 1, y**2) * SIX) / 6 + np.prod(y[MASK > 0.5]) / 6


def dropout_gradient(x: Any) -> Any:
    y = x * MASK / 0.75
    g = np.where(y > 1, 2.0, 2 * y) * SIX
    for k in np.flatnonzero(MASK > 0.5):
        g[k] += np.prod([y[j] for j in np.flatnonzero(MASK > 0.5) if j != k])
    return g * MASK / 0.75 / 6


DROPOUT = {
    "sign": ("g[k] +=", "g[k] -="),
    "factor 2": ("2 * y) * SIX", "y) * SIX"),
    "1/n": (" / 6", ""),
    "missing term": ("return g * MASK / 0.75", "return g * MASK"),
    "transposed": ("* SIX", "* SIX.reshape(2, 3).T.ravel()"),
    "swapped arguments": ("np.where(y > 1, 2.0, 2 * y)", "np.where(y > 1, 2 * y, 2.0)"),
    "off by one": ("g[k] +=", "g[k - 1] +="),
    "wrong axis": ("np.prod([y[j]", "np.sum([y[j]"),
    "detached part": ("return g * MASK", "return g * (np.arange(6) > 2) * MASK"),
    "float32 inside": ("y = x * MASK", "y = x.astype(np.float32) * MASK"),
    "epsilon": ("/ 0.75 / 6", "/ (0.75 + 1e-6) / 6"),
    "wrong branch": ("np.where(y > 1, 2.0", "np.where(y < 1, 2.0"),
}


# Likelihoods ----------------------------------------------------------------------------------------------------------


def logit(x: Any) -> Any:
    w, s = x[:3], x[3:]
    z = SQUARE @ w + s
    return np.mean(np.where(z > 0, z, 0) - CHOICES * z + np.log1p(np.exp(-np.abs(z)))) + 0.1 * w @ w


def logit_gradient(x: Any) -> Any:
    w, s = x[:3], x[3:]
    z = SQUARE @ w + s
    p = np.where(z > 0, 1 / (1 + np.exp(-np.abs(z))), 1 - 1 / (1 + np.exp(-np.abs(z))))
    delta = (p - CHOICES) / len(z)
    return np.concatenate([SQUARE.T @ delta + 0.2 * w, delta])


LOGIT = {
    "sign": ("(p - CHOICES)", "(CHOICES - p)"),
    "factor 2": ("0.2 * w", "0.1 * w"),
    "1/n": (" / len(z)", ""),
    "missing term": (" + 0.2 * w", ""),
    "transposed": ("SQUARE.T @ delta", "SQUARE @ delta"),
    "swapped arguments": ("[SQUARE.T @ delta + 0.2 * w, delta]", "[delta, SQUARE.T @ delta + 0.2 * w]"),
    "off by one": ("(p - CHOICES)", "(p - np.roll(CHOICES, 1))"),
    "wrong axis": ("SQUARE.T @ delta", "SQUARE.sum(axis=0) * delta"),
    "detached part": (", delta]", ", 0 * delta]"),
    "float32 inside": ("z = SQUARE @ w + s", "z = (SQUARE @ w + s).astype(np.float32)"),
    "epsilon": ("delta = (p - CHOICES)", "delta = (p - CHOICES + 1e-7)"),
    "wrong branch": ("np.where(z > 0,", "np.where(z > 0.5,"),
}


def probit(x: Any) -> Any:
    w, s = x[:3], x[3:]
    sign = 2 * CHOICES - 1
    z = sign * (SQUARE @ w + s)
    return -np.mean(np.log(ndtr(np.where(z > 2, 2 + (z - 2) / 2, z)) + 1e-3))


def probit_gradient(x: Any) -> Any:
    w, s = x[:3], x[3:]
    sign = 2 * CHOICES - 1
    z = sign * (SQUARE @ w + s)
    capped = np.where(z > 2, 2 + (z - 2) / 2, z)
    density = np.exp(-(capped**2) / 2) / np.sqrt(2 * np.pi)
    delta = -density / (ndtr(capped) + 1e-3) * sign * np.where(z > 2, 0.5, 1.0) / 3
    return np.concatenate([SQUARE.T @ delta, delta])


PROBIT = {
    "sign": ("delta = -density", "delta = density"),
    "factor 2": ("np.exp(-(capped**2) / 2)", "2 * np.exp(-(capped**2) / 2)"),
    "1/n": (" / 3", ""),
    "missing term": (" / np.sqrt(2 * np.pi)", ""),
    "transposed": ("SQUARE.T @ delta", "SQUARE @ delta"),
    "swapped arguments": ("[SQUARE.T @ delta, delta]", "[delta, SQUARE.T @ delta]"),
    "off by one": ("[SQUARE.T @ delta", "[SQUARE.T @ np.roll(delta, 1)"),
    "wrong axis": ("SQUARE.T @ delta", "SQUARE.sum(axis=0) * delta"),
    "detached part": ("SQUARE.T @ delta, delta]", "SQUARE.T @ delta, 0 * delta]"),
    "float32 inside": ("density = np.exp(-(capped**2) / 2)", "density = np.exp(-(capped.astype(np.float32) ** 2) / 2)"),
    "epsilon": ("(ndtr(capped) + 1e-3)", "(ndtr(capped) + 1e-4)"),
    "wrong branch": ("np.where(z > 2, 0.5, 1.0)", "np.where(z > 0, 0.5, 1.0)"),
}


def poisson(x: Any) -> Any:
    w, s = x[:3], x[3:]
    z = SQUARE @ w + s
    rate = np.where(z < 1, np.exp(z), np.e * z)
    return np.mean(rate - COUNTS * np.log(rate + 1e-3)) + 0.1 * w @ w


def poisson_gradient(x: Any) -> Any:
    w, s = x[:3], x[3:]
    z = SQUARE @ w + s
    rate = np.where(z < 1, np.exp(z), np.e * z)
    delta = (1 - COUNTS / (rate + 1e-3)) * np.where(z < 1, rate, np.e) / 3
    return np.concatenate([SQUARE.T @ delta + 0.2 * w, delta])


POISSON = {
    "sign": ("(1 - COUNTS /", "(1 + COUNTS /"),
    "factor 2": ("* np.where(z < 1, rate, np.e) / 3", "* np.where(z < 1, rate, np.e) / 3 * 2"),
    "1/n": ("np.e) / 3", "np.e)"),
    "missing term": ("delta = (1 - COUNTS", "delta = (-COUNTS"),
    "transposed": ("SQUARE.T @ delta", "SQUARE @ delta"),
    "swapped arguments": ("SQUARE.T @ delta + 0.2 * w, delta]", "delta, SQUARE.T @ delta + 0.2 * w]"),
    "off by one": ("(1 - COUNTS", "(1 - np.roll(COUNTS, 1)"),
    "wrong axis": ("SQUARE.T @ delta", "SQUARE.sum(axis=0) * delta"),
    "detached part": ("SQUARE.T @ delta + 0.2 * w", "0.2 * w"),
    "float32 inside": ("z = SQUARE @ w + s", "z = (SQUARE @ w + s).astype(np.float32)"),
    "epsilon": ("(rate + 1e-3)", "rate"),
    "wrong branch": ("np.where(z < 1, rate, np.e)", "rate"),
}


def gaussian_mixture(x: Any) -> Any:
    means, sds, logits = x[:3], np.exp(x[3:6]), x[6:]
    z = (SIX[:, None] - means) / sds
    weights = np.exp(logits) / np.exp(logits).sum()
    density = (weights / sds * np.where(np.abs(z) < 3, np.exp(-(z**2) / 2), np.exp(4.5 - 3 * np.abs(z)))).sum(axis=1)
    return -np.mean(np.log(density))


def gaussian_mixture_gradient(x: Any) -> Any:
    means, sds, logits = x[:3], np.exp(x[3:6]), x[6:]
    z = (SIX[:, None] - means) / sds
    weights = np.exp(logits) / np.exp(logits).sum()
    parts = weights / sds * np.where(np.abs(z) < 3, np.exp(-(z**2) / 2), np.exp(4.5 - 3 * np.abs(z)))
    share = parts / parts.sum(axis=1, keepdims=True)
    pull = share * np.where(np.abs(z) < 3, z, 3 * np.sign(z))
    return -np.concatenate([(pull / sds).mean(axis=0), (pull * z - share).mean(axis=0), share.mean(axis=0) - weights])


GAUSSIAN_MIXTURE = {
    "sign": ("return -np", "return np"),
    "factor 2": ("(pull / sds)", "(2 * pull / sds)"),
    "1/n": ("(pull / sds).mean(axis=0)", "(pull / sds).sum(axis=0)"),
    "missing term": ("(pull * z - share)", "(pull * z)"),
    "transposed": ("share.mean(axis=0) - weights", "(weights - share.mean(axis=0))"),
    "swapped arguments": (
        "(pull / sds).mean(axis=0), (pull * z - share).mean(axis=0)",
        "(pull * z - share).mean(axis=0), (pull / sds).mean(axis=0)",
    ),
    "off by one": ("(pull / sds).mean(axis=0)", "(pull / sds)[1:].mean(axis=0)"),
    "wrong axis": ("parts.sum(axis=1, keepdims=True)", "parts.sum(axis=0, keepdims=True)"),
    "detached part": ("share.mean(axis=0) - weights", "0 * weights"),
    "float32 inside": ("share = parts", "share = parts.astype(np.float32)"),
    "epsilon": ("parts.sum(axis=1, keepdims=True)", "(parts.sum(axis=1, keepdims=True) + 1e-6)"),
    "wrong branch": ("np.where(np.abs(z) < 3, z, 3 * np.sign(z))", "z"),
}


def kalman_filter(x: Any) -> Any:
    q, r, phi, m = np.exp(x[0]), np.exp(x[1]), np.tanh(x[2]), x[3]
    p, total = 1.0, 0.0
    for y in SERIES:
        m, p = phi * m, phi**2 * p + q
        if np.isfinite(y):
            s = p + r
            total += np.log(s) / 2 + (y - m) ** 2 / (2 * s)
            m, p = m + p / s * (y - m), p * r / s
    return total / 5


def kalman_filter_gradient(x: Any) -> Any:
    q, r, phi, m = np.exp(x[0]), np.exp(x[1]), np.tanh(x[2]), x[3]
    unit = np.eye(4)
    dq, dr, dphi, dm = q * unit[0], r * unit[1], (1 - phi**2) * unit[2], unit[3]
    p, dp, total = 1.0, np.zeros(4), np.zeros(4)
    for y in SERIES:
        dm, dp = dphi * m + phi * dm, 2 * phi * dphi * p + phi**2 * dp + dq
        m, p = phi * m, phi**2 * p + q
        if np.isfinite(y):
            s, ds = p + r, dp + dr
            e = y - m
            total += ds / (2 * s) - e * dm / s - e**2 * ds / (2 * s**2)
            gain = p / s
            dgain = dp / s - p * ds / s**2
            dm, dp = dm + dgain * e - gain * dm, dgain * r + gain * dr
            m, p = m + gain * e, gain * r
    return total / 5


KALMAN_FILTER = {
    "sign": ("- e * dm / s", "+ e * dm / s"),
    "factor 2": ("return total / 5", "return total / 2.5"),
    "1/n": ("return total / 5", "return total"),
    "missing term": ("dgain * r + gain * dr", "dgain * r"),
    "transposed": ("return total / 5", "return total.reshape(2, 2).T.ravel() / 5"),
    "swapped arguments": ("dq, dr, dphi", "dr, dq, dphi"),
    "off by one": ("for y in SERIES", "for y in SERIES[1:]"),
    "wrong axis": (
        "dphi, dm = q * unit[0], r * unit[1], (1 - phi**2) * unit[2]",
        "dphi, dm = q * unit[0], r * unit[0], (1 - phi**2) * unit[2]",
    ),
    "detached part": ("dm + dgain * e - gain * dm", "dm - gain * dm"),
    "float32 inside": ("e = y - m", "e = np.float32(y - m)"),
    "epsilon": ("dgain = dp / s - p * ds / s**2", "dgain = dp / (s + 1e-6) - p * ds / s**2"),
    "wrong branch": ("if np.isfinite(y):\n            s, ds", "if np.isfinite(y) and y > 0:\n            s, ds"),
}


# Physics --------------------------------------------------------------------------------------------------------------


def lennard_jones(x: Any) -> Any:
    place = 1.5 * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]) + 0.2 * x.reshape(3, 3)
    total = 0.0
    for i in range(3):
        for j in range(i):
            r = np.sqrt(((place[i] - place[j]) ** 2).sum())
            total += 4 * (r**-12 - r**-6) if r < 2.0 else -0.0615234375 * (3.0 - r)
    return total


def lennard_jones_gradient(x: Any) -> Any:
    place = 1.5 * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]) + 0.2 * x.reshape(3, 3)
    found = np.zeros((3, 3))
    for i in range(3):
        for j in range(i):
            apart = place[i] - place[j]
            r = np.sqrt((apart**2).sum())
            slope = 4 * (-12 * r**-13 + 6 * r**-7) if r < 2.0 else 0.0615234375
            found[i] += slope * apart / r
            found[j] -= slope * apart / r
    return 0.2 * found.ravel()


LENNARD_JONES = {
    "sign": ("return 0.2 *", "return -0.2 *"),
    "factor 2": ("return 0.2 *", "return 0.4 *"),
    "1/n": ("found.ravel()", "found.ravel() / 3"),
    "missing term": ("            found[j] -= slope * apart / r\n", ""),
    "transposed": ("found.ravel()", "found.T.ravel()"),
    "swapped arguments": ("(-12 * r**-13 + 6 * r**-7)", "(-6 * r**-7 + 12 * r**-13)"),
    "off by one": ("r**-13", "r**-12"),
    "wrong axis": ("found[i] += slope * apart / r", "found[:, i] += slope * apart / r"),
    "detached part": ("(-12 * r**-13 + 6 * r**-7)", "(-12 * r**-13)"),
    "float32 inside": ("r = np.sqrt((apart**2).sum())", "r = np.sqrt((apart.astype(np.float32) ** 2).sum())"),
    "epsilon": ("(apart**2).sum()", "(apart**2).sum() + 1e-6"),
    "wrong branch": ("if r < 2.0", "if r < 1.6"),
}


def spring_chain(x: Any) -> Any:
    stretch = np.diff(x) + 0.3
    return 0.5 * np.sum(FOUR**2 * np.where(stretch > 0, stretch**2, 0.1 * stretch**2)) + 0.2 * np.sum(x**4)


def spring_chain_gradient(x: Any) -> Any:
    stretch = np.diff(x) + 0.3
    force = FOUR**2 * np.where(stretch > 0, stretch, 0.1 * stretch)
    found = 0.8 * x**3
    found[1:] += force
    found[:-1] -= force
    return found


SPRING_CHAIN = {
    "sign": ("found[:-1] -=", "found[:-1] +="),
    "factor 2": ("force = FOUR**2", "force = 0.5 * FOUR**2"),
    "1/n": ("return found", "return found / len(found)"),
    "missing term": ("    found[:-1] -= force\n", ""),
    "transposed": ("return found", "return found[::-1]"),
    "swapped arguments": ("np.diff(x) + 0.3", "-np.diff(x) + 0.3"),
    "off by one": ("found[1:] +=", "found[:-1] +="),
    "wrong axis": ("0.8 * x**3", "0.8 * x.sum() ** 3 + 0 * x"),
    "detached part": ("0.8 * x**3", "0 * x"),
    "float32 inside": ("np.diff(x)", "np.diff(x).astype(np.float32)"),
    "epsilon": ("np.diff(x) + 0.3", "np.diff(x) + 0.3 + 1e-7"),
    "wrong branch": ("np.where(stretch > 0, stretch,", "np.where(stretch < 0, stretch,"),
}


def rigid_body(x: Any) -> Any:
    turn = np.array([(INERTIA[k - 2] - INERTIA[k - 1]) * x[k - 2] * x[k - 1] for k in range(3)])
    return (turn - np.where(x > 0, 0.1 * x, 0.3 * x)) / INERTIA


def rigid_body_jacobian(x: Any) -> Any:
    found = np.zeros((3, 3))
    for k in range(3):
        a, b = (k + 1) % 3, (k + 2) % 3
        found[k, a] = (INERTIA[a] - INERTIA[b]) * x[b]
        found[k, b] = (INERTIA[a] - INERTIA[b]) * x[a]
        found[k, k] = -np.where(x[k] > 0, 0.1, 0.3)
    return found / INERTIA[:, None]


RIGID_BODY = {
    "sign": ("= -np.where", "= np.where"),
    "factor 2": ("found[k, a] = (", "found[k, a] = 2 * ("),
    "1/n": ("return found", "return found / 3"),
    "missing term": ("        found[k, b] = (INERTIA[a] - INERTIA[b]) * x[a]\n", ""),
    "transposed": ("return found / INERTIA[:, None]", "return (found / INERTIA[:, None]).T"),
    "swapped arguments": (
        "found[k, b] = (INERTIA[a] - INERTIA[b]) * x[a]",
        "found[k, b] = (INERTIA[b] - INERTIA[a]) * x[a]",
    ),
    "off by one": ("(INERTIA[a] - INERTIA[b]) * x[b]", "(INERTIA[a] - INERTIA[b]) * x[k]"),
    "wrong axis": ("INERTIA[:, None]", "INERTIA[None, :]"),
    "detached part": ("        found[k, k] = -np.where(x[k] > 0, 0.1, 0.3)\n", ""),
    "float32 inside": ("return found", "return found.astype(np.float32)"),
    "epsilon": ("/ INERTIA[:, None]", "/ (INERTIA[:, None] + 1e-6)"),
    "wrong branch": ("np.where(x[k] > 0, 0.1, 0.3)", "np.where(x[k] > 0, 0.3, 0.1)"),
}


# Finance --------------------------------------------------------------------------------------------------------------


def heston(x: Any) -> Any:
    kappa, theta, sigma, rho = np.exp(x[0]), np.exp(x[1]) / 20, np.exp(x[2]), np.tanh(x[3])
    v, dv = np.maximum(VARIANCE[:-1], 0.035), np.diff(VARIANCE)
    a = (RETURNS + v / 2) / np.sqrt(v)
    b = (dv - kappa * (theta - v)) / (sigma * np.sqrt(v))
    c = 1 - rho**2
    return np.mean((a**2 - 2 * rho * a * b + b**2) / (2 * c) + np.log(sigma) + np.log(c) / 2)


def heston_gradient(x: Any) -> Any:
    kappa, theta, sigma, rho = np.exp(x[0]), np.exp(x[1]) / 20, np.exp(x[2]), np.tanh(x[3])
    v, dv = np.maximum(VARIANCE[:-1], 0.035), np.diff(VARIANCE)
    a = (RETURNS + v / 2) / np.sqrt(v)
    b = (dv - kappa * (theta - v)) / (sigma * np.sqrt(v))
    c = 1 - rho**2
    slope = (b - rho * a) / c
    first = np.mean(slope * -(theta - v) / (sigma * np.sqrt(v))) * kappa
    second = np.mean(slope * -kappa / (sigma * np.sqrt(v))) * theta
    third = np.mean(slope * -b) + 1
    fourth = np.mean(-a * b / c + rho * (a**2 - 2 * rho * a * b + b**2) / c**2 - rho / c) * c
    return np.array([first, second, third, fourth])


HESTON = {
    "sign": ("first = np.mean(slope * -(theta", "first = np.mean(slope * (theta"),
    "factor 2": ("rho * (a**2 - 2 *", "rho * (a**2 - "),
    "1/n": ("third = np.mean(slope * -b)", "third = np.sum(slope * -b)"),
    "missing term": (" - rho / c)", ")"),
    "transposed": (
        "np.array([first, second, third, fourth])",
        "np.array([[first, second], [third, fourth]]).T.ravel()",
    ),
    "swapped arguments": ("[first, second,", "[second, first,"),
    "off by one": ("np.maximum(VARIANCE[:-1], 0.035)", "np.maximum(VARIANCE[1:], 0.035)"),
    "wrong axis": (
        "np.mean(slope * -kappa / (sigma * np.sqrt(v)))",
        "np.mean(slope) * np.mean(-kappa / (sigma * np.sqrt(v)))",
    ),
    "detached part": ("third = np.mean(slope * -b) + 1", "third = 1.0"),
    "float32 inside": ("b = (dv", "b = np.float32(dv"),
    "epsilon": ("slope = (b - rho * a) / c", "slope = (b - rho * a) / (c + 1e-6)"),
    "wrong branch": ("np.maximum(VARIANCE[:-1], 0.035)", "VARIANCE[:-1]"),
}


def sabr(x: Any) -> Any:
    alpha, nu, rho, k = np.exp(x[0]) / 5, np.exp(x[1]) / 2, np.tanh(x[2]), x[3] / 5
    z = nu / alpha * k
    ratio = z / np.log((np.sqrt(1 - 2 * rho * z + z * z) + z - rho) / (1 - rho)) if abs(z) > 1e-4 else 1 - rho * z / 2
    return alpha * ratio * (1 + rho * nu * alpha / 4 + (2 - 3 * rho**2) / 24 * nu**2)


def sabr_gradient(x: Any) -> Any:
    alpha, nu, rho, k = np.exp(x[0]) / 5, np.exp(x[1]) / 2, np.tanh(x[2]), x[3] / 5
    z = nu / alpha * k
    root = np.sqrt(1 - 2 * rho * z + z * z)
    chi = np.log((root + z - rho) / (1 - rho))
    near = abs(z) <= 1e-4
    ratio = 1 - rho * z / 2 if near else z / chi
    by_z = -rho / 2 if near else 1 / chi - z / chi**2 / root
    by_rho = -z / 2 if near else -z / chi**2 * ((-z / root - 1) / (root + z - rho) + 1 / (1 - rho))
    term = 1 + rho * nu * alpha / 4 + (2 - 3 * rho**2) / 24 * nu**2
    first = alpha * (ratio * term - z * by_z * term + ratio * rho * nu * alpha / 4)
    second = alpha * (z * by_z * term + ratio * (rho * nu * alpha / 4 + (2 - 3 * rho**2) / 12 * nu**2))
    third = alpha * (by_rho * term + ratio * (nu * alpha / 4 - rho / 4 * nu**2)) * (1 - rho**2)
    fourth = nu * by_z * term / 5
    return np.array([first, second, third, fourth])


SABR = {
    "sign": ("first = alpha * (ratio * term - z", "first = alpha * (ratio * term + z"),
    "factor 2": ("/ 12 * nu**2", "/ 24 * nu**2"),
    "1/n": ("fourth = nu * by_z * term / 5", "fourth = nu * by_z * term"),
    "missing term": (" * (1 - rho**2)\n", "\n"),
    "transposed": (
        "np.array([first, second, third, fourth])",
        "np.array([[first, second], [third, fourth]]).T.ravel()",
    ),
    "swapped arguments": ("z = nu / alpha * k", "z = alpha / nu * k"),
    "off by one": ("x[3] / 5", "x[2] / 5"),
    "wrong axis": ("[first, second, third, fourth]", "[first + second, first + second, third, fourth]"),
    "detached part": ("by_z = -rho / 2 if near else 1 / chi - z / chi**2 / root", "by_z = 0.0"),
    "float32 inside": ("chi = np.log((root", "chi = np.log(np.float32(root"),
    "epsilon": ("z * z)\n", "z * z + 1e-7)\n"),
    "wrong branch": ("abs(z) <= 1e-4", "abs(z) <= 10"),
}


@dataclass(frozen=True)
class Case:
    """A function, its gradient or jacobian, how many parameters it takes, and a slip of the pen for every mistake."""

    f: Callable[[Any], Any]
    df: Callable[[Any], Any]
    dim: int
    slips: dict[str, tuple[str, str]]
    of: str = "gradient"

    def points(self, count: int = 6) -> Any:
        """Draw points, the same every time."""
        return np.random.default_rng(zlib.crc32(self.f.__name__.encode())).normal(size=(count, self.dim))


CASES = (
    Case(dense, dense_gradient, 12, DENSE), Case(convolution, convolution_gradient, 10, CONVOLUTION),
    Case(batch_norm, batch_norm_gradient, 18, BATCH_NORM), Case(layer_norm, layer_norm_gradient, 15, LAYER_NORM),
    Case(cross_entropy, cross_entropy_gradient, 9, CROSS_ENTROPY),
    Case(attention, attention_gradient, 18, ATTENTION), Case(lstm_cell, lstm_cell_gradient, 15, LSTM_CELL),
    Case(embedding, embedding_gradient, 16, EMBEDDING), Case(max_pooling, max_pooling_gradient, 16, MAX_POOLING),
    Case(dropout, dropout_gradient, 6, DROPOUT), Case(logit, logit_gradient, 6, LOGIT),
    Case(probit, probit_gradient, 6, PROBIT), Case(poisson, poisson_gradient, 6, POISSON),
    Case(gaussian_mixture, gaussian_mixture_gradient, 9, GAUSSIAN_MIXTURE),
    Case(kalman_filter, kalman_filter_gradient, 4, KALMAN_FILTER),
    Case(lennard_jones, lennard_jones_gradient, 9, LENNARD_JONES),
    Case(spring_chain, spring_chain_gradient, 5, SPRING_CHAIN),
    Case(rigid_body, rigid_body_jacobian, 3, RIGID_BODY, "jacobian"),
    Case(heston, heston_gradient, 4, HESTON), Case(sabr, sabr_gradient, 4, SABR),
)  # fmt: skip


def planted(case: Case, mistake: str) -> Callable[[Any], Any]:
    """Return the gradient of `case` with a mistake in its source."""
    old, new = case.slips[mistake]
    source = inspect.getsource(case.df)
    if old not in source:
        raise ValueError(f"`mistake` must name a slip of {case.df.__name__}; {old!r} is not in its source.")
    scope = dict(globals())
    exec(compile(source.replace(old, new, 1), f"<{case.f.__name__}: {mistake}>", "exec"), scope)
    return scope[case.df.__name__]
