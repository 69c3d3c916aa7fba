"""No hostile file of bars ends in a traceback, hangs, or lets a bar in that is not true."""

import warnings

import numpy as np
import pytest
from hostile_bars import corpus
from hostile_tables import READ, REFUSED, truth

from candlelab.core.errors import UserError
from candlelab.data.source.file import File

CASES = corpus()
LARGEST = 2_000_000


def outcome_of(case, folder):
    """Return the tape, or the sentence it is refused with; raises whatever else happens."""
    path = folder / case.file
    path.write_bytes(case.content)
    source = File(
        path=str(path),
        columns={},
        timezone="UTC",
        time_format=None,
        max_bytes=LARGEST,
        misaligned="drop",
        last_bar="keep",
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return source.fetch([], "auto", None, None)
    except UserError as error:
        return str(error)


def assert_true_or_refused(case, folder):
    found = outcome_of(case, folder)
    if isinstance(found, str):
        assert case.outcome != READ, found
        assert 20 < len(found) < 500 and "\n" not in found and ": " in found
        return
    assert case.outcome != REFUSED, found.to_frame()
    assert found.symbols == ("BTCUSDT",) and np.isfinite([found.close, found.volume]).all()
    if "all" not in case.damaged:
        true = truth().set_index("open_time").loc[found.time].drop(columns=list(case.damaged))
        assert np.array_equal(true, np.stack([getattr(found, name) for name in true.columns], 1))
    if case.outcome == READ:
        assert len(found) == len(truth())


def names_of(cases):
    return [f"{k}-{case.name.encode('ascii', 'replace').decode()[:30]}" for k, case in enumerate(cases)]


@pytest.mark.parametrize("case", CASES[::3], ids=names_of(CASES[::3]))
def test_hostile_file_is_read_truly_or_refused_in_one_sentence(case, tmp_path):
    assert_true_or_refused(case, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=names_of(CASES))
def test_every_hostile_file_is_read_truly_or_refused_in_one_sentence(case, tmp_path):
    assert_true_or_refused(case, tmp_path)


def test_the_corpus_is_large_and_the_same_every_time():
    assert len(CASES) >= 250 and [c.content for c in corpus()] == [c.content for c in CASES]
