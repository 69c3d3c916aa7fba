"""candlelab: candles in, honest verdict out."""

__version__ = "0.2.0"


def __getattr__(name: str):
    if name == "load_run":
        from candlelab.pipeline.load import load_run

        return load_run
    if name == "open_store":
        from candlelab.render.storage.store import open_store

        return open_store
    if name == "store":
        from candlelab.pipeline.stores import store

        return store
    if name == "audit":
        from importlib import import_module

        return import_module("candlelab.audit")
    raise AttributeError(f"module 'candlelab' has no attribute '{name}'")
