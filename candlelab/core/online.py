"""Whether the Hugging Face Hub can be asked at all, known within seconds: its own client retries for half a minute."""

from __future__ import annotations

import os

PATIENCE = 3.0  # seconds
HUB = "https://huggingface.co"


def told_offline() -> bool:
    """Return whether HF_HUB_OFFLINE forbids to ask."""
    return os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "TRUE", "YES", "ON")


def hub_silence(timeout: float = PATIENCE) -> str | None:
    """Return why the hub cannot be asked, in a few words; None if it answers, whatever it says."""
    import requests

    if told_offline():
        return "HF_HUB_OFFLINE is set"
    hub = os.environ.get("HF_ENDPOINT", HUB)
    try:
        requests.head(hub, timeout=timeout, allow_redirects=False)
    except requests.exceptions.RequestException:
        return f"{hub.split('://')[-1]} does not answer"
    return None
