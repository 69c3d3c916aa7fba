"""Splits in calendar time: training, validation and test, purged."""
