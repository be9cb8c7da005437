"""Tables, plots and pages made of results: terminal, Markdown and HTML from one model.

Computes no derivatives itself. Begin reading in `model`, then `tables`.
"""
