"""Values of a caller's function at many points: compiled, traced, called with blocks or called point by point.

Imports `compilation`, `tracing` and `rules`. Begin reading in `functions` (elementwise) and `vector_functions`.
"""
