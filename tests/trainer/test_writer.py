"""Checkpoints that are written beside the training."""

import threading

import pytest
import torch

from candlelab.core.files import CannotWrite
from candlelab.trainer.writer import CheckpointWriter


def stored(path):
    return torch.load(path, weights_only=True)


def test_a_checkpoint_is_what_the_weights_were_when_it_was_asked_for(tmp_path):
    writer, weight, path = CheckpointWriter({}), torch.ones(1000), tmp_path / "last.ckpt"
    for value in (1.0, 2.0):  # the second copy takes the memory of the first
        weight.fill_(value)
        writer.save_checkpoint({"w": weight, "rows": [{"epoch": value}]}, path)
        weight.fill_(-1.0)
    writer.wait()
    assert (stored(path)["w"] == 2.0).all() and stored(path)["rows"] == [{"epoch": 2.0}]


def test_a_step_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    opened, real = threading.Event(), torch.save
    monkeypatch.setattr(torch, "save", lambda *words: (opened.wait(60), real(*words)))
    writer = CheckpointWriter({})
    writer.save_checkpoint({"w": torch.ones(3)}, tmp_path / "last.ckpt")
    assert not (tmp_path / "last.ckpt").exists()
    opened.set()
    writer.wait()
    assert (stored(tmp_path / "last.ckpt")["w"] == 1).all()


def test_of_each_file_one_write_at_a_time_is_under_way(tmp_path, monkeypatch):
    opened, real, begun = threading.Event(), torch.save, []
    monkeypatch.setattr(torch, "save", lambda *words: (begun.append(words), opened.wait(60), real(*words)))
    writer = CheckpointWriter({})
    writer.save_checkpoint({"w": torch.zeros(3)}, tmp_path / "last.ckpt")
    threading.Timer(0.01, opened.set).start()
    writer.save_checkpoint({"w": torch.ones(3)}, tmp_path / "last.ckpt")
    assert opened.is_set() and (tmp_path / "last.ckpt").exists()
    writer.wait()
    assert len(begun) == 2 and (stored(tmp_path / "last.ckpt")["w"] == 1).all()


def test_the_checkpoint_before_is_kept(tmp_path):
    last, previous = tmp_path / "last.ckpt", tmp_path / "previous.ckpt"
    writer = CheckpointWriter({last: previous})
    for value in (1.0, 2.0):
        writer.save_checkpoint({"w": torch.full((3,), value)}, last)
    writer.wait()
    assert (stored(previous)["w"] == 1).all() and (stored(last)["w"] == 2).all()


@pytest.mark.parametrize("after", ["wait", "another"])
def test_what_the_disk_refused_is_told(tmp_path, after):
    (tmp_path / "last.ckpt").mkdir()  # nothing can be moved onto a folder
    writer = CheckpointWriter({})
    writer.save_checkpoint({"w": torch.ones(3)}, tmp_path / "last.ckpt")
    with pytest.raises(CannotWrite, match=r"last\.ckpt"):
        writer.wait() if after == "wait" else writer.save_checkpoint({}, tmp_path / "last.ckpt")
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_checkpoint_of_a_net_laid_out_for_images_can_be_loaded(tmp_path):
    weight = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last)
    writer = CheckpointWriter({})
    writer.save_checkpoint({"w": weight}, tmp_path / "last.ckpt")
    writer.wait()
    assert torch.equal(stored(tmp_path / "last.ckpt")["w"], weight)
