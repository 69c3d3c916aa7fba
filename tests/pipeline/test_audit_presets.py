"""The pipeline of every shipped experiment is clean, at a small size and on a simulated market."""

from pathlib import Path

import pytest

from candlelab.config import compose
from candlelab.pipeline.audits.pipelines import audit_pipeline

PRESETS = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "conf" / "experiment").glob("*.yaml"))
OWN_MARKET = {"cryptoai_patterns": "samples=300", "patterns": "samples=300", "demo": "bars=1200"}
MARKET = (
    "data/source=simulated",
    "data.source.bars=1200",
    "data/split=chronological",
    "data.start=null",
    "data.end=null",
)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_pipeline_of_a_preset_is_clean(preset):
    small = (f"data.source.{OWN_MARKET[preset]}",) if preset in OWN_MARKET else MARKET
    made = audit_pipeline(compose(f"experiment={preset}", *small))
    assert made.leaks == () and made.doubts == () and "look-ahead" in made.clean
