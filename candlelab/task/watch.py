"""Write down what a finished run says of each bar as it closes, before its outcome: one line per bar in a diary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from candlelab.config import ConfigError
from candlelab.core.candles import Candles
from candlelab.core.clock import Clock, SystemClock
from candlelab.core.times import iso
from candlelab.export.rule import rule_of
from candlelab.pipeline.diary.feed import Feed
from candlelab.pipeline.diary.lines import FOLDER, Author, checked_lines, diary_in
from candlelab.pipeline.diary.notify import Notifier
from candlelab.pipeline.diary.watcher import Watcher
from candlelab.pipeline.inputs.stored import InputMaker
from candlelab.pipeline.load import load_or_download
from candlelab.pipeline.overrides import overridden
from candlelab.pipeline.scores.signals import chosen_engine, signals


def watch(
    cfg: DictConfig,
    *,
    run: str,
    diary: str | None,
    once: bool,
    engine: Literal["auto", "torch", "onnx", "int8"],
    patience: float,
    notify: str | None,
) -> None:
    """Append one line per symbol and bar to the diary of a folder, as the bars close; no orders are ever sent.

    run       a finished run; data/source=…, data.symbols and data.interval of the command replace the run's own.
    diary     its folder, which several runs may share; None: outputs/diary.
    once      the newest closed bar only, for cron and systemd timers.
    engine    auto: the exported model where there is one, without torch.
    patience  seconds after a close in which a late bar or a silent exchange is asked for again, at most half a bar; after
              that the line says why there is no answer.
    notify    a command that is run for every LONG and SHORT, without a shell.
    Raises UserError for a run that cannot be asked, or a market that does not go on.
    """
    if not patience >= 0:
        raise ConfigError(f"task.patience is {patience}: give seconds, 0 or more")
    place = Path(cfg.outputs) / FOLDER if diary is None else Path(diary)
    made = watcher_of(
        cfg, run, place, engine=engine, patience=patience, notify=notify, given=overridden() or [], clock=SystemClock()
    )
    print(f"diary {made.chain.path} of {made.author.run} (no orders are sent)", flush=True)
    if once:
        made.once()
    else:
        made.run()


def watcher_of(
    cfg: DictConfig,
    run: str,
    place: Path,
    *,
    engine: str,
    patience: float,
    notify: str | None,
    given: list[str],
    clock: Clock,
) -> Watcher:
    """Return what writes the lines of a run into the diary of a folder; raises UserError before anything is written."""
    found = load_or_download(run)
    made = found.preprocessing
    if made["kind"] != "forecast":
        raise ConfigError(f"'{run}' recognises what is drawn: a diary holds forecasts, whose outcome comes later")
    checked_lines(diary_in(place).read().entries)
    maker, rule = InputMaker.of(found), rule_of(found)
    feed = Feed(maker, cfg, given)
    if not feed.symbols:  # of a run on a file, which took what it held
        raise ConfigError("no symbol is followed: name those of the exchange, such as data.symbols=[BTCUSDT]")
    chosen = chosen_engine(found, engine)
    author = Author(f"{found.folder.absolute().parent.name}/{found.folder.name}", rule.weights[:16], chosen)
    answered: Callable[[Candles, int], Any] = partial(signals, found, maker, engine=chosen, threshold=None, max_stale=0)
    return Watcher(
        author,
        tuple(made["classes"]),
        feed,
        diary_in(place),
        clock,
        lambda tape, closed: answered(tape, closed).iloc[0],
        patience,
        _teller(Notifier(notify) if notify is not None else None),
    )


def _teller(notify: Notifier | None) -> Callable[[Mapping[str, Any]], None]:
    def tell(line: Mapping[str, Any]) -> None:
        print(in_words(line), flush=True)
        if notify is not None:
            notify(line)

    return tell


def in_words(line: Mapping[str, Any]) -> str:
    """Return a line of the diary for people."""
    head = f"{line['line']:>6} {iso(line['closed'])} {line['symbol']} {line['interval']}"
    if "no_answer" in line:
        return f"{head} {line['no_answer']}"
    told = " ".join(f"{name} {value:.3f}" for name, value in line["p"].items())
    return f"{head} {line['signal']} ({told})"
