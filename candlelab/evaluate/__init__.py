"""Predictions in, an honest verdict out: pure functions on arrays, no torch."""
