"""Names of the files and folders of a run: spelt here and nowhere else."""

CONFIG, ENVIRONMENT, MANIFEST, FAILED, LOCK, OWNER = (
    "config.yaml",
    "environment.json",
    "manifest.json",
    "failed.txt",
    ".lock",
    ".owner",
)
PREPROCESSING, WEIGHTS, PREDICTIONS = "preprocessing.json", "model.safetensors", "predictions.parquet"
ORIGIN, LOG = "origin.json", "log.txt"  # ORIGIN says that this account trained the run
SEALED = "sealed.json"  # what was fixed before the test labels were read
PASSPORT = "passport.json"  # of a score: what it rests on, to be computed again
TOKENIZER = "tokenizer.json"  # of captions, where the weights came with a vocabulary of their own
DATA, BAYES, DIFFICULTY, INSTRUMENT, EPOCHS = (
    "data.json",
    "bayes.json",
    "difficulty.json",
    "instrument.json",
    "metrics.csv",
)
STEP = "step.json"  # how the training steps were computed, where that was measured
EVALUATE, THRESHOLD, CURVES, VERDICT = "evaluate.json", "threshold.json", "curves.json", "verdict.json"
PER_SYMBOL, PER_PERIOD = "per_symbol.csv", "per_period.csv"
METRICS, REPORT, EXPLORER, TRADES = (
    "metrics.json",
    "report.html",
    "explore.html",
    "trades.csv",
)  # METRICS is written last of all: a run that has it is finished
CHECKPOINTS, BEST, LAST, PREVIOUS = (
    "checkpoints",
    "checkpoints/best.ckpt",
    "checkpoints/last.ckpt",
    "checkpoints/previous.ckpt",
)
BOARD, BOARD_ID = (
    "tensorboard",
    "wandb_run.txt",
)  # of the dashboards: TensorBoard's folder; the id that a resumed W&B run goes on with
FIGURES, CHARTS, EXPLAINED, EXPLAINED_PICTURE = (
    "figures",
    "figures/charts.npz",
    "figures/explained.npz",
    "figures/explained.png",
)
EXPORTS, PREDICTED, SCORES = (
    "export",
    "predict",
    "scores",
)  # folders that are not in the manifest: their files stand alone

# Of a published run; nothing else is ever downloaded, so nothing in it can be unpickled.
PUBLISHED = (
    CONFIG,
    ENVIRONMENT,
    PREPROCESSING,
    TOKENIZER,
    WEIGHTS,
    EPOCHS,
    METRICS,
    PREDICTIONS,
    THRESHOLD,
    DATA,
    VERDICT,
    CURVES,
    BAYES,
    INSTRUMENT,
    STEP,
    EVALUATE,
    SEALED,
    PASSPORT,
    MANIFEST,
    f"{EXPORTS}/*.onnx",
    f"{EXPORTS}/report.md",
)
NEEDED = (CONFIG, ENVIRONMENT, PREPROCESSING, WEIGHTS, PREDICTIONS, DATA, METRICS)  # looked at when a run is loaded
FITTED = (
    CONFIG,
    ENVIRONMENT,
    PREPROCESSING,
    TOKENIZER,
    WEIGHTS,
    PREDICTIONS,
    DATA,
    BAYES,
    DIFFICULTY,
    INSTRUMENT,
    STEP,
    EPOCHS,
    SEALED,
)
SCORED = (
    EVALUATE,
    THRESHOLD,
    CURVES,
    VERDICT,
    PER_SYMBOL,
    PER_PERIOD,
    TRADES,
    CHARTS,
    EXPLAINED,
)  # REPORT and EXPLORER are for people: nothing reads them
