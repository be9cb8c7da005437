"""Tables, plots and pages out of the results of `accuracy`; nothing here computes anything."""
