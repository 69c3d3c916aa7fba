"""Canaries in the environment never reach a file, a log, a card or the hub: plain, base64 or URL-encoded."""

import base64
import re
import urllib.parse

import hub_cases
import pytest

from candlelab.export.secrets import forms, refuse_secrets, secrets


def canary_in(content: bytes) -> str | None:
    return next(
        (name for name, value in hub_cases.CANARIES.items() if any(form in content for form in forms(value))), None
    )


@pytest.mark.slow
def test_no_canary_in_any_file_of_the_outputs():
    files = [path for path in hub_cases.published()[1].rglob("*") if path.is_file()]
    assert len(files) > 50 and [path.name for path in files if canary_in(path.read_bytes())] == []


@pytest.mark.slow
def test_no_canary_in_what_was_printed():
    assert canary_in(hub_cases.published()[3].encode()) is None


@pytest.mark.slow
def test_no_canary_in_what_was_sent():
    bodies = hub_cases.published()[0].bodies
    assert len(bodies) > 20 and [body[:80] for body in bodies if canary_in(body)] == []


@pytest.mark.slow
def test_no_canary_in_the_files_of_the_hub():
    hub = hub_cases.published()[0]
    blobs = [content for repo in hub.repos.values() for content, _ in repo["files"].values()]
    assert blobs and [blob[:80] for blob in blobs if canary_in(blob)] == []


@pytest.mark.parametrize("offset", range(3))
def test_a_secret_is_found_in_base64_at_any_offset(offset):
    value = "a-secret-of-this-test"
    code = base64.b64encode(b"x" * offset + value.encode() + b"and more")
    assert any(form in code for form in forms(value))


def test_a_secret_is_found_url_encoded():
    value = "with/slash+and=more"
    assert urllib.parse.quote(value, safe="").encode() in forms(value)


def test_a_file_with_a_secret_is_refused_without_telling_it(tmp_path):
    (tmp_path / "card.md").write_text("token: hf_this_is_a_secret")
    with pytest.raises(ValueError, match=r"'card.md' holds the value of HF_TOKEN, a secret") as told:
        refuse_secrets([tmp_path / "card.md"], {"HF_TOKEN": "hf_this_is_a_secret"})
    assert "hf_this" not in str(told.value)


def test_secret_variables_are_known_by_name(monkeypatch):
    for name in ("HF_TOKEN", "WANDB_API_KEY", "BINANCE_API_SECRET", "BINANCE_API_KEY"):
        monkeypatch.setenv(name, "0123456789abcdef")
    assert {"HF_TOKEN", "WANDB_API_KEY", "BINANCE_API_SECRET", "BINANCE_API_KEY"} <= set(secrets())


def test_no_setting_of_any_component_is_a_secret():
    from candlelab.config import CONF

    keys = [
        (path.name, key)
        for path in CONF.rglob("*.yaml")
        for key in re.findall(r"^\s*(\w+):", path.read_text(), re.MULTILINE)
    ]
    assert [
        k for k in keys if re.search(r"^(token|api_key|apikey|secret|password)$|_token$|_secret$", k[1], re.IGNORECASE)
    ] == []
