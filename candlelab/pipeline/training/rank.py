"""Process 1, 2, … of a training run on several devices: it trains beside rank 0 and writes nothing."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from candlelab import run as runs
from candlelab.config import build
from candlelab.pipeline.training.ranks import READY

INTERRUPTED = 130  # the exit code after Ctrl-C


def main() -> None:
    """Train the run of a folder as one of several processes: FOLDER RANK WORLD PORT BATCH_SIZE."""
    from candlelab.data.module import ChartData
    from candlelab.pipeline.training.fit import learner_for, places
    from candlelab.trainer.pruning import Pruned
    from candlelab.trainer.ranks import Ranks

    folder, numbers = Path(sys.argv[1]), map(int, sys.argv[2:])
    rank, world, port, batch_size = numbers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ranks = Ranks(rank, world, port)
    ranks.announce()
    cfg = runs.Run(folder).recipe
    trainer = build(cfg, "trainer")
    parts, learner = learner_for(cfg)
    data = ChartData(parts.data.having(batch_size=batch_size))
    print(READY, flush=True)
    os.dup2(2, 1)  # nobody reads the standard output from here on
    try:
        trainer.fit(learner, data, places(folder), resume=cfg.resume != "never", ranks=ranks)
    except Pruned:
        return  # the first process says so
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _end_with_parent() -> None:
    """End at once when the first process has closed our input, or died: the others would wait for it."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
