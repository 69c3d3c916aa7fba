"""A whole run on mapped bars says what the run in memory says."""

import pytest
import tiny

from candlelab.config import build, compose, run_folder


@pytest.mark.parametrize("words", [(), pytest.param(("evaluate.sealed=true",), marks=pytest.mark.slow)])
def test_a_run_on_mapped_bars_is_the_run_in_memory(tmp_path, words):
    runs = {}
    for memory in ("ram", "mapped"):
        cfg = compose(*tiny.LOGISTIC, f"outputs={tmp_path / memory}", "trainer=cpu", f"data.memory={memory}", *words)
        build(cfg, "task", cfg)
        runs[memory] = run_folder(cfg)
    assert runs["ram"].name == runs["mapped"].name
    for name in ("model.safetensors", "predictions.parquet"):
        one, two = (folder / name for folder in runs.values())
        assert one.exists() == two.exists() and (not one.exists() or one.read_bytes() == two.read_bytes())
    assert not list((tmp_path / "mapped").glob("cache/mapped/*"))
