"""What a loopback hub is asked: run in a process of its own, because the hub's client reads its environment at import."""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import tiny
from fake_hub import Hub

CANARIES = {
    "HF_TOKEN": "hf_CanaryForTheHub+/4711zzzzyx",
    "WANDB_API_KEY": "c0ffee4711c0ffee4711c0ffee4711c0ffee4711",
    "BINANCE_API_KEY": "CanaryOfTheExchange/0815=abc",
    "BINANCE_API_SECRET": "SecretCanaryOfTheExchange+2342",
}
FAILURES = {
    "plain": [],
    "busy": [429],
    "conflict": [409],
    "moved": [412],
    "lost": ["lost"],
    "unheard": ["unheard"],
    "slow": ["slow"],
    "login": [401],
    "down": [503] * 4,
    "half": [500] * 4,
    "refused": [400],
}


def in_a_process(code: str, hub: Hub, home: Path, *words: str) -> subprocess.CompletedProcess:
    """Run a script of this folder's modules against the hub."""
    env = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE",)} | CANARIES
    env |= {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "WANDB_MODE": "offline",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PYTHONPATH": str(tiny.ROOT / "tests"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tiny.ROOT, env=env, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def temporary_folder() -> Path:
    """Return a new folder that goes when the tests end."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def sent() -> tuple[Hub, dict]:
    """Send two files under every kind of failure; return the hub and {case: {"said": [...], "end": sentence}}."""
    hub, here = Hub(), temporary_folder()
    hub.failures = {f"me/{name}": list(planned) for name, planned in FAILURES.items()}
    (here / "README.md").write_text("# a card\n")
    (here / "model.safetensors").write_bytes(b"weights")
    code = "import hub_cases; hub_cases.send_all()"
    return hub, json.loads(in_a_process(code, hub, here / "home", str(here)).stdout.splitlines()[-1])


def send_all() -> None:
    """In the other process: send under every failure and print what was said."""
    from candlelab.export.hub import Courier, Parcel

    here = Path(sys.argv[1])
    parcel = Parcel("model", {name: here / name for name in ("README.md", "model.safetensors")})
    told = {}
    for name in FAILURES:
        said: list[str] = []
        courier = Courier(
            retries=3, backoff=0.0, timeout=1.0 if name == "slow" else 30.0, say=said.append, sleep=lambda seconds: None
        )
        told[name] = {"said": said, "end": _end(courier, parcel, f"me/{name}")}
        if name in ("plain", "half"):
            told[f"{name} again"] = {"said": said, "end": _end(courier, parcel, f"me/{name}")}
    print(json.dumps(told))


def _end(courier, parcel, repo: str) -> str:
    try:
        return courier.send(parcel, repo, private=True, message="a test")
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"


@cache
def published() -> tuple[Hub, Path, dict, str]:
    """Train, export, publish and read back; return the hub, the outputs folder, what was found, and everything printed."""
    hub, here = Hub(), temporary_folder()
    done = in_a_process("import hub_cases; hub_cases.publish_all()", hub, here / "home", str(here))
    return hub, here / "outputs", json.loads((here / "found.json").read_text()), done.stdout + done.stderr


def found_there(run, back, charts, bars) -> dict:
    """What came back from the hub, beside what was sent."""
    return {
        "same predictions": _said(back) == _said(run) and back.predictions.equals(run.predictions),
        "parts": {name: len(part) for name, part in charts.items()},
        "features": {k: str(v) for k, v in charts["train"].features.items()},
        "ordered": all(part["time"] == sorted(part["time"]) for part in charts.values()),
        "apart": max(charts["train"]["time"])
        < min(charts["validation"]["time"])
        <= max(charts["validation"]["time"])
        < min(charts["test"]["time"]),
        "picture": list(charts["train"][0]["image"].size),
        "caption": charts["train"][0]["caption"],
        "labels": charts["test"]["label"] == run.predictions.query("model == 'net' and split == 'test'").label.tolist(),
        "closes": [r["next_close"] for r in charts["train"].select(range(2))],
        "tape": bars == run.preprocessing["data_hash"],
        "pictures": _pictures(),
    }


def publish_all() -> None:
    """In the other process: the whole way there and back."""
    import datasets

    from candlelab import load_run
    from candlelab.config import build, compose

    here = Path(sys.argv[1])
    out = here / "outputs"

    def task(*words):
        cfg = compose(*tiny.TINY, f"outputs={out}", *words)
        return build(cfg, "task", cfg)

    run = load_run(
        tiny.trained(out, "trainer/logger=wandb", "trainer.logger.system_seconds=0.2", "render=candles_grey")
    )
    task("task=export", f"task.run={run.folder}", "task.n_calls=5", "task.int8=false")
    for words in (
        ["what=dataset", "repo=me/charts"],
        ["what=model", "repo=me/net", f"run={run.folder}"],
        ["what=recipe", "repo=me/recipe"],
    ):
        task("task=publish", *(f"task.{word}" for word in words))
        task("task=publish", "task.confirm=true", *(f"task.{word}" for word in words))
    found = found_there(run, load_run("me/net"), datasets.load_dataset("me/charts"), task_data(compose, build, out))
    for repo in ("net", "charts"):
        card = (out / "publish" / f"me--{repo}" / "files" / "README.md").read_text()
        for snippet in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
            exec(compile(snippet, f"the card of {repo}", "exec"), {})
            print(f"snippet of {repo} ran")
    (here / "found.json").write_text(json.dumps(found))


def task_data(compose, build, out: Path) -> str:
    """Return the fingerprint of the published bars, read by data/source=huggingface under the same settings."""
    cfg = compose(*tiny.TINY, f"outputs={out}", "render=candles_grey")
    cfg.data.source = compose("data/source=huggingface", "data.source.repo=me/charts").data.source
    return build(cfg, "data", build(cfg, "render")).fingerprint


def _pictures() -> dict:
    """Return what data/source=images finds in the published charts."""
    from candlelab.data.source.images import Images

    found = Images(path="me/charts", revision="main", timeout=3.0).pictures
    names = ("train", "validation", "test")
    return {
        "parts": {name: int((found.part == k).sum()) for k, name in enumerate(names)},
        "classes": list(found.classes),
        "times": found.time is not None,
        "texts": found.text is not None,
        "returns": bool((found.forward_return == found.forward_return).any()),
    }


def _said(run) -> list:
    from candlelab.pipeline.scores.predictions import net_rows

    return net_rows(tiny.learner_of(run), run.data, error=None)["test"][0].tolist()
