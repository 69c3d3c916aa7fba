"""A hundred things that a beginner, a clumsy script or another shell makes of a command; each word as the program gets it.

A line is split at blanks; _ stands for a blank inside a word.
"""

LINES = """
data=btc_1h.yaml
data=conf/data/btc_1h.yaml
data=BTC_1H
data=btc-1h
data=btc1h
data=BTCUSDT
data=C:\\bars\\btc.csv
data=./btc.csv
data=
data=[btc_1h]
data=btc_1h,
data=,btc_1h
data=btc_1h;model=fusion
model/fusion
model:fusion
model_=_fusion
model_=fusion
model=_fusion_small_x
--model=fusion
--model fusion
-model=fusion
model==fusion
model=fusion.yaml
model=Fusion
model=candlelab.model.fusion.Fusion
model.net=fusion
model.net._target_=Fusion
model.net._target_=os.system
model.net._target_=torch.nn.Linear
model._target_=candlelab.model.fusion.Fusion
task=trian
task=Train
task=train,
task=report.py
task=fetch,train
task.run=outputs
train
fetch
help
run
version
/help
data.start=01/01/2020
data.start=2020/01/01
data.start=1.1.2020
data.start=2020-13-01
data.start=2020-02-30
data.start=20200101
data.start=yesterday
data.start=2020-01-01T25:00
data.start=2020-01-01_to_2021-01-01
data.start=2024-01-01 data.end=2023-01-01
data.start=2020-01-01 data.end=2020-01-01
data.end=-1
data.end=now
data.interval=1H
data.interval=60
data.interval=60min
data.interval=hourly
data.interval=1_hour
data.interval=h1
data.interval=[]
data.interval=[1h,1h]
data.interval=1h,4h
data.window=48.0
data.window=1e2
data.window=48bars
data.window=4,8
data.window=1.000
data.window='48'
data.window=forty
data.window=0x30
data.window=-48
data.window=--48
data.window=[48]
data.window={bars:48}
data.window=null
data.window=None
data.window=???
data.window=${{data.nope}}
data.window=${oc.env:NOT_SET_ANYWHERE}
data.window=${now:%Y}
data.window=
data.windows=48
Data.window=48
data.Window=48
data/window=48
window=48
data.window.bars=48
data.symbols=BTCUSDT
data.symbols=[BTCUSDT
data.symbols=BTCUSDT,ETHUSDT
data.symbols=[BTC/USDT,../x]
data.symbols=[null]
data.symbols=[[BTCUSDT]]
data.symbols=['']
data.symbols=[]
data.batch_size=64.5
data.batch_size=full
data.source=simulated
data/source=Simulated
data/source=binance
data/source=file data.source.path=
data/source=file data.source.path=C:\\bars\\btc.csv
data/source=file data.source.path=/etc/passwd
data/source=file data.source.path=/
data/source=file data.source.path=[]
data/label=up
data.label.horizon=1h
data.label.horizon=1.5
data.label.horizon=-1
data/split=80/20
data.split.train=80
data.split.train=80%
data.split.train=0,8
data.split.train=1
data.split.train=0
data.split.train=-0.8
data.split.validation=0
render=candle
render=png
render.height=64x64
render.height=64px
render.width=-64
render/storage=zip
render.storage=npz
trainer=gpu
trainer.gpus=1
trainer.max_epochs=ten
trainer.max_epochs=1e3
trainer.max_epochs=1.0
trainer.max_epochs=-1
trainer.epochs=5
trainer.max_steps=-1
trainer.accelerator=cuda:0
trainer.accelerator=
trainer.devices=[0,1]
trainer.devices=-1
trainer.precision=fp16
trainer.precision=16
trainer.patience=-1
trainer.clip=off
trainer.logger=wandb
trainer/logger=wandb,csv
trainer/logger=mlflow
model.optimizer=adam
model/optimizer=Adam
model.optimizer.lr=1e-3.5
model.optimizer.lr=0,001
model.optimizer.lr=1/1000
model.optimizer.lr=1e9
model.optimizer.lr=auto
model.optimizer.eps=0
model.optimizer.betas=[0.9]
model.optimizer.betas=0.9
model.optimizer.betas=[1,2]
model.loss=focal
model/loss=crossentropy
model.net.dropout=50%
model.net.dropout=1.5
model.net.width=1000000
model.net.width=9.6e9
model.net.image_layers=1000000000
model.net.image_layers=0
evaluate.fee_bps=10%
evaluate.fee_bps=0,1
evaluate.fee_bps=-10
evaluate.fee_bps=1_000_000
evaluate.level=95
evaluate.level=95%
evaluate.draws=many
evaluate.threshold=0.5
evaluate/threshold=best
seed=random
seed=0.0
seed=null
seed=[1,2]
seed=range(3)
seed=-0.5
resume=True
resume=yes
resume=false
pretrained=maybe
pretrained=0
pretrained=/weights
study=
study=my/study
study=a:b
study=con|x
study=..
study=~
study='_'
name=..
name='a
name="a
outputs=''
outputs=[a]
outputs=5
experiment=Demo
experiment=demo.yaml
experiment=demo,
sweep=gym2
sweep=[gym]
hydra.sweep.dir=/dev/null
hydra.run.dir=.
hydra.nope=1
hydra=nope
hydra/job_logging=nope
hydra.mode=SOMETIMES
-m seed=range(0,1000000)
-m seed=range(0,10,0)
-m seed=1..5
-m seed=[1,2,
-m data=btc_1h,nope
-m model=glob(zzz*)
-m model.net.dropout=interval(0,1)
--multirun=true
--seed=1
--epochs 5
--cfg
--cfg everything
--cfg job -p nope
--cfg job --resolve -p data.nope
--info nope
-x
-
=
'
{a:1}
[1,2]
a
data.window=8;rm
$HOME
%PATH%
@file
data.window=８x
сeed=1
data.window＝8
“data.window=8”
data.window=“8”
""".strip().splitlines()


def commands() -> list[list[str]]:
    """Return the words of each line."""
    return [[word.replace("_", " ") if _blank(word) else word for word in line.split(" ")] for line in LINES]


def _blank(word: str) -> bool:
    """Tell a blank written as _ from the underscores of our own names."""
    return word.startswith(("model_=", "model=_f")) or "_to_" in word or word in ("data.interval=1_hour", "study='_'")
