"""Containers of arrays: each kind has one module, which takes its arrays out, does the call and puts the results back.

Imports `arguments` and `array_kinds` only. Begin reading in `registry`. A new kind is a module here with a function
``apply(call, operands)``, and one line in the table `CONTAINERS` of `array_kinds`; `polars` is a short example.
"""
