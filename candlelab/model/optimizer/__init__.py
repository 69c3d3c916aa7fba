"""Optimizers with their learning-rate schedule."""
