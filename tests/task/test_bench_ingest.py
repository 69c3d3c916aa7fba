"""The ingest benchmark measures the real way from zips to the cache."""

import numpy as np

from candlelab.market.archive import ArchiveFile
from candlelab.market.cache import BarStore
from candlelab.task.bench.ingest import bench_ingest, ingest_zips, make_month


def test_figures_are_reported_beside_the_plain_way():
    figures = bench_ingest(months=1, repeats=1)
    assert figures["bars"] == 31 * 1440
    assert {f"{name}_bars_per_second" for name in ("ingest", "load", "plain")} <= set(figures)


def test_what_is_measured_stores_every_bar(tmp_path):
    files = [ArchiveFile("spot", "BENCHUSDT", "1m", date) for date in ("2021-01", "2021-02")]
    manifest = ingest_zips([(f, make_month(f, np.random.default_rng(0))) for f in files], BarStore(tmp_path), 2)
    time = BarStore(tmp_path).read()["time"]
    assert manifest.rows == len(time) == 59 * 1440 and (np.diff(time) == 60_000).all()
