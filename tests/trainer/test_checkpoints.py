"""Which epoch's weights a run keeps."""

from types import SimpleNamespace

from candlelab.pipeline.training.fit import places
from candlelab.trainer.checkpoints import Checkpoints


def kept(tmp_path, losses, monkeypatch):
    """The epochs whose weights were saved as the best."""
    saved = []
    checkpoints = Checkpoints(places(tmp_path), monitor="val/loss", minutes=5.0)
    monkeypatch.setattr(Checkpoints, "_save", lambda self, trainer, path: saved.append(trainer.current_epoch))
    for epoch, loss in enumerate(losses):
        checkpoints.on_validation_end(SimpleNamespace(callback_metrics={"val/loss": loss}, current_epoch=epoch), None)
    return saved


def test_the_best_checkpoint_holds_weights_alone(tmp_path):
    asked = {}
    trainer = SimpleNamespace(world_size=1)
    trainer.save_checkpoint = lambda path, weights_only: asked.update({path.name: weights_only})
    checkpoints = Checkpoints(places(tmp_path), monitor="val/loss", minutes=5.0)
    for path in (checkpoints.places.best, checkpoints.places.last):
        checkpoints._save(trainer, path)
    assert asked == {"best.ckpt": True, "last.ckpt": False}


def test_the_best_weights_follow_a_falling_validation_loss(tmp_path, monkeypatch):
    assert kept(tmp_path, [0.7, 0.69, 0.68], monkeypatch) == [0, 1, 2]


def test_one_lucky_validation_loss_does_not_decide(tmp_path, monkeypatch):
    assert kept(tmp_path, [0.695, 0.684, 0.690, 0.685, 0.685], monkeypatch)[-1] == 4


def test_weights_of_an_overfitted_epoch_are_not_kept(tmp_path, monkeypatch):
    assert kept(tmp_path, [0.69, 0.68, 0.72, 0.75], monkeypatch)[-1] == 1
