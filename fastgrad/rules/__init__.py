"""Difference rules as values: stencils and their weights, the complex step, and how callers name a rule.

Imports `adaptive_rule` for the names of rules. Begin reading in `stencils`.
"""
