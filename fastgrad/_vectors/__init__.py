"""Functions of a vector: how they are called, and what is asked of them."""
