"""A fusion that began with weights of a local folder: made here, trained, and its folder of weights removed."""

import json
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

import tiny

from candlelab.data import caption as captions

WORDS = (*captions.SPECIAL, "[MASK]", *reversed(captions.VOCABULARY[4:]))


def weights_folder(place: Path) -> Path:
    """Write a tiny ViT and a tiny BERT with a vocabulary of its own, as save_pretrained does; return the folder of both."""
    from transformers import BertConfig, BertModel, ViTConfig, ViTModel

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    ViTModel(ViTConfig(image_size=16, patch_size=8, **small), add_pooling_layer=False).save_pretrained(
        place / "vit-base-patch16-224"
    )
    bert = BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=64, **small), add_pooling_layer=False)
    bert.save_pretrained(place / "bert-base-uncased")
    (place / "bert-base-uncased" / "vocab.txt").write_text("\n".join(WORDS))
    return place


def overrides(weights: Path) -> tuple[str, ...]:
    """Return what makes the tiny run begin with these weights."""
    return f"model.net.pretrained={weights}", "model.net.tokenizer=auto", "model.net.stem=patch"


@cache
def orphan():
    """Return a finished run whose folder of weights is gone, and the folder."""
    from export_cases import finished

    weights = weights_folder(Path(tempfile.mkdtemp(prefix="candlelab-weights-")))
    run = finished("fusion", *overrides(weights))
    shutil.rmtree(weights)
    return run, weights


@cache
def published():
    """Train, remove the weights, predict, export and publish in one process, load back in another with an empty home; return the
    hub, the folder of weights that was removed, and what the two runs said."""
    from fake_hub import Hub
    from hub_cases import in_a_process, temporary_folder

    hub, here = Hub(), temporary_folder()
    in_a_process("import pretrained_cases; pretrained_cases.publish_all()", hub, here / "home", str(here))
    shutil.move(here / "outputs", here / "moved")
    in_a_process("import pretrained_cases; pretrained_cases.load_back()", hub, here / "another home", str(here))
    return hub, here / "weights", *(json.loads((here / f"{name}.json").read_text()) for name in ("sent", "back"))


def publish_all() -> None:
    """In one process: train from a folder, remove it, then use the run and send it."""
    import tiny

    here = Path(sys.argv[1])
    folder = tiny.trained(here / "outputs", *overrides(weights_folder(here / "weights")))
    shutil.rmtree(here / "weights")
    _task("task=predict", f"task.run={folder}")
    _task("task=export", f"task.run={folder}", "task.n_calls=5", "task.int8=false")
    _task(
        "task=publish",
        "task.what=model",
        f"task.run={folder}",
        "task.repo=me/orphan",
        "task.confirm=true",
        f"outputs={here / 'outputs'}",
    )
    (here / "sent.json").write_text(json.dumps(_said(str(folder))))


def load_back() -> None:
    """In another process, which has never seen run or weights: read the published run and predict with it."""
    (Path(sys.argv[1]) / "back.json").write_text(json.dumps(_said("me/orphan")))


def _task(*words: str) -> None:
    from candlelab.config import build, compose

    cfg = compose(*words)
    build(cfg, "task", cfg)


def _said(place: str) -> list:
    from candlelab import load_run
    from candlelab.pipeline.scores.predictions import net_rows

    run = load_run(place)
    return net_rows(tiny.learner_of(run), run.data, error=None)["test"][0].tolist()
