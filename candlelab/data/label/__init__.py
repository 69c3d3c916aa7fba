"""Label rules: the one room that is allowed to look forward."""
