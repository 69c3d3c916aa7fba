"""Settings of the whole suite: no network, quiet loggers, few threads; the real data where they lie beside the checkout."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real bars beside the checkout; tests that need it are skipped where it is absent."""
    path = ROOT.parent / "shared" / "data" / "ohlcv"
    if not path.is_dir():
        pytest.skip("the real bars in ../shared/data/ohlcv are not here")
    return path


@pytest.fixture(autouse=True)
def no_command_before() -> None:
    """Forget what an earlier test of this process gave on a command line: `overridden()` would take it for this one's."""
    from hydra.core.hydra_config import HydraConfig

    HydraConfig.instance().cfg = None
