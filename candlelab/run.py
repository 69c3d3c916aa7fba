"""A run is a folder: its readers, its writers, and the manifest that says what it consists of; the names in it are core/run_files.py's."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from candlelab.config import ConfigError, build, hint, plain, problems, several
from candlelab.config.packages import changed_extensions, used_extensions
from candlelab.config.stored import read_stored, without_places
from candlelab.core import agreement, files, forms, machine
from candlelab.core.errors import UserError
from candlelab.core.files import write_arrays as write_arrays
from candlelab.core.files import write_json as write_json
from candlelab.core.files import write_text as write_text
from candlelab.core.folder_lock import Busy as Busy
from candlelab.core.folder_lock import locked as locked
from candlelab.core.manifest import Manifest
from candlelab.core.origin import is_ours, mark_of
from candlelab.core.reading import Unreadable, arrays_of, bytes_of, json_of, objection, text_of
from candlelab.core.run_folder import CURE, manifest_in
from candlelab.core.run_folder import failure as failure
from candlelab.core.run_folder import finish as finish
from candlelab.core.run_folder import forget as forget
from candlelab.core.run_folder import note_failure as note_failure
from candlelab.core.run_folder import rewriting as rewriting
from candlelab.core.run_folder import runs_in as runs_in
from candlelab.core.run_folder import state as state
from candlelab.core.run_folder import unfinish as unfinish
from candlelab.core.run_folder import write_manifest as write_manifest
from candlelab.core.tables import epochs_of, metrics_of, predictions_of, read_trades

# isort: off
# fmt: off
from candlelab.core.run_files import (  # noqa: F401 - who asks for a name of a run asks here
    BAYES, BEST, BOARD, BOARD_ID, CHARTS, CHECKPOINTS, CONFIG, CURVES, DATA, DIFFICULTY, ENVIRONMENT, EPOCHS,
    EVALUATE, EXPLAINED, EXPLAINED_PICTURE, EXPLORER, EXPORTS, FAILED, FIGURES, FITTED, INSTRUMENT, LAST, LOCK, LOG,
    MANIFEST, METRICS, NEEDED, ORIGIN, OWNER, PASSPORT, PER_PERIOD, PER_SYMBOL, PREDICTED, PREDICTIONS, PREPROCESSING,
    PREVIOUS, PUBLISHED, REPORT, SCORED, SCORES, SEALED, STEP, THRESHOLD, TOKENIZER, TRADES, VERDICT, WEIGHTS,
)
# fmt: on
# isort: on

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RIGHT = "more samples are right than there are"
FORMS = {
    ENVIRONMENT: forms.ENVIRONMENT,
    PREPROCESSING: forms.PREPROCESSING,
    DATA: forms.CARD,
    METRICS: forms.METRICS,
    INSTRUMENT: forms.INSTRUMENT,
    STEP: forms.STEP,
    EVALUATE: dict,
    THRESHOLD: forms.THRESHOLD,
    CURVES: forms.CURVES,
    VERDICT: forms.VERDICT,
    BAYES: forms.BAYES,
    DIFFICULTY: forms.DIFFICULTY,
}


@dataclass(frozen=True)
class Run:
    """One finished run, read from its folder; every reader compares the file with the manifest and with what it may hold.

    cfg          the resolved config.
    model        the net with its best weights, in evaluation mode, on the CPU.
    data         its SampleSet, with the scaler that was fitted in training.
    metrics      the flat dict of metrics.json.
    predictions  the table that every evaluation reads (pandas).
    card         the data card; threshold, curves, verdict, evaluated, bayes, difficulty: what scoring wrote; {} or [] without.
    Raises Unreadable, in one sentence, for a file that is missing, damaged or not the one that was written.
    """

    folder: Path

    @property
    def manifest(self) -> Manifest | None:
        """What the run consists of; None for an unfinished or an older run. Read anew each time: others may extend it."""
        return manifest_in(self.folder)

    def file(self, name: str) -> Path:
        """Return the path of a file of the run that is as it was written."""
        manifest = self.manifest
        if manifest is not None:
            verb = "explain" if name == EXPLAINED else "report"
            cure = f"repeat task={verb} task.run={self.folder}" if name in manifest.rewriting else CURE
            manifest.check(self.folder, name, cure=cure)
        return self.folder / name

    def has(self, name: str) -> bool:
        """Return whether a file that not every run has is part of this one."""
        manifest = self.manifest
        return (self.folder / name).exists() or (manifest is not None and name in manifest.files)

    def _json(self, name: str) -> Any:
        return json_of(self.file(name), FORMS[name], cure=CURE)

    def _refuse(self, name: str, trouble: str | None) -> None:
        if trouble:
            raise Unreadable(self.folder / name, f"is damaged or contradicts {CONFIG} ({trouble})", CURE)

    @cached_property
    def per_symbol(self) -> pd.DataFrame:
        """One row of metrics per symbol."""
        return metrics_of(self.file(PER_SYMBOL), cure=CURE)

    @cached_property
    def per_period(self) -> pd.DataFrame | None:
        """One row of metrics per test period, None where the run does not name several."""
        return metrics_of(self.file(PER_PERIOD), cure=CURE) if self.has(PER_PERIOD) else None

    @cached_property
    def ours(self) -> bool:
        """Whether this person trained it; then its own files, folders and addresses may be used."""
        return _is_ours(self.folder)

    @cached_property
    def recipe(self) -> DictConfig:
        """The stored config, unchecked: each part is checked when it is built. Of a run from elsewhere, without its places."""
        tree = read_stored(self.file(CONFIG))
        trouble = objection(tree, forms.CONFIG) or (None if self.ours else agreement.too_much(tree))
        if trouble:
            raise Unreadable(self.folder / CONFIG, f"is no config of such a run ({trouble})", CURE)
        return OmegaConf.create(tree if self.ours else without_places(tree))

    @cached_property
    def cfg(self) -> DictConfig:
        problem = [line for line in problems(plain(self.recipe)) if self.ours or ": missing; give " not in line]
        if problem:
            raise ConfigError(f"'{self.folder / CONFIG}': {several(problem)}")
        other = changed_extensions(self.environment.get("extensions"), used_extensions(plain(self.recipe)))
        if other:
            print(f"the run in '{self.folder}' may answer otherwise than it did: {other}", file=sys.stderr, flush=True)
        return self.recipe

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return self._json(METRICS)

    @property
    def costs(self) -> dict[str, Any]:
        """What a new score cannot know: cost of the fit and size of the net; known also while the scores are being replaced."""
        rewriting = self.manifest is not None and METRICS in self.manifest.rewriting
        told = json_of(self.folder / METRICS, FORMS[METRICS], cure=CURE) if rewriting else self.metrics
        return {name: value for name, value in told.items() if name.split("/")[0] in ("fit", "net", "latency")}

    @cached_property
    def preprocessing(self) -> dict[str, Any]:
        made, tree = self._json(PREPROCESSING), plain(self.recipe)
        self._refuse(PREPROCESSING, agreement.within_itself(made) or agreement.with_config(made, tree))
        self._refuse(PREPROCESSING, agreement.with_label(made, build(self.recipe, "data.label")))
        return made

    @cached_property
    def environment(self) -> dict[str, Any]:
        return self._json(ENVIRONMENT)

    @cached_property
    def card(self) -> dict[str, Any]:
        made = self._json(DATA)
        self._refuse(DATA, agreement.of_card(made, self.preprocessing))
        return made

    @cached_property
    def evaluated(self) -> dict[str, Any]:
        made = self._json(EVALUATE)
        self._refuse(EVALUATE, None if self.ours else agreement.too_many_draws(made))
        try:
            build({"evaluate": made}, "evaluate")
        except UserError as error:
            self._refuse(EVALUATE, str(error))
        return made

    @cached_property
    def threshold(self) -> dict[str, Any]:
        made = self._json(THRESHOLD) if self.has(THRESHOLD) else {}
        self._refuse(THRESHOLD, agreement.of_threshold(made))
        return made

    @cached_property
    def curves(self) -> dict[str, Any]:
        made = self._json(CURVES) if self.has(CURVES) else {}
        self._refuse(CURVES, agreement.of_curves(made, len(self.preprocessing["classes"])))
        return made

    @cached_property
    def verdict(self) -> dict[str, Any]:
        made = self._json(VERDICT) if self.has(VERDICT) else {}
        self._refuse(VERDICT, agreement.of_verdict(made, self.preprocessing))
        return made

    @cached_property
    def bayes(self) -> dict[str, Any]:
        return self._json(BAYES) if self.has(BAYES) else {}

    @cached_property
    def difficulty(self) -> list[dict[str, Any]]:
        made = self._json(DIFFICULTY) if self.has(DIFFICULTY) else []
        self._refuse(DIFFICULTY, next((RIGHT for level in made if level["right"] > level["samples"]), None))
        return made

    @property
    def config_text(self) -> str:
        return text_of(self.file(CONFIG), cure=CURE)

    @cached_property
    def epochs(self) -> list[dict[str, float]]:
        """The rows of metrics.csv, one per epoch; [] without."""
        return epochs_of(self.file(EPOCHS), cure=CURE) if self.has(EPOCHS) else []

    @cached_property
    def charts(self) -> dict[str, np.ndarray]:
        """images (n, C, H, W) uint8 and the test rows (n,) they belong to; {} where the net saw none."""
        return self._pictures(CHARTS, "images", "rows")

    @cached_property
    def explained(self) -> dict[str, np.ndarray]:
        """Heat maps of task=explain: rows (n,), learnt and random (n, 3, H, W) uint8, likeness (n,), words (n,) of captions; {} without."""
        return self._pictures(EXPLAINED, "learnt", "rows", "random", "likeness", "words")

    def _pictures(self, name: str, *names: str) -> dict[str, np.ndarray]:
        if not self.has(name):
            return {}
        made = arrays_of(self.file(name), *names, cure=CURE)
        shape = self.preprocessing["shapes"]["image"]
        if not agreement.are_test_charts(made[names[0]], made["rows"], shape=shape, test_rows=len(self.test)):
            raise Unreadable(self.folder / name, "holds no pictures of this run's test rows", CURE)
        return made

    @cached_property
    def predictions(self) -> pd.DataFrame:
        return predictions_of(self.file(PREDICTIONS), classes=len(self.preprocessing["classes"]), cure=CURE)

    def scored_anew(self) -> Run:
        """Return the run read afresh but for its predictions, which a score does not change: they are not held twice."""
        fresh = Run(self.folder)
        fresh.__dict__.update({name: value for name, value in self.__dict__.items() if name == "predictions"})
        return fresh

    @cached_property
    def test(self) -> pd.DataFrame:
        """The net's labelled test rows, in the order of the data's test samples and of the figures."""
        table = self.predictions
        return table[(table.model == "net") & (table.split == "test") & (table.label >= 0)].reset_index(drop=True)

    @cached_property
    def trades(self) -> pd.DataFrame | None:
        """What the run's own score traded on its test rows, None for recognition."""
        return read_trades(self.file(TRADES), cure=CURE) if self.has(TRADES) else None

    @cached_property
    def data(self) -> Any:
        """Its SampleSet, with what was fitted in training."""
        renderer = build(self.cfg, "render") if self.cfg.get("render") else None
        data = build(self.cfg, "data", renderer)
        return data.restored(self.preprocessing, self.vocabulary)

    @property
    def vocabulary(self) -> Path:
        """Path of the run's own vocabulary, where it has one."""
        return self.file(TOKENIZER) if self.has(TOKENIZER) else self.folder / TOKENIZER

    @cached_property
    def model(self) -> Any:
        """Its net with the best weights, in evaluation mode, on the CPU."""
        from candlelab.core.batch import shapes_of
        from candlelab.core.weights import net_for

        shapes = shapes_of(self.preprocessing["shapes"])
        cfg = self.cfg.copy()
        if OmegaConf.select(cfg, "model.net.pretrained"):
            cfg.model.net.pretrained = False
        net = net_for(self.file(WEIGHTS), lambda: build(cfg, "model.net", shapes), cure=CURE)
        told = list(net.reads) == self.preprocessing["reads"]
        self._refuse(
            PREPROCESSING, None if told else f"reads is {self.preprocessing['reads']}, the net reads {net.reads}"
        )
        return net


def load_run(folder: str | Path) -> Run:
    """Return the finished run in a folder, its parts compared with its manifest.

    Raises UserError, naming the nearest run, if there is none, it never finished, or a part of it is damaged.
    """
    path = Path(folder)
    if not (path / CONFIG).exists():
        raise ConfigError(f"there is no run in '{folder}'{hint(path.name, [r.name for r in runs_in(path.parent)])}")
    if not (path / METRICS).exists():
        raise ConfigError(f"the run in '{folder}' has not finished: start the same command again to complete it")
    files.refuse_strange(path)
    run = Run(path)
    manifest = run.manifest
    if manifest is None:
        print(
            f"the run in '{folder}' has no {MANIFEST} (it is older, or not whole): its files are believed as they are",
            file=sys.stderr,
            flush=True,
        )
        return run
    for name in NEEDED:
        if name not in manifest.rewriting:
            manifest.check(path, name, cure=CURE)
    return run


def read_part(folder: Path, name: str) -> Any:
    """Return a JSON file of a run or of one of its scores, compared with the manifest beside it. Raises Unreadable."""
    return Run(folder)._json(name)


def _is_ours(folder: Path) -> bool:
    try:
        return is_ours(bytes_of(folder / CONFIG), json_of(folder / ORIGIN).get("mark"))
    except Unreadable:
        return False


def start(folder: Path, cfg: DictConfig, bars: str | None = None) -> None:
    """Make the run folder with its config and environment; notes and leavings of an earlier try go.

    bars  hash of what made-up bars come from, kept in the environment.
    """
    files.make_folder(folder)
    for place in (folder, folder / CHECKPOINTS, folder / FIGURES):
        files.remove_litter(place)
    files.remove(folder / FAILED, folder / MANIFEST)
    _write_config(folder, cfg)
    write_json(folder / ENVIRONMENT, environment() | {"extensions": used_extensions(plain(cfg)), "bars": bars})


def adopt(folder: Path, cfg: DictConfig) -> None:
    """Make a run of this account of one that a job of its own made elsewhere: config with the places of here, mark and manifest."""
    if (folder / CONFIG).exists():
        with rewriting(folder, CONFIG):
            _write_config(folder, cfg)


def _write_config(folder: Path, cfg: DictConfig) -> None:
    text = OmegaConf.to_yaml(OmegaConf.create(plain(cfg)))
    write_text(folder / CONFIG, text)
    write_json(folder / ORIGIN, {"mark": mark_of(text.encode("utf-8"))})


def environment() -> dict[str, Any]:
    """Return what a result depends on beside config and data: code, versions, hardware."""
    from candlelab import __version__

    return machine.environment_of(__version__)
