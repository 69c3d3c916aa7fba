"""Sets of labelled pictures as people publish them, and what cannot be known of them."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.data.pictures import decode, find_pictures
from candlelab.data.source.images import Images

CLASSES = ("bearish", "neutral", "bullish")


def png(k, size=(6, 5)):
    """A picture of its own, its class in the red channel."""
    pixels = np.full((*size[::-1], 3), k % 256, np.uint8)
    pixels[..., 0] = 100 * (k % 3)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def folders(root, count=30, nested=""):
    for k in range(count):
        place = root / nested / CLASSES[k % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"candle_{k}.png").write_bytes(png(k))
    return root


def index(root, rows, name="dataset_index.csv"):
    (root / "charts").mkdir(parents=True, exist_ok=True)
    for k in range(len(rows)):
        (root / "charts" / f"c{k}.png").write_bytes(png(k))
    with open(root / name, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root


def fusion_rows(count=30):
    """What system CandleFusion publishes: the close stands in the text alone."""
    return [
        {
            "image_path": f"/home/me/data/charts/c{k}.png",
            "text": f"Candle: {CLASSES[k % 3]}, Open: 99.00, Close: 1,00{k % 10}.50",
            "label": k % 3,
            "next_close": 1010 + k,
        }
        for k in range(count)
    ]


def data_of(root, *overrides):
    cfg = compose(
        "data=pictures", f"data.source.path={root}", "model=cnn_small", "render.height=8", "render.width=9", *overrides
    )
    return build(cfg, "data", build(cfg, "render"))


def test_folders_are_classes_and_names_give_the_order(tmp_path):
    found = find_pictures(folders(tmp_path))
    assert found.classes == tuple(sorted(CLASSES)) and [name.split("_")[-1] for name in found.names[:3]] == [
        "0.png",
        "1.png",
        "2.png",
    ]
    assert found.time is None and found.text is None and found.part is None


def test_parts_of_a_set_are_kept(tmp_path):
    for part in ("train", "validation", "test"):
        folders(tmp_path, 6, part)
    assert find_pictures(tmp_path).part.tolist().count(1) == 6


def test_a_quick_try_takes_some_of_every_part_of_a_set(tmp_path):
    for part in ("train", "validation", "test"):
        for k in range(20):
            place = tmp_path / part / CLASSES[k % 2]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{k}.png").write_bytes(png(100 * len(part) + k))
    part = data_of(tmp_path, "data.max_samples=20").prepared.part
    assert [(part == k).sum() for k in (0, 1, 2)] == [14, 3, 3]


def test_an_index_gives_text_label_and_next_close(tmp_path):
    found = find_pictures(index(tmp_path, fusion_rows()))
    assert (found.classes, found.text[1].split(",")[0], found.next_close[2]) == (
        ("0", "1", "2"),
        "Candle: neutral",
        1012,
    )
    assert found.close[:2].tolist() == [1000.5, 1001.5]


def test_parquet_with_pictures_inside_is_read_with_its_names_of_classes(tmp_path):
    told = {"info": {"features": {"label": {"names": ["down", "up"], "_type": "ClassLabel"}}}}
    table = pa.table(
        {
            "image": [{"bytes": png(k), "path": None} for k in range(4)],
            "label": [0, 1, 0, -1],
            "caption": ["a", "b", "c", "d"],
            "time": pa.array([1_704_067_200_000 + k for k in range(4)], pa.timestamp("ms", "UTC")),
            "symbol": ["BTCUSDT"] * 4,
        }
    )
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps(told)}), tmp_path / "train-00000-of-00001.parquet"
    )
    found = find_pictures(tmp_path)
    assert (found.classes, found.label.tolist(), found.text, found.time[1]) == (
        ("down", "up"),
        [0, 1, 0],
        ["a", "b", "c"],
        1_704_067_200_001,
    )


def test_a_picture_comes_in_the_size_of_the_chart(tmp_path):
    data = data_of(folders(tmp_path))
    images = data.charts(data.prepared.ends[:2])
    assert images.shape == (2, 3, 8, 9) and np.array_equal(images[1], decode(data.pictures.read(1), (3, 8, 9), ""))


def test_transparent_paper_is_white(tmp_path):
    out = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(out, "png")
    assert (decode(out.getvalue(), (1, 2, 2), "") == 255).all()


def test_an_unknown_order_in_time_is_said(tmp_path, capsys):
    data = data_of(folders(tmp_path))
    card = data.describe()
    assert (
        card["time_order"] == "unknown"
        and "nothing is known of the order of these pictures in time" in card["warnings"][0]
    )
    assert "nothing is known of the order" in capsys.readouterr().err


def test_pictures_with_times_are_cut_by_time(tmp_path):
    rows = [row | {"time": 1_704_067_200_000 + 3_600_000 * (29 - k)} for k, row in enumerate(fusion_rows())]
    made = data_of(index(tmp_path, rows)).prepared
    assert made.candles.time[made.part == 0].max() < made.candles.time[made.part == 2].min()


def test_files_sorted_by_class_are_dealt_out_so_that_every_part_has_every_class(tmp_path):
    rows = sorted(fusion_rows(90), key=lambda row: row["label"])
    data = data_of(index(tmp_path, rows))
    made = data.prepared
    assert all(set(made.labels.label[made.ends[made.part == code]]) == {0, 1, 2} for code in (0, 1, 2))
    assert any("sorted by class" in line for line in data.prepared.warnings)


def test_the_same_picture_never_stands_in_two_parts(tmp_path):
    for part in ("train", "validation", "test"):
        for k in range(6):
            place = tmp_path / part / CLASSES[k % 3]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{k}.png").write_bytes(png(k if k < 3 else 10 * len(part) + k))
    data = data_of(tmp_path)
    assert np.bincount(data.prepared.part + 1).tolist() == [6, 3, 3, 6]
    assert any("6 pictures stand in a later part too" in line for line in data.prepared.warnings)


def test_a_word_that_tells_the_label_is_named(tmp_path):
    data = data_of(index(tmp_path, fusion_rows()))
    assert any("'bearish' stands only beside 0" in line for line in data.describe()["warnings"])


def test_a_forecast_learns_the_return_up_to_the_next_close(tmp_path):
    made = data_of(index(tmp_path, fusion_rows()), "data.label.kind=forecast").prepared
    assert made.labels.forward_return[2] == pytest.approx(1012 / 1002.5 - 1)
    assert np.nanstd(made.labels.target) == pytest.approx(1)


def test_a_forecast_without_returns_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"kind is forecast, but the set has no forward_return"):
        data_of(folders(tmp_path), "data.label.kind=forecast")


def test_texts_are_the_captions(tmp_path):
    data = data_of(index(tmp_path, fusion_rows()))
    assert data.caption(None, np.array([1]), 1) == ["Candle: neutral, Open: 99.00, Close: 1,001.50"]


def test_a_net_that_reads_captions_is_refused_where_there_are_none(tmp_path):
    data = data_of(folders(tmp_path))
    with pytest.raises(UserError, match="has no column text"):
        _ = data.tokens


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "no labelled pictures"),
        (lambda root: (root / "a.png").write_bytes(png(1)), r"'a\.png' has no label"),
        (lambda root: folders(root, 1), "all pictures have the label bearish"),
        (
            lambda root: index(root, [row | {"image_path": "gone.png"} for row in fusion_rows(3)]),
            "line 2 names the picture 'gone.png', which is not there",
        ),
        (
            lambda root: index(root, [row | {"image_path": "../../../../../../etc/passwd"} for row in fusion_rows(3)]),
            r"outside the folder|not there",
        ),
        (
            lambda root: index(root, [row | {"next_close": "ten"} for row in fusion_rows(3)]),
            "next_close 'ten', which is no number",
        ),
        (lambda root: (root / "x.parquet").write_bytes(b"PAR1 no"), "cannot be read"),
    ],
)
def test_sets_that_are_none_are_refused(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(UserError, match=message):
        find_pictures(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", png(1)[:40], b"\x89PNG\r\n\x1a\n" + bytes(50), b"<svg/>", b"GIF89a"]
)
def test_files_that_are_no_pictures_are_refused(content):
    with pytest.raises(UserError, match=r"charts/x.png cannot be read as a picture"):
        decode(content, (3, 8, 8), "charts/x.png")


def test_a_picture_of_too_many_pixels_is_told_so():
    content = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(content, "PNG")
    with pytest.raises(UserError, match=r"more than 50,000,000 pixels: make it smaller"):
        decode(content.getvalue(), (3, 8, 8), "huge.png")


def test_a_path_that_is_nothing_is_refused():
    with pytest.raises(UserError, match="is no folder of pictures"):
        _ = Images(path="./nowhere", revision="main", timeout=1.0).pictures


def test_bars_cannot_be_had_from_pictures(tmp_path):
    with pytest.raises(UserError, match="no bars can be had"):
        Images(path=str(tmp_path), revision="main", timeout=1.0).fetch([], "1h", None, None)


def test_jobs_that_share_pictures_are_warned_alike(tmp_path):
    root = index(tmp_path, fusion_rows())
    one, two = data_of(root), data_of(root)
    assert two.having(prepared=one.prepared).describe()["warnings"] == one.describe()["warnings"] != []


def test_lines_nested_without_end_are_one_sentence(tmp_path):
    (tmp_path / "index.jsonl").write_text("[" * 100_000)
    with pytest.raises(UserError, match="cannot be read as an index of pictures"):
        find_pictures(tmp_path)


@pytest.mark.parametrize("name", ["index.csv", "index.jsonl"])
def test_an_index_of_many_gigabytes_is_never_read(tmp_path, name):
    with open(tmp_path / name, "wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(
        UserError, match="more than the 1,073,741,824 such a file ever needs: cut it into several files"
    ):
        find_pictures(tmp_path)


def test_a_table_of_too_many_pictures_is_never_unpacked(tmp_path):
    pq.write_table(
        pa.table({"image": pa.array([b""] * 5_000_001), "label": pa.array([0] * 5_000_001, pa.int8())}),
        tmp_path / "a.parquet",
    )
    with pytest.raises(UserError, match="says that it has 5,000,001 rows"):
        find_pictures(tmp_path)
