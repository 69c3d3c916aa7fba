"""A fusion that began with weights of a local folder is published whole, and comes back without them."""

import pytest
from pretrained_cases import published

pytestmark = pytest.mark.slow


def test_it_is_loaded_from_the_hub_in_an_empty_environment_and_says_the_same():
    _, _, sent, back = published()
    assert len(sent) > 20 and back == sent


def test_it_carries_its_vocabulary():
    assert b"candle" in published()[0].files("me/orphan", "model")["tokenizer.json"]


def test_no_published_file_names_the_folder_of_the_weights():
    hub, weights, *_ = published()
    named = [
        name for name, content in hub.files("me/orphan", "model").items() if str(weights.parent).encode() in content
    ]
    assert named == []
