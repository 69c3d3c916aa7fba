"""One Weights & Biases run per training run: metrics while it trains, curves, tables and artifacts when it ends."""

from __future__ import annotations

import importlib.util
import netrc
import os
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from candlelab.core import run_files as names
from candlelab.core.errors import UserError
from candlelab.core.files import write_text
from candlelab.trainer.logger.guarded import Metrics
from candlelab.trainer.logger.results import RunSummary, config_of, heat_map, rgb_of

if TYPE_CHECKING:
    import wandb

ARTIFACTS = {  # kind: files of the run folder
    "data": (names.DATA,),
    "model": (names.WEIGHTS, names.CONFIG, names.PREPROCESSING, names.THRESHOLD),
    "export": tuple(f"{names.EXPORTS}/*.{kind}" for kind in ("onnx", "json", "md")),
    "predictions": (names.PREDICTIONS, names.TRADES),
    "report": (names.REPORT, names.METRICS, names.VERDICT),
}


class WandbLog:
    """Write to Weights & Biases: one run per training run, its group the study, its files in the run folder.

    project, entity  where runs go; entity null: your own.
    mode             auto: online if logged in (WANDB_API_KEY or `wandb login`), else offline; it never asks. WANDB_MODE wins.
    tags             beside those made of data, model and label.
    rows             of the table of predictions; those with a chart thumbnail come first.
    system_seconds   between measurements of processor, memory and GPU.
    timeout          seconds W&B has to begin, and again to finish.
    Raises UserError for settings out of range, or if wandb is not installed.
    """

    project: str
    entity: str | None
    tags: list[str]
    rows: int
    system_seconds: float
    timeout: float
    artifacts: bool

    def __init__(
        self,
        *,
        project: str,
        entity: str | None,
        mode: Literal["auto", "online", "offline", "disabled"],
        tags: list[str],
        rows: int,
        system_seconds: float,
        timeout: float,
        artifacts: bool,
    ):
        if rows < 0 or system_seconds <= 0 or timeout <= 0:
            raise UserError(
                f"rows is {rows}, system_seconds {system_seconds}, timeout {timeout}: give 0 or more rows and "
                "times above 0"
            )
        if importlib.util.find_spec("wandb") is None:
            raise UserError(
                "trainer/logger=wandb needs wandb: pip install candlelab[wandb], or choose trainer/logger=csv"
            )
        self.project, self.entity, self.mode, self.tags = project, entity, mode, list(tags)
        self.rows, self.system_seconds, self.timeout, self.artifacts = rows, system_seconds, timeout, artifacts
        self.run: wandb.Run | None = None

    def open(self, folder: Path) -> None:
        """Begin the W&B run of a folder; offline if the server cannot be reached."""
        mode = os.environ.get("WANDB_MODE") or self.mode
        if mode == "auto":
            mode = "online" if logged_in() else "offline"
        try:
            self.run = self._begin(Path(folder), mode)
        except Exception:
            if mode != "online":
                raise
            print(
                "Weights & Biases cannot be reached: this run is logged offline; send it later with `wandb sync`",
                flush=True,
            )
            self.run = self._begin(Path(folder), "offline")

    def _settings(self):
        """Return the client's own settings: silent, patient for so long, and without code of this machine."""
        import wandb

        return wandb.Settings(
            silent=True,
            console="off",
            init_timeout=self.timeout,
            finish_timeout=self.timeout,
            finish_timeout_raises=False,
            disable_code=True,
            disable_job_creation=True,
            x_stats_sampling_interval=self.system_seconds,
        )

    def _begin(self, folder: Path, mode: str):
        import wandb

        config = config_of(folder)
        earlier, begun = folder / names.BOARD_ID, any((folder / name).exists() for name in (names.LAST, names.METRICS))
        resumed = earlier.read_text(encoding="utf-8").strip() if earlier.exists() and begun else None
        run = wandb.init(
            project=self.project,
            entity=self.entity,
            dir=str(folder),
            name=folder.name,
            group=str(config["study"]),
            job_type="train",
            tags=[*tags_of(config), *self.tags],
            config=config,
            mode=cast("Literal['online', 'offline', 'disabled']", mode),
            id=resumed,
            resume="allow" if resumed and mode == "online" else None,
            reinit="create_new",
            settings=self._settings(),
        )
        write_text(earlier, run.id)
        run.define_metric("epoch")
        for part in ("train/*", "val/*", "lr"):
            run.define_metric(part, step_metric="epoch")
        return run

    def loggers(self, folder: Path) -> list[Any]:
        """Return the Lightning logger of the open run."""
        if self.run is None:
            self.open(folder)
        return [Metrics(self._write)]

    def _write(self, metrics: dict[str, Any], step: int | None) -> None:
        assert self.run is not None, "opened before anything is written"
        self.run.log({**metrics, "step": step})

    def finish(self, folder: Path) -> None:
        """Show final metrics, curves, charts, predictions and artifacts of a finished run."""
        if self.run is None:
            return
        results = RunSummary(Path(folder))
        self.run.summary.update(results.metrics)
        self.run.summary["verdict"] = "\n".join(results.read(names.VERDICT).get("lines", []))
        self.run.log(self._curves(results) | self._pictures(results) | {"predictions": self._table(results)})
        if self.artifacts:
            self._keep(results)

    def _curves(self, results: RunSummary) -> dict[str, Any]:
        import wandb

        test = results.test[results.test.label >= 0]
        found = {
            "confusion_matrix": wandb.plot.confusion_matrix(
                y_true=test.label.tolist(),
                preds=results.probabilities[test.index].argmax(1).tolist(),
                class_names=results.classes,
            )
        }
        for curve in results.curves():
            lines = {name: line for name, line in curve.lines.items() if len(line[0])}
            if lines:
                found[curve.name] = wandb.plot.line_series(
                    xs=[x.tolist() for x, _ in lines.values()],
                    ys=[y.tolist() for _, y in lines.values()],
                    keys=list(lines),
                    title=curve.name.replace("_", " "),
                    xname=curve.across,
                )
        return found

    def _pictures(self, results: RunSummary) -> dict[str, Any]:
        import wandb

        images, rows = results.charts
        charts = [
            wandb.Image(rgb_of(image), caption=f"{said['label']}, answered {said['answer']} ({said['confidence']:.0%})")
            for image, said in zip(images, results.answers(rows), strict=True)
        ]
        shown = {"heat_map/confusion": wandb.Image(heat_map(results.confusion(), results.classes))} | (
            {"charts": charts} if charts else {}
        )
        drawn = sorted((results.folder / names.FIGURES).glob("*.png"))
        return shown | {f"heat_map/{path.stem}": wandb.Image(str(path)) for path in drawn}

    def _table(self, results: RunSummary):
        import wandb

        images, rows = results.charts
        pictures = {int(row): image for row, image in zip(rows, images, strict=True)}
        wanted = [*pictures, *(row for row in range(len(results.test)) if row not in pictures)][: self.rows]
        said = results.answers(np.array(wanted, np.int64))
        table = wandb.Table(columns=["chart", "time", "symbol", "label", "answer", "confidence", "forward_return"])
        for row, line in zip(wanted, said, strict=True):
            table.add_data(wandb.Image(rgb_of(pictures[row])) if row in pictures else None, *line.values())
        return table

    def _keep(self, results: RunSummary) -> None:
        """Log the artifacts of the run: its data as manifest and hash, never the bars themselves."""
        import wandb

        run, card = self.run, results.read(names.DATA)
        assert run is not None, "opened before anything is kept"
        facts = {
            "data": {
                "fingerprint": card.get("fingerprint"),
                "symbols": card.get("symbols"),
                "interval": card.get("interval"),
            },
            "model": {"data_hash": card.get("fingerprint")},
            "predictions": {"data_hash": card.get("fingerprint")},
        }
        for kind, patterns in ARTIFACTS.items():
            files = [path for pattern in patterns for path in sorted(results.folder.glob(pattern))]
            if not files:
                continue
            artifact = wandb.Artifact(
                f"{results.folder.name}-{kind}" if kind != "data" else f"data-{card.get('fingerprint')}",
                type=kind,
                metadata=facts.get(kind, {}) | {"run": results.folder.name},
            )
            for path in files:
                artifact.add_file(str(path), name=path.relative_to(results.folder).as_posix())
            if kind == "data" and not run.offline:
                run.use_artifact(artifact)
            else:
                run.log_artifact(artifact)

    def close(self, failed: bool) -> None:
        """End the W&B run, with exit code 1 if the run failed."""
        if self.run is not None:
            run, self.run = self.run, None
            run.finish(exit_code=int(failed))


def logged_in() -> bool:
    """Return whether W&B has a key: in the environment or from its own login; the key itself is not looked at."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urllib.parse.urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def tags_of(config: dict[str, Any]) -> list[str]:
    """Return data, model and label in a few words of at most 64 letters."""
    data, net = config["data"], config["model"]["net"]
    words = [
        *data["symbols"][:3],
        *_listed(data["interval"]),
        net.get("backbone") or net["_target_"].rsplit(".", 1)[-1],
        data["label"]["_target_"].rsplit(".", 1)[-1],
        f"seed {config['seed']}",
    ]
    return list(dict.fromkeys(str(word)[:64] for word in words))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
