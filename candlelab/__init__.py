"""candlelab: candles in, honest verdict out."""

__version__ = "0.1.0"


def __getattr__(name: str):
    if name == "load_run":
        from candlelab.pipeline.load import load_run
        return load_run
    raise AttributeError(f"module 'candlelab' has no attribute '{name}'")
