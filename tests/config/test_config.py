"""The config layer: check, hint, name, build."""

import pytest

from candlelab import config
from candlelab.config import ConfigError, compose, run_folder
from candlelab.core.errors import UserError

SMALL = ("model=fusion_small", "data/source=simulated")


def complaint(*overrides):
    with pytest.raises(ConfigError) as caught:
        compose(*overrides)
    return str(caught.value)


def test_an_unknown_option_names_the_nearest():
    assert "did you mean 'fusion'" in complaint("model=fusoin")


def test_an_unknown_setting_names_the_nearest():
    assert "did you mean 'data.window'" in complaint("data.windw=3")


def test_a_group_written_as_a_setting_is_explained():
    assert "write data/source=file" in complaint("data.source=file")


def test_a_wrong_type_says_what_is_expected():
    assert "expected a whole number" in complaint("data.window=abc")


def test_all_problems_are_reported_at_once():
    text = complaint("model=fusoin", "data.windw=3", "seed.x=1", "trainer.patience=often")
    assert all(word in text for word in ("fusoin", "windw", "seed.x", "patience")) and "4 problems" in text


def test_an_added_setting_at_the_root_is_refused():
    assert "surprise" in complaint("+surprise=1")


def test_a_foreign_target_is_refused():
    with pytest.raises(ConfigError, match="not a component"):
        config.locate("os.system")


def test_a_target_that_candlelab_only_imported_is_refused():
    with pytest.raises(ConfigError, match="defines no"):
        config.locate("candlelab.run.subprocess")


def test_what_cannot_change_the_fit_does_not_change_the_name():
    names = {
        config.signature(compose(*SMALL, *more))
        for more in ((), ("study=other",), ("trainer.devices=2",), ("evaluate.fee_bps=1",))
    }
    assert len(names) == 1


def test_what_changes_the_fit_changes_the_name():
    assert config.signature(compose(*SMALL)) != config.signature(compose(*SMALL, "seed=1"))


def test_latest_becomes_a_date_before_the_run_is_named():
    assert compose(*SMALL, "data.end=latest").data.end[:2] == "20"


def test_every_preset_composes():
    for group in ("model", "data", "render", "experiment"):
        for option in config.groups().get(group, {}):
            needed = ["data.source.path=bars.csv"] if group == "data" and option in ("own", "pictures") else []
            assert compose(f"{group}={option}", *needed).data


def test_annotations_are_checked_in_depth():
    assert config.fits([1, 2], list[int]) and not config.fits([1, "a"], list[int])
    assert config.fits(None, int | None) and not config.fits(True, int) and config.fits(1, float)


@pytest.mark.parametrize(
    ("words", "part", "told"),
    [
        (("data/split=walk_forward", "data.split.fold=7"), "data", "data.split.fold is 7 of 5 folds"),
        (("evaluate.fee_bps=-1",), "evaluate", "evaluate.fee_bps was -1;"),
        (("data/split=periods", "data.split.test_days=90"), "data", "data.split: a "),
    ],
)
def test_what_a_constructor_refuses_has_its_address_in_front(words, part, told):
    with pytest.raises(UserError, match=f"^{told}"):
        config.build(compose(*SMALL, *words), part, *[None] * (part == "data"))


@pytest.mark.parametrize(("interval", "end"), [("1h", "2026-03-01T12:00"), ("15m", "2026-03-01T12:15"), ("1d", "2026-03-01T00:00"),
                                               ("1w", "2026-02-23T00:00"), ("1mo", "2026-03-01T00:00")])  # fmt: skip
def test_latest_is_when_the_last_bar_closed_fixed_to_its_time(monkeypatch, interval, end):
    monkeypatch.setattr("time.time", lambda: 1_772_367_420.0)  # 2026-03-01 12:17 UTC, a Sunday
    cfg = compose("data.end=latest", f"data.interval={interval}")
    assert cfg.data.end == end and run_folder(cfg) == run_folder(
        compose(f"data.end='{end}'", f"data.interval={interval}")
    )


def test_the_command_alone_trains_a_small_model():
    assert compose().model.net.width < 100 and not compose().model.net.pretrained


def test_the_nine_backbones_stand_in_the_help_with_their_size():
    models = config.groups()["model"]
    sized = [
        name
        for name, text in models.items()
        if "M" in text and config.compose(f"model={name}", "pretrained=false").model.net.get("backbone")
    ]
    assert len(set(sized)) == 9 and compose("model=vit_base", "pretrained=false").data.batch_size == 16
