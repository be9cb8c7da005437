"""Values of a caller's function at many points: compiled, traced, called with blocks or called point by point.

Imports `compilation` and `tracing`; it knows no rules. Begin reading in `protocol`, then `functions` (elementwise) and
`vector_functions`.
"""
