from candlelab.core.lean_imports import lean_torchmetrics

with lean_torchmetrics():
    import pytorch_lightning  # noqa: F401 - before any file of this room does
