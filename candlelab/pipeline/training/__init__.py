"""One training run from its check to its scores: fit, cost, instrument, ranks."""
