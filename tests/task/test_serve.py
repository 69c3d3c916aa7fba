"""A served run answers candles and pictures as the command line does, and a mistake is a sentence."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
import yaml
from export_cases import finished
from PIL import Image
from test_predict import YEAR_2020, ask, frame

from candlelab.config import build, compose
from candlelab.core.errors import UserError
from candlelab.core.images import png
from candlelab.pipeline.scores.pictures import answer_picture
from candlelab.pipeline.serving.desk import Desk
from candlelab.pipeline.serving.http import json_answer
from candlelab.task.serve import app_of, desk_of, in_sentence


def drawn(run):
    """The net's own chart of a window, and what it says of it."""
    from candlelab.pipeline.inputs.stored import InputMaker

    row = run.data.prepared.ends[run.data.samples("test")[:1]]
    return InputMaker.of(run).arrays(run.data.prepared.candles, row)["image"][0], run.test.iloc[0]


def picture_bytes(size=(50, 40), kind="PNG"):
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)).save(out, kind)
    return out.getvalue()


def test_the_nets_own_picture_gets_the_nets_own_answer():
    run = finished("recognition")
    image, row = drawn(run)
    said = answer_picture(run, png(image), "own.png", engine="torch", threshold=None)
    classes = run.preprocessing["classes"]
    np.testing.assert_allclose(
        list(said["probabilities"].values()), [row[f"p_{k}"] for k in range(len(classes))], atol=1e-6
    )
    assert said["source"] == "a picture from elsewhere" and said["seen"] == [24, 24]


def test_a_picture_of_any_size_is_asked_on_the_command_line(tmp_path, capsys):
    run, path = finished("recognition"), tmp_path / "chart.jpg"
    path.write_bytes(picture_bytes((300, 200), "JPEG"))
    said = ask(run, f"task.image={path}").iloc[0]
    assert said["size"] == "300x200" and said["answer"] in run.preprocessing["classes"]
    assert "a picture from elsewhere, 300x200 made 24x24" in capsys.readouterr().out
    assert (run.folder / "predict" / "picture-chart.csv").exists()
    assert ask(run, f"task.image={path}", "task.threshold=1.1")["answer"].tolist() == ["not sure"]


@pytest.mark.parametrize(
    ("kind", "word", "told"),
    [
        ("fusion", "task.image={}", "reads image and caption"),
        ("recognition", "task.image={} task.csv=a.csv", "two questions"),
    ],
)
def test_a_picture_that_cannot_be_answered_is_a_sentence(tmp_path, kind, word, told):
    path = tmp_path / "chart.png"
    path.write_bytes(picture_bytes())
    with pytest.raises(UserError, match=told):
        ask(finished(kind), *word.format(path).split())


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "chart.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="cannot be read as a picture"):
        ask(finished("recognition"), f"task.image={tmp_path / 'chart.png'}")
    with pytest.raises(UserError, match="is missing"):
        ask(finished("recognition"), f"task.image={tmp_path / 'none.png'}")


def desk(kind):
    return Desk(finished(kind), "torch", None)


def sent(kind, **body):
    return json_answer(desk(kind), json.dumps(body).encode())


def test_a_picture_is_answered_over_http():
    status, said = sent("recognition", picture=base64.b64encode(picture_bytes()).decode(), name="mine.png")
    assert status == 200 and said["picture"] == "mine.png" and said["answer"] in said["probabilities"]
    assert json.dumps(said) and said["answer"] in in_sentence(said)


def test_candles_are_answered_over_http():
    text = pd.concat([frame(200, first=YEAR_2020), frame(20, first=YEAR_2020 + 180, symbol="B")]).to_csv(index=False)
    status, said = sent("series", candles=text)
    first, second = said["answers"]
    assert status == 200 and first["symbol"] == "A" and first["signal"] in ("LONG", "SHORT", "NONE")
    assert (
        second["p_up"] is None
        and second["reason"].startswith("too little history")
        and json.dumps(said, allow_nan=False)
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1]", "send one of"),
        (b'{"picture": 3}', "send one of"),
        (b'{"picture": "a", "candles": "b"}', "send one of"),
        (b'{"picture": "*"}', "no base64"),
        (b'{"picture": "aGVsbG8="}', "cannot be read as a picture"),
        (b'{"candles": "x"}', ""),
        (b'{"candles": "\\ud800"}', "no JSON"),
        (b'{"picture": "aGVsbG8=", "name": "\\ud800"}', "no JSON"),
    ],
)
def test_a_mistake_over_http_is_400_and_a_sentence(body, told):
    status, said = json_answer(desk("recognition"), body)
    assert status == 400 and told in said["error"]


def test_a_request_that_is_too_large_is_413(monkeypatch):
    monkeypatch.setattr("candlelab.pipeline.serving.http.LARGEST_BODY", 10)
    assert json_answer(desk("recognition"), b"x" * 11)[0] == 413


def test_what_a_run_takes_is_told():
    assert desk("recognition").about()["takes"] == ["candles", "picture"]
    assert desk("regression").about()["takes"] == desk("fusion").about()["takes"] == ["candles"]


def test_gradios_page_and_the_plain_json_live_side_by_side():
    pytest.importorskip("gradio")
    from fastapi.testclient import TestClient

    client = TestClient(app_of(desk_of(str(finished("recognition").folder), "auto")))
    body = {"picture": base64.b64encode(picture_bytes()).decode()}
    assert client.get("/about").json()["takes"] == ["candles", "picture"]
    assert client.post("/answer", json=body).json()["likeliest"] and "gradio" in client.get("/").text
    assert client.post("/answer", content=b"x").status_code == 400


def test_without_gradio_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(UserError, match=r"candlelab\[demo\]"):
        app_of(desk("recognition"))


def test_a_space_is_shown_and_not_sent_and_its_page_answers_from_its_own_files(tmp_path, capsys):
    cfg = compose(
        "task=publish", "task.what=space", f"task.run={finished('recognition').folder}", f"outputs={tmp_path}"
    )
    parcel = build(cfg, "task", cfg)
    assert parcel.kind == "space" and "nothing was sent" in capsys.readouterr().out
    for name, path in parcel.files.items():
        (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / name).write_bytes(path.read_bytes())
    head = yaml.safe_load((tmp_path / "space" / "README.md").read_text().split("---")[1])
    assert head["sdk"] == "gradio" and head["app_file"] in parcel.files
    compile((tmp_path / "space" / "app.py").read_text(), "app.py", "exec")
    assert desk_of(str(tmp_path / "space" / "run"), "auto").picture(picture_bytes(), "x")["answer"]


def test_the_heat_map_lies_over_the_picture_as_it_was_seen():
    made = desk_of(str(finished("recognition").folder), "torch")
    made.picture(picture_bytes(), "x")  # weights that an answer loads must be able to explain it
    glow = made.heat_map(picture_bytes(), "x")
    assert glow is not None and glow.shape == (3, 24, 24) and glow.dtype == np.uint8
