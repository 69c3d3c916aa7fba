"""Several hundred mistakes people make at a command line, drawn from the presets and from a list of clumsy things; seeded."""

import random
from collections.abc import Iterator

import beginner_mistakes

from candlelab.config import compose, groups, leaves, plain

SMALL = ("experiment=smoke", "data.source.bars=700", "trainer.max_epochs=1", "trainer.progress=none")
BASES = (
    SMALL,
    ("model=cnn_lstm_attn", "data=simulated"),
    ("model=cnn_small", "data=simulated", "render=ohlc_bars"),
    ("model=timm_backbone", "data=simulated", "pretrained=false"),
)
LONG = "n" * 300
CLUMSY = [
    line.split(" ")
    for line in f"""
study=../../escape
name=../../up
study=/tmp/somewhere
study=.hidden
study=a/b
name={LONG}
study={LONG}
outputs=/dev/null
outputs=/dev/null/deeper
outputs=
resume=maybe
resume=true
seed=-1
seed=4294967296
seed=99999999999999999999999
seed=1.5
seed=abc
render=null
data=null
model=null
trainer=null
evaluate=null
task=null
model.net=null
model.loss=null
model.optimizer=null
data.source=null
data.label=null
data.split=null
data.indicators=null
data.caption=null
evaluate.threshold=null
trainer.logger=null
model=5
data=5
model=[fusion,cnn_small]
data.symbols={{a:1}}
data.symbols=5
data.symbols=[5]
data.label={{}}
data.source=file
+surprise=1
++data.surprise=1
~data.window
~nothing
=5
data.window
data.window==5
a=b=c
model.net.width=[1,2
-m seed=range(0,0)
-m seed=choice()
-m data.window=abc,16
-m model=nope,fusion_small
-m evaluate.fee_bps=-1,2
seed=0,1
--cfg job model=nope
--cfg job data.windw=3
--info model=nope
--config-dir /nowhere/at/all
--config-name other
--unknown-flag
hydra/launcher=joblib
hydra/launcher=nope
hydra/sweeper=nope
trainer.accelerator=gpu
trainer.accelerator=tpuuu
trainer.devices=0
trainer.devices=-3
trainer.devices=abc
trainer.devices=1.5
trainer.gradient_clip=nan
trainer.gradient_clip=-1
trainer.checkpoint_minutes=nan
trainer.checkpoint_minutes=-1
trainer.max_epochs=0
trainer.max_steps=0
trainer.patience=0
trainer.precision=7
render.height=100000
render.width=10
render.height=0
render.height=-5
data.max_samples=0
data.batch_size=0
data.batch_size=99999999
data.window=0
data.window=9000
data.window=1000000000
data.stride=0
data.thin=1
data.thin=-0.1
data.start=soon
data.start=2030-01-01 data.end=2020-01-01
data.interval=7h
data.interval=1h data.resample=1m
data.source.bars=0
data.source.bars=3
data.source.edge=2
data.source.volatility=nan
data/source=file data.source.path=/nowhere/bars.csv
data/source=file
data/split=walk_forward data.split.fold=7
data/split=walk_forward data.split.folds=0
data/split=periods data.split.test_days=0
data.split.train=0.9 data.split.validation=0.2
data.split.embargo=-1
data.split.validation_start=2024-01-01
data.label.horizon=0
data.label.horizon=100000
evaluate.fee_bps=-1
evaluate.fee_bps=10000
evaluate.fee_bps=nan
evaluate.confidence_level=1
evaluate.confidence_level=0.2
evaluate.n_bootstrap=0
evaluate.n_permutations=-1
evaluate.n_bins=1
evaluate.seed=-1
evaluate.slippage_bps=inf
evaluate.threshold.min_trades=0
evaluate.threshold.smooth=0.7
evaluate.threshold.n_bootstrap=-1
evaluate/threshold=grid evaluate.threshold.grid=mine
model.image_size=0
model.image_size=-64
model.net.width=0
model.net.width=97
model.net.heads=0
model.net.heads=5
model.net.patch=7
model.net.dropout=1
model.net.dropout=-1
model.net.pretrained=/nowhere
model.net.inputs=[smell]
model.net.inputs=[]
model.optimizer.lr=0
model.optimizer.lr=-1
model.optimizer.warmup_ratio=1.5
model.optimizer.schedule=zigzag
model.optimizer.weight_decay=-1
model.loss.gamma=-1
model.loss.class_weights=[1]
model=timm_backbone model.net.backbone=resnot50 pretrained=false
task=report task.run=/nowhere
task=report study=nothing-here
task=predict
task=predict task.run=/nowhere
task=predict task.run=/nowhere task.threshold=-1
task=predict task.run=
task=export task.run=/dev/null
task=explain task.run=/nowhere
task=explore task.run=/nowhere
task=explore study=nothing-here
task=explore task.run=[/nowhere,/elsewhere]
task=publish task.what=model
task=publish task.what=nonsense
task=dashboard task.run=/nowhere
task=wandb_sweep task.sweep=nope
task=clean task.days=-1
task=inventory task.what=everything
task=bench bench=nope
sweep=nope
experiment=nope
""".strip().splitlines()
]


def mistakes() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command of the corpus; each is a mistake that exit code 2 and a sentence answer."""
    draw = random.Random(7)
    yield from (command(line) for line in (*CLUMSY, *beginner_mistakes.commands()))
    yield from (
        command([f"{group}={misspelt(option, draw)}"])
        for group, options in groups().items()
        for option in sorted(options)[:4]
    )
    for base in BASES:
        tree = plain(compose(*base))
        for key in sorted(leaves(tree)):
            yield from ((*base, f"{key}={value}") for value in wrong_values(tree, key, draw))
        yield from ((*base, f"{misspelt(key, draw)}=1") for key in draw.sample(sorted(leaves(tree)), 12))


def command(line: list[str]) -> tuple[str, ...]:
    """Return a clumsy line as one command: flags first, then what makes it small unless it chooses another task."""
    flags = [
        word
        for k, word in enumerate(line)
        if word.startswith("-") or (k and line[k - 1] in ("--cfg", "--info", "--config-dir", "--config-name"))
    ]
    words = [word for word in line if word not in flags]
    alone = any(word.startswith(("task=", "experiment=")) for word in words)
    return (*flags, *(() if alone else SMALL), *words)


def misspelt(word: str, draw: random.Random) -> str:
    """Return the word with one letter doubled and two in the wrong order."""
    place = draw.randrange(len(word))
    return word[:place] + word[place] + word[place:] + "q"


def wrong_values(tree: dict, key: str, draw: random.Random) -> list[str]:
    """Return up to two values that the setting at a dotted key cannot have, whatever it means."""
    value = tree
    for name in key.split("."):
        value = value[name]
    if key.endswith("_target_") or isinstance(value, dict) or key.split(".")[0] == "task":
        return []
    if isinstance(value, bool):
        wrong = ["perhaps", "3", "[]"]
    elif isinstance(value, int):
        wrong = ["often", "[1,2]", "true", "{a: 1}"]
    elif isinstance(value, float):
        wrong = ["often", "nan", "inf", "-inf", "[1.0]", "true", "{a: 1}"]
    elif isinstance(value, list):
        wrong = ["{a: 1}"]
    else:
        return []
    return draw.sample(wrong, min(2, len(wrong)))
