"""The data sets of CandleFusion, HF Benchmark and CryptoAI Patterns are refused as forecasts, with the reason."""

import pytest
from zoo import titled
from zoo.published import PUBLISHED


@pytest.mark.slow
@pytest.mark.parametrize("leak", titled(PUBLISHED))
def test_a_published_set_is_refused_with_its_reason(leak, tmp_path):
    made = leak.audit(tmp_path)
    assert made.verdict.startswith("this data set cannot support a forecast claim")
    assert any(each.name == leak.name and leak.place in each.place for each in made.leaks), made.leaks
