"""Our ViT and BERT are those of transformers: first weights, answers and gradients, bit for bit."""

import pytest
import torch
from hf_twins import seeded, twin

from candlelab.model.transformer import Bert, ViT, Width

SIZES = Width(32, 4, 64, 0.1)


def nets(kind: str):
    """Our net and theirs from one seed, each with the random number that comes after it."""
    make = (lambda: ViT((3, 32, 32), (8, 8), SIZES, 2)) if kind == "vit" else (lambda: Bert(40, 12, SIZES, 2))
    ours = seeded(make)
    return ours, seeded(lambda: twin(ours[0], dropout=0.1))


def answers(kind: str, ours, theirs, masked: bool):
    generator = torch.Generator().manual_seed(0)
    if kind == "vit":
        image = torch.randn(5, 3, 32, 32, generator=generator)
        return (lambda: ours(image)), (lambda: theirs(image).last_hidden_state)
    ids, mask = torch.randint(0, 40, (5, 12), generator=generator), torch.ones(5, 12, dtype=torch.bool)
    mask[:, 9:] = not masked
    return (lambda: ours(ids, mask)), (lambda: theirs(ids, attention_mask=mask.long()).last_hidden_state)


@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_first_weights_are_those_of_transformers(kind):
    (ours, after), (theirs, after_theirs) = nets(kind)
    assert list(ours.state_dict()) == list(theirs.state_dict()) and after == after_theirs
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("kind", "masked"), [("vit", False), ("bert", False), ("bert", True)])
def test_answers_and_gradients_are_those_of_transformers(kind, masked, training):
    (ours, _), (theirs, _) = nets(kind)
    made = []
    for net, answer in zip((ours, theirs), answers(kind, ours, theirs, masked), strict=True):
        net.train(training)
        made.append(seeded(answer)[0])
        made[-1].square().sum().backward()
    assert torch.equal(*made)
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_an_exported_graph_takes_any_number_of_rows(kind):
    net = nets(kind)[0][0].eval()
    given = (
        (torch.zeros(3, 3, 32, 32),) if kind == "vit" else (torch.ones(3, 12, dtype=torch.int64), torch.ones(3, 12) > 0)
    )
    rows = torch.export.Dim("batch", min=1, max=64)
    graph = torch.export.export(net, given, dynamic_shapes=tuple({0: rows} for _ in given)).module()
    assert graph(*(tensor[:1] for tensor in given)).shape[0] == 1
