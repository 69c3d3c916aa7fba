"""The loopback exchange that tests of readers ask."""

import pytest
from binance_cases import publish_day
from loopback_exchange import Exchange


@pytest.fixture
def exchange():
    """Three days of hours as daily zips."""
    with Exchange() as made:
        for date in ("2024-01-01", "2024-01-02", "2024-01-03"):
            publish_day(made, date)
        yield made
