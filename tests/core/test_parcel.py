"""Folders that travel in pieces: what arrives is what was sent, and no name leads out of the folder."""

import pytest

from candlelab.core import parcel
from candlelab.core.parcel import Damaged, Sent, Unpacking, all_pieces, content_of, parcel_of, piece_of


def everything(name):
    return False


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """A folder with a file of ten bytes, an empty one and a link to a file outside; pieces of four bytes."""
    monkeypatch.setattr(parcel, "PIECE", 4)
    folder = tmp_path / "sent"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "last.ckpt").write_bytes(b"0123456789")
    (folder / "empty").touch()
    (tmp_path / "secret").write_text("mine")
    (folder / "link").symlink_to(tmp_path / "secret")
    return folder


def test_what_arrives_is_what_was_sent(sent, tmp_path):
    told = parcel_of(sent, without=everything)
    arriving = Unpacking(tmp_path / "arrived", told)
    came = list(all_pieces(told, lambda name, start: piece_of(sent, name, start)))
    for name, data in came:
        arriving.add(name, data)
    arriving.check()
    assert [len(data) for _, data in came] == [4, 4, 2]
    assert parcel_of(tmp_path / "arrived", without=everything) == told


def test_links_stay_and_are_not_read_through(sent):
    assert [each.name for each in parcel_of(sent, without=everything)] == ["empty", "checkpoints/last.ckpt"]
    with pytest.raises(Damaged, match="behind a link"):
        piece_of(sent, "link", 0)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "a//b", "a/.", "C:x", "a\\..\\x", "x\0"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    with pytest.raises(Damaged, match="no name of a file"):
        Unpacking(tmp_path / "arrived", [Sent(name, 1, "", 0)])
    with pytest.raises(Damaged, match="no name of a file"):
        piece_of(tmp_path, name, 0)
    assert not (tmp_path / "arrived").exists()


@pytest.mark.parametrize("data", [b"012345678x", b"01234567"])
def test_other_bytes_than_were_sent_are_noticed(sent, tmp_path, data):
    told = [each for each in parcel_of(sent, without=everything) if each.size]
    arriving = Unpacking(tmp_path / "arrived", told)
    arriving.add("checkpoints/last.ckpt", data)
    with pytest.raises(Damaged, match="did not arrive as it was sent"):
        arriving.check()


def test_a_file_takes_no_more_than_was_told_and_no_other_file_comes(sent, tmp_path):
    arriving = Unpacking(tmp_path / "arrived", parcel_of(sent, without=everything))
    for name, data in (("empty", b"1"), ("other", b"1")):
        with pytest.raises(Damaged, match="not among what was to come"):
            arriving.add(name, data)


def test_a_file_that_becomes_shorter_while_it_is_read_ends_the_transfer(sent):
    with pytest.raises(Damaged, match="became shorter"):
        list(all_pieces([Sent("empty", 5, "", 0)], lambda name, start: piece_of(sent, name, start)))


def test_the_hash_of_a_folder_knows_names_and_contents(sent):
    one = content_of(parcel_of(sent, without=everything))
    (sent / "empty").rename(sent / "other")
    assert content_of(parcel_of(sent, without=everything)) != one
