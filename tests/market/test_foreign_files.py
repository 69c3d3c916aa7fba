"""Files as other programs export them, read as they are."""

import pytest

import candlelab
from candlelab.core.errors import UserError

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
