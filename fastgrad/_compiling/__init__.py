"""From functions to machine code, and from machine code to NumPy's ufuncs."""
