"""Audits of pipelines, data sets, runs and thresholds."""
