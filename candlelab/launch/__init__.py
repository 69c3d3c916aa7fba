"""Launchers and sweepers of Hydra: where the jobs of a sweep run, and which jobs a search asks for."""
