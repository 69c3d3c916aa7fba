"""Losses: (output, batch) to a dictionary with `loss` and its terms."""
