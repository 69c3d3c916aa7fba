"""The command: compose, check, run one task (or the jobs of a sweep)."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from argparse import Namespace
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from candlelab import __version__
from candlelab.config import CONF, ConfigError, build, catalogue, completed, groups, locate, run_folder
from candlelab.config.override_words import spelled_out
from candlelab.config.search_path import choose_folder
from candlelab.core.errors import UserError
from candlelab.core.refusals import refusal
from candlelab.core.terminal import leave_closed_pipe, print_anything, refuse_lost_folder, stop_when_asked, visible
from candlelab.launch.one_job import expected, is_done, refused, run_noted

if TYPE_CHECKING:
    from omegaconf import DictConfig

HELP = """candlelab: does a chart say anything about what the price does next?

  python -m candlelab experiment=demo                 the whole way in two minutes, offline
  python -m candlelab                                 Bitcoin hours, a small model: train, score and report
  python -m candlelab model=fusion data=btc_1h        the same with pretrained ViT and BERT, for a GPU
  python -m candlelab task=report task.run=FOLDER     score a finished run again
  python -m candlelab verify FOLDER                   does every number of it come out again?
  python -m candlelab -m seed=0,1,2 model=fusion      several runs, one study
  python -m candlelab --cfg job                       show the composed config

Choose one option of each group (group=option) and override any value (trainer.max_epochs=20).
Flags: --cfg job | --info | --multirun | --config-dir=FOLDER | --shell-completion | --hydra-help | --version
"""
PASSED_TO_HYDRA = ("cfg", "info", "hydra_help", "shell_completion", "package", "version")
EXCLUSIVE = ("run", "multirun", "cfg", "info", "shell_completion")
NOT_TAKEN = ("config_path", "config_name", "experimental_rerun")
CONFIG_DIR = ("--config-dir", "-cd")
EXIT_BUG, EXIT_FAILED_JOBS, EXIT_INTERRUPTED = 1, 3, 130
NANOBIND = ("triton._C.libtriton", "onnx.onnx_cpp2py_export")
failures: list[str] = []
where: dict[str, Path] = {"outputs": Path("outputs")}  # of this command, once it is known
plans: list[Any] = []  # the estimate of a sweep of training jobs


def main() -> None:
    """Run the command line and exit with the documented code."""
    print_anything()
    stop_when_asked()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    gc.disable()  # a fifth of a start would go into looking for rings among what imports make to stay
    try:
        _answer()
        sys.stdout.flush()
    except BrokenPipeError:
        leave_closed_pipe()
    except KeyboardInterrupt as error:
        _leave(
            f"{error if str(error) else 'interrupted'}; the same command goes on from the last checkpoint",
            getattr(error, "exit_code", EXIT_INTERRUPTED),
        )
    except Exception as error:  # noqa: BLE001 - the one place that turns any failure into an exit code
        _leave_with(error)
    finally:
        gc.enable()
    if failures:
        sys.exit(EXIT_FAILED_JOBS)


def _answer() -> None:
    """Print what was asked for, or check the command and run it."""
    refuse_lost_folder()
    sys.argv[1:] = spelled_out(sys.argv[1:])
    _take_config_dir()
    groups()  # refuses a yaml of one's own that Hydra could not read
    if any(word in ("-h", "--help") for word in sys.argv[1:]):
        print(HELP + catalogue())
    elif sys.argv[1:] == ["--version"]:
        print(f"candlelab {__version__}")
    else:
        _check_and_run()


def _take_config_dir() -> None:
    """Add the folder of --config-dir to the search path, behind candlelab's own: Hydra would put it in front."""
    words = sys.argv[1:]
    for at, word in enumerate(words):
        flag, given, value = word.partition("=")
        if flag in CONFIG_DIR:
            choose_folder(value if given else "".join(words[at + 1 : at + 2]))
            sys.argv[1:] = words[:at] + words[at + (1 if given else 2) :]
            return _take_config_dir()
    return None


def _check_and_run() -> None:
    from candlelab.config.command_line import check_overrides, is_sweep, with_hydra

    arguments = _arguments()
    chosen = [f"--{name.replace('_', '-')}" for name in EXCLUSIVE if getattr(arguments, name, None)]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} exclude each other: give one of them")
    if any(getattr(arguments, name, None) for name in PASSED_TO_HYDRA):
        _collect_again()
        _show(arguments)
        return
    for name in NOT_TAKEN:
        if getattr(arguments, name, None):
            raise ConfigError(
                f"--{name.replace('_', '-')} is not taken: candlelab composes from its own conf; choose group=option there"
            )
    jobs = check_overrides(arguments.overrides)
    where["outputs"] = Path(jobs[0].outputs)
    swept = arguments.multirun or is_sweep(arguments.overrides)
    if len(jobs) > 1 and not swept:
        raise ConfigError(
            f"the overrides ask for {len(jobs)} runs: add --multirun, or quote the value if the comma is meant "
            "(decimals take a point)"
        )
    if swept:
        _collect_again()
        _run_many(jobs, arguments.overrides)
    else:
        _run_one(with_hydra(arguments.overrides), jobs[0])


def _arguments():
    """Return Hydra's reading of the command; flags may stand anywhere among the overrides."""
    from hydra._internal.utils import get_args_parser

    from candlelab.config.command_line import flags_first, without_nulls
    from candlelab.config.override_words import dashed

    wrong = dashed(sys.argv[1:])
    if wrong:
        raise ConfigError(wrong)
    sys.argv[1:] = flags_first(without_nulls(sys.argv[1:]))
    return get_args_parser().parse_args()


def _show(arguments: Namespace) -> None:
    """Let Hydra show what it was asked for; what it cannot compose is told as by any other command."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from candlelab.config.command_line import check_overrides, check_package

    if arguments.shell_completion and not _completes(arguments.overrides):
        raise ConfigError("--shell-completion takes install=SHELL or uninstall=SHELL of bash, zsh or fish")
    try:
        check_package(arguments.package, arguments.overrides)
        _hydra_main()
    except (HydraException, OmegaConfBaseException, ValueError, RecursionError):
        check_overrides(arguments.overrides)
        raise


def _completes(words: list[str]) -> bool:
    """Return whether Hydra knows what to complete: query= is what the shell itself asks, with the line in its environment."""
    verb, _, shell = (words or [""])[0].partition("=")
    asked = verb in ("install", "uninstall") or (verb == "query" and "COMP_LINE" in os.environ)
    return asked and shell in ("bash", "zsh", "fish")


def _run_search(jobs: list[Any]) -> None:
    """Let the sweeper ask for its trials; the jobs at the ends of its space are checked, and none of them is run for itself."""
    if not _trains(jobs[0]):
        raise ConfigError("hydra/sweeper=optuna searches for a net: leave task=train")
    print(f"a search, checked at the {len(jobs)} ends of its space", flush=True)
    _hydra_main()
    failures.extend(refused)


def _check_together(jobs: list[Any]) -> None:
    check = getattr(sys.modules[locate(jobs[0].task["_target_"]).__module__], "check", None)
    if check is not None:
        check(jobs)


def _run_many(jobs: list[Any], words: list[str]) -> None:
    """Run the checked jobs of a sweep, then write what they are together: a study, or one run under several settings."""
    from candlelab.config.command_line import with_hydra
    from candlelab.config.search_space import is_search

    _check_together(jobs)
    if is_search(with_hydra(words)):
        return _run_search(jobs)
    print(f"{len(jobs)} jobs, all checked", flush=True)
    if _trains(jobs[0]):
        plans.append(locate("candlelab.pipeline.training.estimate.Plan")(jobs))
        expected.update({folder: guess.megabytes for folder, guess in plans[-1].guesses.items()})
    sys.argv += _batch_of_one(words)
    _hydra_main()
    _count_failures(jobs)
    try:
        _close(jobs, words)
    except UserError as error:
        if not failures:
            raise
        print(f"candlelab: {error}", file=sys.stderr)  # every job failed, and each has said why
    return None


def _batch_of_one(words: list[str]) -> list[str]:
    """Return what keeps Hydra from composing all jobs once more before the first starts, where it runs one after the other."""
    from candlelab.config.command_line import with_hydra

    hydra = with_hydra(words).hydra
    basic = all(hydra.runtime.choices[f"hydra/{part}"] == "basic" for part in ("launcher", "sweeper"))
    return ["hydra.sweeper.max_batch_size=1"] if basic and hydra.sweeper.max_batch_size is None else []


def _count_failures(jobs: list[Any]) -> None:
    """Note jobs that ended without a result in processes of a launcher's own, where `failures` is another list."""
    failures.extend(refused)
    if _trains(jobs[0]) and not failures:
        failures.extend(str(run_folder(job)) for job in jobs if not is_done(job))


def _run_one(full, job) -> None:
    """Run the checked job of a plain command; Hydra would compose it once more."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import configure_log

    HydraConfig.instance().set_config(full)
    try:
        configure_log(full.hydra.job_logging, full.hydra.verbose)
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        reason = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
        raise ConfigError(
            f"hydra.job_logging or hydra.verbose is none that Python's logging knows ({reason})"
        ) from None
    locate(job.task["_target_"])
    _collect_again()
    build(job, "task", job)


def _collect_again() -> None:
    """Let the collector work again, on what is made from now on."""
    _settle()
    gc.enable()


@cache
def _settle() -> None:
    """Keep the collector away from what the start of this process made, also when the process ends."""
    gc.freeze()
    if any(name in sys.modules for name in NANOBIND):
        atexit.register(
            gc.unfreeze
        )  # their types are freed by the last collection alone, and they complain of what is left


def _hydra_main() -> None:
    """Let Hydra compose and run the jobs of a sweep, or show what it was asked for."""
    import hydra

    @hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
    def run(cfg):
        from hydra.core.hydra_config import HydraConfig

        job = completed(cfg, HydraConfig.get().runtime.choices)
        return _one_of_many(job)

    run()


def _one_of_many(job: DictConfig) -> None:
    """Run one job of a sweep; a failure is noted in its folder and the others go on."""
    try:
        reason = run_noted(job)
        failures.extend([] if reason is None else [reason])
    finally:
        for plan in plans:
            plan.finished(job)


def _close(jobs: list[Any], words: list[str]) -> None:
    """Write the study's report when a sweep of training jobs ends, a table when one of scores does."""
    if _trains(jobs[0]):
        locate("candlelab.task.report.report_study")(jobs[0])
    elif str(jobs[0].task.get("_target_", "")).endswith(".report"):
        locate("candlelab.task.report.compare")(jobs, words)


def _trains(job) -> bool:
    return str(job.task.get("_target_", "")).endswith(".train")


def _leave_with(error: Exception) -> None:
    if isinstance(error, UserError):
        _leave(str(error), error.exit_code)
    refused = refusal(error, where["outputs"])
    if refused is not None:
        _leave(refused, UserError.exit_code)
    traceback.print_exception(error)
    sys.exit(EXIT_BUG)


def _leave(message: str, code: int) -> None:
    with suppress(OSError):  # where the console's own disk is full the code has to say it all
        print(f"candlelab: {visible(message)}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
