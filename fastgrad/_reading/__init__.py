"""The caller's functions, read before they are run: what they refer to, and what they write to."""
