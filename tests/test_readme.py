"""What the README says can be done: every command is valid, every link leads somewhere, the quick commands run."""

import re
import shlex

import pytest
import tiny
from exchange_cases import COINS, hours, publish
from fake_hub import Hub
from loopback_exchange import Exchange

from candlelab.config import CONF
from candlelab.config.command_line import check_overrides, with_hydra

TEXT = (tiny.ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```\w*\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    line for block in BLOCKS for line in block.splitlines() if line.startswith(("python -m candlelab", "candlelab "))
]
TARGETS = sorted(
    set(re.findall(r"^make ([a-z-]+)", "\n".join(BLOCKS), re.MULTILINE) + re.findall(r"`make ([a-z-]+)`", TEXT))
)
CATALOGUE = (tiny.ROOT / "docs" / "backbones.md").read_text()
NINE = with_hydra(["sweep=nine_backbones"]).hydra.sweeper.params["model"].split(",")
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT)))


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    return words[words.index("candlelab") + 1 :]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_valid(line):
    words = [word for word in words_of(line) if word not in ("--cfg", "job", "-m")]
    assert check_overrides(words)


def test_the_line_for_cron_is_a_valid_command():
    (line,) = re.findall(r"^1 \* \* \* \*  (.*)$", TEXT, re.MULTILINE)
    assert check_overrides(words_of(line.split(" >> ")[0]))[0].task.max_stale == 0


@pytest.mark.parametrize("target", TARGETS)
def test_a_make_target_exists(target):
    assert re.search(rf"^{target}:", (tiny.ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_somewhere(link):
    assert link.startswith("https://") or (tiny.ROOT / link).exists()


NOT_TRAINED = ("task=", "--cfg", "experiment=")
FEW = (
    "data.start=2024-12-01",
    "data.max_samples=240",
    "trainer.max_epochs=1",
    "trainer.progress=none",
    "evaluate.n_bootstrap=20",
    "evaluate.n_permutations=20",
    "evaluate.threshold.n_bootstrap=5",
    "pretrained=false",
)
SMALL = {
    "model=fusion": (
        "model.net.width=24",
        "model.net.heads=2",
        "model.net.fusion_heads=2",
        "model.net.ffn_width=32",
        "model.net.image_layers=1",
        "model.net.caption_layers=1",
        "model.image_size=64",
    ),
    "model=fusion_small": (),
    "sweep=nine_backbones": ("data.max_samples=80",),  # LeViT takes charts of 224 pixels only
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A loopback exchange and hub, a finished run, and where outputs go."""
    folder = tmp_path_factory.mktemp("readme")
    hub = Hub()
    with Exchange() as exchange:
        for k, symbol in enumerate(COINS):
            publish(exchange, symbol, ("2024-12", "2025-01"), [], ("2025-01-01", "2025-01-02"), price=10.0 * 3**k)
        yield exchange, hub, tiny.trained(folder), folder
    hub.close()


def made_small(line, exchange, run, folder):
    """Return the words of a README command and what lets it end in seconds here: less data, a loopback exchange, a run's folder."""
    words = [word.replace("FOLDER", str(run)) for word in words_of(line)]
    added = [f"outputs={folder}", *([f"task.folder={folder}"] if "task=scaffold" in words else [])]
    if not any(word.startswith(NOT_TRAINED) for word in words):
        added += [*FEW, *(more for word in words for more in SMALL.get(word, ()))]
    if "data/source=file" in words or "data=own" in words:
        words = [
            f"data.source.path={bars_file(folder)}" if word.startswith("data.source.path=") else word for word in words
        ]
    elif "task=fetch" in words or "data.max_samples=240" in added:
        added += [f"data.source.{name}_url={exchange.url}" for name in ("archive", "listing", "rest")] + [
            "data.start=2024-12-01"
        ]
    last = {word.split("=")[0]: word for word in added}  # a setting once: what is said later holds
    return words if "--cfg" in words else words + list(last.values())


def bars_file(folder):
    path = folder / "BTCUSDT_1h.csv"
    rows = "".join(",".join(map(str, row[:6])) + "\n" for row in hours("2024-12-01", "2025-01-01", 100.0))
    path.write_text("open_time,open,high,low,close,volume\n" + rows)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_runs(line, place):
    exchange, hub, run, folder = place
    env = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": "hf_for_the_loopback_hub",
    }
    offline = "0" if "task.confirm=true" in line else "1"
    words = made_small(line, exchange, run, folder)
    done = tiny.command(*words, seconds=3600, WANDB_MODE="offline", HF_HUB_OFFLINE=offline, **env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    if "task.confirm=true" in line:
        assert hub.commits("you/net", "model") == 1


PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_of_the_readme_runs(code, tmp_path, monkeypatch):
    bars_file(tmp_path)
    code = code.replace("outputs/demo/…", str(tiny.trained(tmp_path)))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    if "load_run" not in code:
        return
    assert names["run"].metrics and names["chart"].shape
    assert len(names["store"]) == len(names["store"].index) > 600


@pytest.mark.parametrize("name", NINE)
def test_the_catalogue_of_backbones_says_what_their_recipes_say(name):
    (row,) = [line for line in CATALOGUE.splitlines() if line.startswith(f"| `{name}` ")]
    _, kind, parameters, batch, _ = (cell.strip() for cell in row.strip("|").split("|"))
    recipe = (CONF / "model" / f"{name}.yaml").read_text()
    assert f", {kind}, {parameters}" in recipe.splitlines()[0] and f"batch_size: {batch}\n" in recipe


def test_the_first_command_starts_a_small_net_from_random_weights():
    from candlelab.config import build, compose
    from candlelab.pipeline.training.estimate import random_net

    cfg = compose()
    data = build(cfg, "data", build(cfg, "render"))
    assert not cfg.model.net.pretrained and sum(p.numel() for p in random_net(cfg, data.shapes).parameters()) < 1e6


def test_the_nine_are_compared_on_a_thousand_charts():
    assert with_hydra(["sweep=nine_backbones"]).data.max_samples == 1000
