"""A task for jobs in other processes, declared by CANDLELAB_EXTENSIONS: it needs no torch, writes what it saw, fails, dies or waits."""

import json
import os
import signal
import time
from dataclasses import fields

import numpy as np
from omegaconf import DictConfig, OmegaConf

from candlelab.config import build, run_folder


def work(cfg: DictConfig, *, what: str) -> None:
    """Do what was asked: "finish", "fail", "die", "die_once", "wait" for Ctrl-C, or "hold" the data and wait."""
    folder = run_folder(cfg)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("made: up")
    if what == "fail":
        raise RuntimeError("the fan failed")
    first = not (folder / "seen").exists()
    (folder / "seen").touch()
    if what == "die" or (what == "die_once" and first):
        print("I can do no more", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hold":
        hold(cfg, folder)
    if what in ("wait", "hold"):
        wait(folder)
    names = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    seen = {name: os.environ.get(name) for name in names} | {"pid": os.getpid(), "parent": os.getppid()}
    (folder / "metrics.json").write_text(json.dumps(seen))


def prepare_data(cfg: DictConfig) -> tuple[str, object] | None:
    """What a launcher does for a training job, for jobs that name data."""
    if "data" not in cfg:
        return None
    from candlelab.task import train

    return train.prepare_data(cfg)


def hold_data(key, data):
    """What a node does for a training job."""
    from candlelab.task import train

    train.hold_data(key, data)


def come_home(folder, outputs):
    """What a training job does when its run is brought back."""
    (folder / "home").write_text(str(outputs))


def hold(cfg, folder):
    """Read every bar and label of the data, and say how many bytes they are."""
    from candlelab.pipeline.inputs.shared import share_prepared

    made = share_prepared(cfg, build(cfg, "data", None)).prepared
    arrays = [getattr(part, field.name) for part in (made.candles, made.labels) for field in fields(part)]
    arrays = [array for array in (*arrays, made.ends, made.part) if isinstance(array, np.ndarray)]
    owned = [array for array in arrays if 0 not in array.strides]  # a constant takes no room
    read = sum(float(np.nansum(array)) for array in owned)
    told = {"bytes": sum(array.nbytes for array in owned), "read": read, "pid": os.getpid(), "parent": os.getppid()}
    (folder / "held.json").write_text(json.dumps(told))


def pause():
    time.sleep(0.05)


def wait(folder):
    try:
        (folder / "log.txt").write_text("12:00 epoch 1/2")
        while True:  # Ray wakes nobody who waits for a signal
            pause()
    except KeyboardInterrupt:
        (folder / "checkpoint").write_text("kept")
        raise


def job(outputs, name, what):
    tree = {"outputs": str(outputs), "study": "s", "name": name, "resume": "auto", "model": {}, "evaluate": {}}
    return OmegaConf.create(tree | {"task": {"_target_": "made_up_jobs.work", "what": what}})
