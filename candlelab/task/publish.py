"""Send a data set, a model or only a recipe to the Hugging Face Hub; a dry run shows every file first."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Literal

from omegaconf import DictConfig

from candlelab import __version__
from candlelab import run as runs
from candlelab.config import ConfigError, build
from candlelab.core.errors import UserError
from candlelab.core.reading import text_of
from candlelab.core.terminal import visible
from candlelab.export import cards
from candlelab.export.hub import Courier, Parcel
from candlelab.export.rule import check_exports
from candlelab.export.secrets import refuse_secrets, secrets
from candlelab.pipeline import published
from candlelab.pipeline.inputs.assemble import read_from_store
from candlelab.pipeline.load import load_or_download

README = "README.md"
PART = r"[A-Za-z0-9](?:\w|-(?!-)|\.(?!\.)){0,94}(?<![.-])"  # as the hub takes names: no dot or dash at either end, none twice
NAME = re.compile(f"{PART}/{PART}", re.ASCII)


def publish(
    cfg: DictConfig,
    *,
    what: Literal["dataset", "model", "recipe", "space"],
    run: str | None,
    repo: str | None,
    confirm: bool,
    private: bool,
    bars: bool,
    rows_per_file: int,
    message: str | None,
    retries: int,
    wait: float,
    timeout: float,
) -> Parcel:
    """Print every file with size and hash and the card; send them as one commit if confirmed.

    run            of a model or a Space: its folder.
    repo           user/name on the hub; needed to send.
    bars           whether a data set carries its bars too.
    rows_per_file  charts per Parquet file.
    Raises ValueError for what the user must change, HubTrouble if the hub does not take the files.
    """
    _check_settings(what, run, repo, confirm, rows_per_file, retries, wait, timeout)
    folder = Path(cfg.outputs) / "publish" / (repo or f"you/{what}").replace("/", "--") / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = repo or "you/name"
    if what in ("model", "space"):
        assert run is not None, "asked for above"
        parcel = run_parcel(what, load_or_download(run), folder, name)
    elif what == "dataset":
        parcel = dataset_parcel(cfg, folder, name, bars, rows_per_file)
    else:
        parcel = recipe_parcel(cfg, folder, name)
    try:
        refuse_secrets(parcel.files.values(), secrets())
    except UserError:
        shutil.rmtree(folder.parent, ignore_errors=True)  # nothing with a secret stays behind
        raise
    print_parcel(parcel, name, private)
    if not confirm:
        print(
            "\nnothing was sent; repeat with task.confirm=true task.repo=user/name to send it as one commit", flush=True
        )
        return parcel
    commit = Courier(retries, wait, timeout).send(
        parcel, name, private=private, message=message or f"Publish a {what} of candlelab"
    )
    print(f"\npublished {repo}, commit {commit[:12]}", flush=True)
    return parcel


def run_parcel(what: str, run: runs.Run, folder: Path, repo: str) -> Parcel:
    """Return the files of a finished run as a model, or of a Space that serves it."""
    return model_parcel(run, folder, repo) if what == "model" else space_parcel(run, folder)


def model_parcel(run: runs.Run, folder: Path, repo: str) -> Parcel:
    """Return the files of a finished run: weights, config, preprocessing, threshold, results, exports, card."""
    files = published.run_files(run, folder)
    exports = [name for name in files if name.endswith(".onnx")]
    check_exports(run, [files[name] for name in exports])
    passport = text_of(files[runs.PASSPORT]) if runs.PASSPORT in files else ""
    told = cards.model_card(run, repo=repo, exports=exports, command=published.command_of(run), passport=passport)
    runs.write_text(folder / README, told)
    return Parcel("model", files | {README: folder / README})


def space_parcel(run: runs.Run, folder: Path) -> Parcel:
    """Return the files of a Space that serves a run: README.md with its settings, app.py, requirements.txt and the run in run/."""
    templates = Path(cards.__file__).parent / "templates"
    files = published.run_files(run, folder / "run")
    check_exports(run, [path for name, path in files.items() if name.endswith(".onnx")])
    runs.write_text(folder / README, cards.space_card(run))
    runs.write_text(folder / "app.py", text_of(templates / "space_app.py.txt"))
    runs.write_text(folder / "requirements.txt", f"candlelab[demo,explain,onnx,train]=={__version__}\n")
    own = {name: folder / name for name in (README, "app.py", "requirements.txt")}
    return Parcel("space", own | {f"run/{name}": path for name, path in files.items()})


def dataset_parcel(cfg: DictConfig, folder: Path, repo: str, bars: bool, rows_per_file: int) -> Parcel:
    """Return charts, captions, labels and prices as Parquet files, one set per part of the split, and the card."""
    data = read_from_store(published_data(cfg), Path(cfg.outputs))
    sizes = published.write_charts(data, folder / "data", rows_per_file)
    if bars:
        published.write_bars(data, folder / "bars")
    assert data.renderer is not None, "a published data set has charts"
    style = cfg.render["_target_"].rsplit(".", 1)[-1]
    runs.write_text(
        folder / README,
        cards.dataset_card(
            data.describe(),
            repo=repo,
            cfg=cfg,
            shape=data.renderer.shape,
            style=style,
            command=command(),
            sizes=sizes,
            bars=bars,
        ),
    )
    return Parcel("dataset", files_below(folder))


def recipe_parcel(cfg: DictConfig, folder: Path, repo: str) -> Parcel:
    """Return the recipe of a data set and its card: hashes and the command, no prices."""
    data = published_data(cfg)
    runs.write_json(folder / "recipe.json", published.recipe(cfg, data, command()))
    runs.write_text(folder / README, cards.recipe_card(data.describe(), repo=repo, cfg=cfg, command=command()))
    return Parcel("dataset", files_below(folder))


def published_data(cfg: DictConfig):
    """Return the data set of the command; raises ConfigError where nothing draws it."""
    if not cfg.get("render"):
        raise ConfigError("a data set of charts needs a chart style: choose render=candles, or another")
    return build(cfg, "data", build(cfg, "render"))


def files_below(folder: Path) -> dict[str, Path]:
    """Return {relative path: file} of everything in a folder."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def command() -> str:
    """Return the command that makes the data, without what concerns only the sending."""
    from hydra.core.hydra_config import HydraConfig

    words = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    kept = [word for word in published.portable_words(words) if not word.startswith("task")]
    return " ".join(["python -m candlelab task=publish task.what=dataset", *map(shlex.quote, kept)])


def print_parcel(parcel: Parcel, repo: str, private: bool) -> None:
    """Print every file with size and hash, then the card."""
    listing = parcel.listing()
    print(
        f"{parcel.kind} {repo} ({'private' if private else 'public'}), {len(listing)} files, {sum(s for _, s, _ in listing) / 1e6:.2f} MB"
    )
    for name, size, digest in listing:
        print(f"  {size:>12,}  {digest}  {name}")
    print("\n" + visible(parcel.files[README].read_text(encoding="utf-8")), flush=True)


def _check_settings(
    what: str,
    run: str | None,
    repo: str | None,
    confirm: bool,
    rows_per_file: int,
    retries: int,
    wait: float,
    timeout: float,
) -> None:
    if rows_per_file < 1 or retries < 0 or wait < 0 or timeout <= 0:
        raise ConfigError(
            f"task.rows_per_file is {rows_per_file}, retries {retries}, wait {wait}, timeout {timeout}: give at least 1 row, 0 "
            "retries, 0 s and a timeout above 0"
        )
    if what in ("model", "space") and run is None:
        raise ConfigError(f"task.what={what} needs a finished run: give task.run=FOLDER")
    if confirm and repo is None:
        raise ConfigError("task.confirm=true needs a place to send to: give task.repo=user/name")
    if repo is not None and not NAME.fullmatch(repo):
        raise ConfigError(f"task.repo is '{repo}': give it as user/name, of letters, digits, dots and dashes")
