"""Jobs on machines that do not see the command's outputs: what they are given, and what comes back of their runs. No cluster is needed."""

import os
import signal
from pathlib import Path

import made_up_jobs
import pytest
from made_up_jobs import job

from candlelab.config import run_folder
from candlelab.core.errors import UserError
from candlelab.core.files import write_json
from candlelab.core.run_folder import failure, state
from candlelab.core.trial_ledger import append_trial, read_ledger
from candlelab.launch import away, depot
from candlelab.launch.depot import Depot, leave_token, sees, settle
from candlelab.launch.remote_job import BUSY, BUSY_WORDS, Order, run_where_seen
from candlelab.launch.side_by_side import job_text


class Killed(BaseException):
    """What becomes of the command in the middle."""


class Command:
    """The command's side of a launch of one job, and a machine that does not see its outputs."""

    def __init__(self, outputs, what, token="t"):
        self.job, self.outputs, self.token = job(outputs, "one", what), outputs, token
        self.scratch, self.folder = outputs.parent / "node", run_folder(self.job)
        leave_token(outputs, token)
        self.depot = Depot([job_text(self.job)], os.getcwd(), token)

    def order(self, shared):
        return Order(0, job_text(self.job), 1, os.getcwd(), "home", self.token, shared, str(self.scratch))

    def ask(self, method, *words):
        return getattr(self.depot, method)(*words)

    def run(self, shared=False, ask=None):
        return run_where_seen(self.order(shared), self.job, ask or self.ask)

    def killed_at(self, method):
        """Run the job; the command is killed when the machine asks for this."""

        def ask(name, *words):
            if name == method:
                raise Killed
            return self.ask(name, *words)

        with pytest.raises(Killed):
            self.run(ask=ask)
        self.depot._alone.close()  # its lock dies with it

    def left(self):
        return [path for path in self.scratch.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setenv("CANDLELAB_EXTENSIONS", "made_up_jobs")


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


def test_a_run_comes_back_whole_and_says_that_it_is_from_here(outputs):
    command = Command(outputs, "finish")
    assert command.run() is None and state(command.folder) == "finished"
    assert f"outputs: {outputs}" in (command.folder / "config.yaml").read_text()
    assert (command.folder / "home").read_text() == str(outputs) and not command.left()


def test_where_the_outputs_are_seen_the_job_works_in_them(outputs):
    command = Command(outputs, "finish")
    assert sees(outputs, "t") and not sees(outputs, "u")
    assert command.run("auto") is None and state(command.folder) == "finished"
    assert not (command.folder / "home").exists() and not command.scratch.exists()


def test_a_machine_that_has_to_see_the_outputs_and_does_not_says_so(outputs):
    command = Command(outputs, "finish")
    (depot.launch_folder(outputs, "t") / depot.HERE).unlink()
    with pytest.raises(UserError, match=r"^outputs: node .* does not see .*: give outputs= a folder that all nodes"):
        command.run(True)


def test_what_an_earlier_try_left_reaches_the_machine(outputs):
    command = Command(outputs, "die_once")
    command.folder.mkdir(parents=True)
    (
        command.folder / "seen"
    ).touch()  # by which the job knows that it is not the first try; else it would kill this process
    assert command.run() is None and state(command.folder) == "finished"


def test_a_failure_comes_back_with_its_reason_and_counts_once(outputs):
    command = Command(outputs, "fail")
    append_trial(outputs, {"study": "s", "run": "other", "state": "scored"})
    assert command.run() == "the fan failed"
    assert failure(command.folder) == "RuntimeError: the fan failed"
    states = [(entry["run"], entry["state"]) for entry in read_ledger(outputs).entries]
    assert states == [("other", "scored"), (command.folder.name, "failed")] and not read_ledger(outputs).faults


def test_after_ctrl_c_the_checkpoint_comes_back(outputs, monkeypatch):
    def pressed():
        raise KeyboardInterrupt

    monkeypatch.setattr(made_up_jobs, "pause", pressed)
    command = Command(outputs, "wait")
    with pytest.raises(KeyboardInterrupt):
        command.run()
    assert (command.folder / "checkpoint").read_text() == "kept" and state(command.folder) == "interrupted"


def test_while_a_run_goes_back_nothing_interrupts_it(outputs):
    command, heard = Command(outputs, "finish"), []

    def ask(method, *words):
        heard.append((method, signal.getsignal(signal.SIGINT)))
        return command.ask(method, *words)

    before = signal.getsignal(signal.SIGINT)
    assert command.run(ask=ask) is None and signal.getsignal(signal.SIGINT) == before
    assert {how for method, how in heard if method in ("begin", "add", "finish")} == {signal.SIG_IGN}


@pytest.mark.parametrize("moment", ["begin", "add", "finish"])
def test_a_kill_before_all_has_come_leaves_nothing_half(outputs, moment):
    command = Command(outputs, "finish")
    command.killed_at(moment)
    settle(outputs)
    assert not command.folder.exists() and not list((outputs / depot.LAUNCHES).iterdir())


def test_a_kill_between_the_old_run_and_the_new_one_is_finished_by_the_next_command(outputs, monkeypatch):
    command = Command(outputs, "finish")
    command.folder.mkdir(parents=True)
    (command.folder / "config.yaml").write_text("of before")
    moves = []

    def move(source, target):
        if moves:
            raise Killed
        moves.append(source.rename(target))

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(depot, "move", move)
        command.run()
    command.depot._alone.close()
    assert not command.folder.exists()
    settle(outputs)
    assert state(command.folder) == "finished" and (command.folder / "home").exists()


def test_what_a_launch_under_way_has_received_is_left_alone(outputs):
    command = Command(outputs, "finish")
    settle(outputs)
    assert sees(outputs, "t") and command.run() is None


def test_a_try_that_could_not_be_brought_back_goes_on_on_its_machine(outputs):
    Command(outputs, "finish").killed_at("begin")
    again = Command(outputs, "finish", token="u")
    next(again.scratch.rglob("seen")).with_name("checkpoint").write_text("of the first try")
    assert again.run() is None and (again.folder / "checkpoint").read_text() == "of the first try"


def test_what_the_machine_has_is_thrown_away_where_the_command_has_gone_on_since(outputs):
    Command(outputs, "finish").killed_at("begin")
    again = Command(outputs, "finish", token="u")
    next(again.scratch.rglob("seen")).with_name("checkpoint").write_text("of the first try")
    again.folder.mkdir(parents=True)
    (again.folder / "checkpoint").write_text("newer")
    assert again.run() is None and (again.folder / "checkpoint").read_text() == "newer"


def test_lines_of_other_runs_do_not_enter_the_ledger(outputs):
    command = Command(outputs, "finish")
    command.depot.begin(0, [])
    with pytest.raises(UserError, match="wrote of other runs"):
        command.depot.finish(0, [{"study": "s", "run": "another", "state": "scored"}])
    assert not read_ledger(outputs).entries


def test_a_run_is_not_put_where_another_process_is_at_work(outputs):
    command = Command(outputs, "finish")
    command.folder.mkdir(parents=True)
    with depot.runs.locked(command.folder):
        assert command.run() == BUSY
    assert BUSY_WORDS.match("another process (17) is at work in 'x'")


def test_the_folder_of_a_machine_belongs_to_this_account_alone(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = away.own_folder(str(tmp_path))
    assert path.stat().st_mode & 0o777 == 0o700
    path.rmdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="belongs to somebody else"):
        away.own_folder(str(tmp_path))


def test_a_marker_that_names_another_place_moves_nothing(outputs):
    place = outputs / depot.LAUNCHES / "t" / "0"
    (place / "run").mkdir(parents=True)
    write_json(place / depot.READY, {"study": "..", "run": "../../stolen"})
    settle(outputs)
    assert not place.exists() and not Path(outputs.parent / "stolen").exists()
