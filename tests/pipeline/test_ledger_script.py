"""After a random script of commands the ledger holds as many scorings as somebody counted who watched the commands."""

import random
import shutil

import pytest
import tiny

from candlelab import run as runs
from candlelab.config import build, compose, run_folder
from candlelab.core.trial_ledger import read_ledger
from candlelab.pipeline.audits.verification import verify_score
from candlelab.pipeline.scores.looks import SCORED, UNSEALED

QUICK = (*tiny.LOGISTIC, "trainer.max_epochs=1", "evaluate.positive_control=off")
SEEDS, FEES = (0, 1, 2), (1, 2, 3, 10)
WEIGHTS = {
    "train": 3,
    "seal": 1,
    "unseal": 2,
    "what_if": 9,
    "page": 3,
    "delete": 1,
    "verify": 1,
    "list": 2,
    "note": 1,
    "fail": 1,
}


class Watcher:
    """Gives commands and counts, by what each of them should do, the scorings of test rows."""

    def __init__(self, outputs, seed):
        self.outputs, self.draw, self.count = outputs, random.Random(seed), 0

    def folder(self, *words):
        return run_folder(compose(*QUICK, *words, f"outputs={self.outputs}"))

    def command(self, *words):
        cfg = compose(*QUICK, *words, f"outputs={self.outputs}")
        return build(cfg, "task", cfg)

    def finished(self):
        found = [path for path in runs.runs_in(self.outputs / "default") if runs.state(path) == "finished"]
        return self.draw.choice(found) if found else None

    def train(self, *words):
        seed = f"seed={self.draw.choice(SEEDS)}"
        state = runs.state(self.folder(seed, *words))
        self.command(seed, *words)
        if state == "finished":  # a run that was sealed once has other settings than the command: it is scored again
            sealed = (self.folder(seed) / runs.SEALED).exists()
            self.count += sealed != bool(words)
        else:
            self.count += state == "new" and not words

    def seal(self):
        self.train("evaluate.sealed=true")

    def unseal(self):
        found = [path.parent for path in self.outputs.glob(f"*/*/{runs.SEALED}")]
        if found:
            self.command("task=unseal", f"task.run={self.draw.choice(found)}")
            self.count += 1

    def what_if(self):
        folder, fee = self.finished(), self.draw.choice(FEES)
        if folder is not None:
            own = runs.load_run(folder).evaluated
            sealed = str(own["sealed"]).lower()
            self.command("task=report", f"task.run={folder}", f"evaluate.fee_bps={fee}", f"evaluate.sealed={sealed}")
            self.count += fee != own["fee_bps"]

    def page(self):
        folder = self.finished()
        if folder is not None:
            sealed = str(runs.load_run(folder).evaluated["sealed"]).lower()
            self.command("task=report", f"task.run={folder}", f"evaluate.sealed={sealed}")

    def delete(self):
        folder = self.finished()
        if folder is not None:
            shutil.rmtree(folder)

    def verify(self):
        folder = self.finished()
        if folder is not None:
            assert not any(check.faults for check in verify_score(str(folder)))

    def list(self):
        self.command("task=inventory", "task.what=trials")

    def note(self):
        self.command("task=preregister", "task.hypothesis='it pays'")

    def fail(self):
        runs.note_failure(self.outputs / "default" / f"failed-{self.draw.random()}", ValueError("no"), "")


@pytest.mark.slow
@pytest.mark.parametrize("seed", (0, 1))
def test_the_ledger_counts_what_a_random_script_of_fifty_commands_scored(tmp_path, seed):
    watcher = Watcher(tmp_path, seed)
    for _ in range(50):
        name = watcher.draw.choices(list(WEIGHTS), WEIGHTS.values())[0]
        getattr(watcher, name)()
        ledger = read_ledger(tmp_path)
        assert sum(entry["state"] in (SCORED, UNSEALED) for entry in ledger.entries) == watcher.count, name
    assert ledger.faults == () and watcher.count >= 10
