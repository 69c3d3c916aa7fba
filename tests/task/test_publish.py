"""Publishing to a loopback hub: one commit whatever happens, and everything comes back."""

import json
import shlex

import hub_cases
import pytest
import yaml

from candlelab import load_run
from candlelab.config import ConfigError, build, compose
from candlelab.config.command_line import check_overrides
from candlelab.export import hub

COMMITS = {
    "plain": 1,
    "busy": 1,
    "conflict": 1,
    "moved": 1,
    "lost": 1,
    "unheard": 1,
    "slow": 1,
    "login": 0,
    "down": 0,
    "half": 1,
    "refused": 0,
}
PIPELINES = {"image-classification", "time-series-forecasting"}  # of those the hub knows
MODEL_FIELDS = {"license", "license_name", "library_name", "pipeline_tag", "tags", "metrics", "model-index"}
DATA_FIELDS = {
    "license",
    "license_name",
    "license_link",
    "pretty_name",
    "language",
    "task_categories",
    "tags",
    "size_categories",
    "configs",
    "dataset_info",
    "viewer",
}


def card(repo, kind):
    text = hub_cases.published()[0].files(repo, kind)["README.md"].decode()
    return yaml.safe_load(text.split("---")[1]), text


@pytest.mark.parametrize("case", COMMITS)
def test_there_is_exactly_one_commit_or_none(case):
    assert hub_cases.sent()[0].commits(f"me/{case}", "model") == COMMITS[case]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("busy", "slow down (429)"),
        ("conflict", "came in between (409)"),
        ("moved", "came in between (412)"),
        ("lost", "no answer"),
        ("unheard", "no answer"),
        ("slow", "no answer"),
    ],
)
def test_a_passing_failure_is_told_in_one_sentence(case, words):
    said = hub_cases.sent()[1][case]["said"]
    assert words in said[0] and "\n" not in said[0] and said[0].endswith("trying again in 0 s")


def test_what_arrived_without_an_answer_is_noticed():
    assert hub_cases.sent()[1]["slow"]["said"][1] == "me/slow already holds these files: nothing was sent"


def test_sending_the_same_again_sends_nothing():
    assert "already holds these files" in hub_cases.sent()[1]["plain again"]["said"][-1]


def test_a_refused_login_says_what_to_set():
    end = hub_cases.sent()[1]["login"]["end"]
    assert end.startswith("UserError: the hub refused the login for me/login (401): set HF_TOKEN") and "\n" not in end


def test_a_hub_that_stays_down_ends_with_one_sentence():
    assert hub_cases.sent()[1]["down"]["end"] == (
        "HubTrouble: the hub has trouble (503), 4 times: nothing is doubled, so repeat the same command later"
    )


def test_after_a_half_way_failure_the_same_command_completes():
    told = hub_cases.sent()[1]
    assert told["half"]["end"].startswith("HubTrouble") and len(told["half again"]["end"]) == 40


@pytest.mark.slow
@pytest.mark.parametrize(("repo", "kind"), [("me/charts", "dataset"), ("me/net", "model"), ("me/recipe", "dataset")])
def test_only_the_confirmed_command_sends_and_it_sends_once(repo, kind):
    there = hub_cases.published()[0]
    assert there.commits(repo, kind) == 1 and there.repos[kind, repo]["private"]


@pytest.mark.slow
def test_the_dry_run_shows_every_file_with_its_hash():
    there, _, _, printed = hub_cases.published()
    blobs = {name: oid for name, (_, oid) in there.repos["model", "me/net"]["files"].items() if oid}
    assert (
        blobs
        and all(f"{oid}  {name}" in printed for name, oid in blobs.items())
        and "nothing was sent; repeat with" in printed
    )


@pytest.mark.slow
def test_a_published_model_predicts_the_same():
    assert hub_cases.published()[2]["same predictions"]


@pytest.mark.slow
def test_a_published_data_set_loads_with_its_splits_in_time_order():
    found = hub_cases.published()[2]
    assert (
        list(found["parts"]) == ["train", "validation", "test"]
        and found["ordered"]
        and found["apart"]
        and found["labels"]
    )
    assert found["features"]["label"] == "ClassLabel(names=['down', 'up'])" and found["features"]["image"].startswith(
        "Image("
    )


@pytest.mark.slow
@pytest.mark.parametrize("repo", ["net", "charts"])
def test_the_code_in_a_card_runs(repo):
    assert f"snippet of {repo} ran" in hub_cases.published()[3]


@pytest.mark.slow
@pytest.mark.parametrize(("repo", "kind"), [("me/charts", "dataset"), ("me/net", "model"), ("me/recipe", "dataset")])
def test_the_commands_in_a_card_are_valid(repo, kind):
    lines = [line for line in card(repo, kind)[1].splitlines() if line.startswith("python -m candlelab")]
    assert lines and all(check_overrides(shlex.split(line)[3:]) for line in lines)


@pytest.mark.slow
def test_published_bars_are_the_same_tape():
    assert hub_cases.published()[2]["tape"]


@pytest.mark.slow
def test_published_charts_are_read_back_as_labelled_pictures():
    found = hub_cases.published()[2]
    pictures = found["pictures"]
    assert pictures["parts"] == found["parts"] and pictures["classes"] == ["down", "up"]
    assert pictures["times"] and pictures["texts"] and pictures["returns"]


@pytest.mark.slow
def test_a_model_carries_its_onnx_files_and_no_checkpoint():
    names = set(hub_cases.published()[0].files("me/net", "model"))
    assert {"export/model.onnx", "export/candles_to_signal.onnx", "threshold.json"} <= names and not [
        n for n in names if n.endswith(".ckpt")
    ]


@pytest.mark.slow
def test_a_recipe_holds_hashes_and_no_prices():
    files = hub_cases.published()[0].files("me/recipe", "dataset")
    recipe = json.loads(files["recipe.json"])
    assert set(files) == {"README.md", "recipe.json"} and set(recipe["parts"]["test"]) == {"samples", "sha256"}
    assert str(hub_cases.published()[2]["closes"][0]).encode() not in files["recipe.json"]


@pytest.mark.slow
def test_the_model_card_is_what_the_hub_expects():
    metadata, _ = card("me/net", "model")
    assert set(metadata) <= MODEL_FIELDS and metadata["pipeline_tag"] in PIPELINES
    from huggingface_hub import ModelCardData

    results = ModelCardData(
        **{k.replace("-", "_"): v for k, v in metadata.items() if k != "model-index"}, model_name="x", eval_results=[]
    )
    assert results.library_name == "candlelab"
    assert all(
        m["type"] and isinstance(m["value"], float) for r in metadata["model-index"][0]["results"] for m in r["metrics"]
    )


@pytest.mark.slow
def test_the_model_card_can_be_read_back_by_the_hubs_own_reader():
    from huggingface_hub import ModelCard

    data = ModelCard(card("me/net", "model")[1], ignore_metadata_errors=False).data
    assert data.eval_results and data.eval_results[0].task_type == "image-classification"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["Not financial advice", "Verdict", "What it is not for", "How to load it", "Information beyond chance?"]
)
def test_the_model_card_says(words):
    assert words in card("me/net", "model")[1]


@pytest.mark.slow
@pytest.mark.parametrize("repo", ["me/charts", "me/recipe"])
def test_the_data_card_is_what_the_hub_expects(repo):
    metadata, text = card(repo, "dataset")
    assert (
        set(metadata) <= DATA_FIELDS
        and set(metadata["task_categories"]) <= PIPELINES
        and "Where the prices come from" in text
    )


@pytest.mark.slow
def test_nothing_of_this_machine_is_published():
    there, outputs, _, _ = hub_cases.published()
    assert not [
        n
        for n, content in there.files("me/net", "model").items()
        if str(outputs).encode() in content and not n.endswith(".onnx")
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task.what=model"], "task.what=model needs a finished run: give task.run=FOLDER"),
        (["task.confirm=true"], "task.confirm=true needs a place to send to"),
        (["task.repo=nobody"], "task.repo is 'nobody': give it as user/name"),
        (["task.timeout=0"], "a timeout above 0"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_is_made(words, sentence, tmp_path):
    cfg = compose("experiment=smoke", "task=publish", f"outputs={tmp_path}/out", *words)
    with pytest.raises(ConfigError, match=sentence):
        build(cfg, "task", cfg)
    assert not (tmp_path / "out").exists()


def test_an_offline_machine_is_told_so(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match="HF_HUB_OFFLINE is set, so nothing can be sent"):
        hub.client(1.0)


def test_an_unknown_published_run_is_one_sentence():
    with pytest.raises(hub.HubTrouble, match="no run in the folder 'nobody/nothing', the hub cannot be reached"):
        load_run("nobody/nothing")
