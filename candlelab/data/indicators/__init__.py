"""Per-bar numbers for sequence models: one file per set, all look back only.

Every set has `names`, `warmup` (bars of a segment that come before its first number) and is called with the tape:
(N, F) float64, NaN in warm-up rows.
"""
