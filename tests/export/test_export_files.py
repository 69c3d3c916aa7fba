"""A model file that is broken, foreign or malicious is refused in one sentence."""

import json

import numpy as np
import onnx
import pytest
from export_cases import CARD, bars, little_model
from onnx.external_data_helper import set_external_data

from candlelab.__main__ import _leave_with
from candlelab.export.predict import Predictor, predict_batch


@pytest.fixture
def model(tmp_path):
    return little_model(tmp_path / "model.onnx")


def refusal(capsys, work, *given, **settings) -> str:
    """Return the one line with which the command leaves with code 2."""
    with pytest.raises(ValueError) as caught:
        work(*given, **settings)
    with pytest.raises(SystemExit) as left:
        _leave_with(caught.value)
    said = capsys.readouterr().err.strip()
    assert left.value.code == 2 and "\n" not in said, said
    return said


def keep_outside(path, location):
    """Move the weight of a model into another file, as external data does."""
    whole = onnx.load(path)
    weight = whole.graph.initializer[0]
    weight.raw_data = np.float32([1.0]).tobytes()
    weight.ClearField("float_data")
    set_external_data(weight, location)
    weight.ClearField("raw_data")
    onnx.save(whole, path)


def test_a_whole_model_answers_what_can_be_worked_out_by_hand(model):
    answer = predict_batch(model, {"series": np.float32([[[0, 0.5], [0, 0.5], [0, 0]]])})
    assert answer["probabilities"][0, 1] == pytest.approx(np.e / (1 + np.e)) and answer["signal"].tolist() == [1]


def test_an_answer_below_the_threshold_is_no_signal(model):
    assert predict_batch(model, bars())["signal"].tolist() == [0]
    assert predict_batch(model, {"series": bars()["series"] * np.float32([1, 1.2])}, threshold=0.7)[
        "signal"
    ].tolist() == [0]


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/etc/hostname"])
def test_weights_in_other_files_are_never_opened(model, capsys, location):
    keep_outside(model, location)
    assert "keeps weights in other files" in refusal(capsys, Predictor, model)


def test_a_loop_of_a_trillion_rounds_is_never_run(model, capsys):
    whole, make = onnx.load(model), onnx.helper
    values = [make.make_tensor_value_info(name, kind, []) for name, kind in (("i", 7), ("go", 9), ("x", 1))]
    body = make.make_graph(
        [make.make_node("Identity", ["go"], ["on"]), make.make_node("Mul", ["x", "x"], ["y"])],
        "body",
        values,
        [make.make_tensor_value_info("on", 9, []), make.make_tensor_value_info("y", 1, None)],
    )
    whole.graph.initializer.append(make.make_tensor("rounds", 7, [], [10**12]))
    whole.graph.node.append(make.make_node("Loop", ["rounds", "", "series"], ["for ever"], body=body))
    onnx.save(whole, model)
    assert "repeats a part of itself (Loop)" in refusal(capsys, Predictor, model)


def test_weights_outside_hidden_in_a_constant_are_found_too(model, capsys):
    whole = onnx.load(model)
    weight = whole.graph.initializer[0]
    constant = onnx.helper.make_node("Constant", [], ["weight"], value=weight)
    set_external_data(constant.attribute[0].t, "../weights.bin") if constant.attribute[
        0
    ].t.raw_data else constant.attribute[0].t.external_data.add(key="location", value="../weights.bin")
    whole.graph.node.insert(0, constant)
    del whole.graph.initializer[0]
    onnx.save(whole, model)
    assert "keeps weights in other files" in refusal(capsys, Predictor, model)


@pytest.mark.parametrize("left", [0.2, 0.5, 0.99])
def test_a_truncated_file_is_refused(model, capsys, left):
    whole = model.read_bytes()
    model.write_bytes(whole[: int(len(whole) * left)])
    assert "is cut off or no ONNX file" in refusal(capsys, Predictor, model)


@pytest.mark.parametrize("content", [b"\x00" * 64, b"<html>not found</html>", b"\xff" * 40])
def test_a_file_that_is_no_model_is_refused(tmp_path, capsys, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert "no ONNX" in refusal(capsys, Predictor, path)


def test_an_absent_and_an_empty_file_are_refused(tmp_path, capsys):
    assert "there is no model in" in refusal(capsys, Predictor, tmp_path / "model.onnx")
    (tmp_path / "empty.onnx").touch()
    assert "there is no model in" in refusal(capsys, Predictor, tmp_path / "empty.onnx")


@pytest.mark.parametrize("opset", [11, 16, 99])
def test_a_wrong_operator_set_is_refused(tmp_path, capsys, opset):
    path = little_model(tmp_path / "model.onnx", opset=opset)
    assert f"operator set {opset}, not 17 to 23" in refusal(capsys, Predictor, path)


def test_operators_that_onnxruntime_does_not_bring_are_refused(tmp_path, capsys):
    path = little_model(tmp_path / "model.onnx", domain="evil")
    assert "operators of 'evil'" in refusal(capsys, Predictor, path)


def test_a_model_of_another_origin_is_refused(tmp_path, capsys):
    path = little_model(tmp_path / "model.onnx", card=None)
    assert "not exported by candlelab" in refusal(capsys, Predictor, path)


def test_a_foreign_recipe_is_refused(model, capsys):
    assert Predictor(model, recipe="ours").card == CARD
    assert "belongs to another run" in refusal(capsys, Predictor, model, recipe="theirs")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"series": np.full((1, 3, 2), np.nan, np.float32)}, "NaN or infinity"),
        ({"series": np.full((1, 3, 2), np.inf, np.float32)}, "NaN or infinity"),
        ({"series": np.ones((1, 3, 2))}, "holds float64"),
        ({"series": np.ones((1, 4, 2), np.float32)}, "has the shape (1, 4, 2)"),
        ({"series": np.ones((0, 3, 2), np.float32)}, "has the shape (0, 3, 2)"),
        ({"image": np.ones((1, 3, 2), np.float32)}, "reads series, and was given image"),
        ({}, "was given nothing"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(model, capsys, given, words):
    assert words in refusal(capsys, predict_batch, model, given)


def test_damaged_weights_are_noticed_in_the_answer(tmp_path, capsys):
    path = little_model(tmp_path / "model.onnx", weight=float("nan"))
    assert "are not finite" in refusal(capsys, predict_batch, path, bars())


def test_any_batch_size_is_answered(model):
    assert [predict_batch(model, bars(count))["logits"].shape for count in (1, 2, 7, 32)] == [
        (1, 2),
        (2, 2),
        (7, 2),
        (32, 2),
    ]


def test_prediction_imports_neither_torch_nor_anything_else_heavy():
    import subprocess
    import sys

    code = (
        "import sys, candlelab.export.predict\n"
        "print([m for m in ('torch', 'pandas', 'onnx', 'transformers', 'hydra', 'omegaconf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "forged",
    [["classes"], {"threshold": "high"}, {"threshold": float("nan")}, {"score": "foo"}, {"window": -1}, {"classes": 3}],
)
def test_forged_metadata_are_refused(tmp_path, capsys, forged):
    path = little_model(tmp_path / "model.onnx")
    whole = onnx.load(path)
    told = next(entry for entry in whole.metadata_props if entry.key == "candlelab")
    told.value = json.dumps(CARD | forged if isinstance(forged, dict) else forged)
    onnx.save(whole, path)
    assert "not exported by candlelab" in refusal(capsys, Predictor, path)


def test_a_damaged_name_inside_is_refused(model, capsys):
    content = model.read_bytes()
    assert content.count(b"series")
    model.write_bytes(content.replace(b"series", b"se\xba\xbaes"))
    assert refusal(capsys, Predictor, model)
