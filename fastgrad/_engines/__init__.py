"""Elementwise functions and rules, brought together: compiled, called with arrays, called point by point."""
