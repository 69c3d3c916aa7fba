"""Predictions of a run and what they are worth: scores, what-if scores, trust."""
