"""Answers of a finished run to people who ask it over HTTP: candles as csv, or a picture of a chart."""
