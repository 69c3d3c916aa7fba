"""A run holds the vocabulary that its captions were made with, wherever its weights came from."""

import numpy as np
import pytest
from pretrained_cases import WORDS, orphan, weights_folder

from candlelab.config import compose
from candlelab.data.tokenizer import load_tokenizer
from candlelab.pipeline.inputs.assemble import tokenizer_name
from candlelab.pipeline.inputs.stored import InputMaker


def test_a_run_tokenises_without_the_folder_of_its_weights():
    run, _ = orphan()
    ids, mask = run.data.tokens
    assert [WORDS[k] for k in ids[0][mask[0]]][:2] == ["[CLS]", "candle"]


def test_a_prediction_makes_the_same_ids_as_training_did():
    run, _ = orphan()
    ends = run.data.prepared.ends[:20]
    assert np.array_equal(
        InputMaker.of(run).arrays(run.data.prepared.candles, ends)["caption"], run.data.tokens[0][:20]
    )


def test_no_file_of_a_run_but_its_config_names_the_folder_of_its_weights():
    run, weights = orphan()
    told = [path.name for path in run.folder.rglob("*.json") if str(weights) in path.read_text()]
    assert told in ([], ["environment.json"])  # the command that trained it


def test_a_run_with_the_built_in_vocabulary_stores_none():
    from export_cases import finished

    assert not (finished("fusion").folder / "tokenizer.json").exists()


@pytest.mark.parametrize("backbone", ["bert-base-uncased", "somebody/bert-base-uncased"])
def test_the_tokenizer_is_looked_for_where_the_weights_are(tmp_path, backbone):
    weights_folder(tmp_path)
    cfg = compose("model=fusion", f"model.net.pretrained={tmp_path}", f"model.net.caption_backbone={backbone}")
    assert len(load_tokenizer(tokenizer_name(cfg.model.net))) == len(WORDS)


def test_two_vocabularies_of_one_name_do_not_share_their_ids(tmp_path):
    weights_folder(tmp_path / "a"), weights_folder(tmp_path / "b")
    (tmp_path / "b" / "bert-base-uncased" / "vocab.txt").write_text("\n".join((*WORDS[:5], *reversed(WORDS[5:]))))
    one, other = (load_tokenizer(str(tmp_path / name / "bert-base-uncased")) for name in "ab")
    assert one.name == other.name and one.key != other.key
