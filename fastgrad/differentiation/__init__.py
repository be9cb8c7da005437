"""Derivatives of functions: `derivative`, `gradient`, `jacobian`, `hessian`, `directional`, sparsity, error bounds.

Imports `evaluation`, `rules` and what is below them. Begin reading in `derivatives`.
"""
