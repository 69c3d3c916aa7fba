"""Files as other programs export them, read as they are."""

import pytest

import candlelab
from candlelab.core.errors import UserError
from candlelab.market.table import Reading, read_tables

GERMAN = """Datum;Zeit;Eröffnung;Hoch;Tief;Schluss;Volumen
14.11.2023;22:00;100,5;101,25;99,75;100,75;12,5
14.11.2023;23:00;100,75;102,0;100,0;101,5;3,25
15.11.2023;00:00;101,5;102,5;101,0;102,0;1,0
"""
METATRADER = """<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2023.11.14\t22:00:00\t1.05\t1.06\t1.04\t1.055\t310\t0\t3
2023.11.14\t23:00:00\t1.055\t1.07\t1.05\t1.06\t220\t0\t3
2023.11.15\t00:00:00\t1.06\t1.07\t1.05\t1.065\t100\t0\t3
"""


def bars(folder, text, encoding="utf-8"):
    path = folder / "ABCUSD.csv"
    path.write_bytes(text.encode(encoding))
    return candlelab.read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_german_file_with_decimal_commas_is_read(tmp_path, encoding):
    read = bars(tmp_path, GERMAN, encoding)
    assert read.interval == "1h" and read.close.tolist() == [100.75, 101.5, 102.0]
    assert read.volume.tolist() == [12.5, 3.25, 1.0]


def test_the_ticks_of_metatrader_stand_in_for_its_empty_volume(tmp_path):
    read = bars(tmp_path, METATRADER)
    assert read.volume.tolist() == [310, 220, 100] and read.open[0] == 1.05


def test_a_point_between_thousands_beside_decimal_commas_is_refused(tmp_path):
    with pytest.raises(UserError, match="no number"):
        bars(tmp_path, GERMAN.replace("100,5;", "1.100,5;"))


INVESTING = '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"\n'


def test_thousands_set_apart_and_volumes_in_thousands_are_read(tmp_path):
    rows = '"02/14/2025","97,500.5","96,600.0","98,800.1","990.2","87.31K","1.0%"\n"02/13/2025","96,600","97,800","98,100","95,200","1.5M","-"\n'
    (tmp_path / "bitcoin.csv").write_text(INVESTING + rows)
    (table,) = read_tables(tmp_path / "bitcoin.csv", Reading())
    assert table.columns["close"].tolist() == [97500.5, 96600] and table.columns["low"].tolist() == [990.2, 95200]
    assert table.columns["volume"].tolist() == [87_310, 1_500_000]


@pytest.mark.parametrize("row", ['"1,234","1,300","1,400","1,200","5"', '"1,2.5","1,300.5","1,400","1,200","5"'])
def test_a_comma_that_may_mean_two_things_is_refused(tmp_path, row):
    (tmp_path / "a.csv").write_text(f'"Date","Price","Open","High","Low","Vol."\n"02/14/2025",{row}\n')
    with pytest.raises(UserError, match="no thousands separator"):
        read_tables(tmp_path / "a.csv", Reading())
