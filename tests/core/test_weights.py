"""A net takes no more memory than its weights pay for, and takes its weights as they are."""

import pytest
import torch
from safetensors.torch import save_file

from candlelab.core.reading import Unreadable
from candlelab.core.weights import SPARE, budget, net_for, numbers_in


def stored(tmp_path, net):
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_the_header_tells_how_many_numbers_there_are(tmp_path):
    assert numbers_in(stored(tmp_path, torch.nn.Linear(3, 4))) == 16


def test_a_net_without_end_is_stopped_before_it_fills_the_memory(tmp_path):
    path, made = stored(tmp_path, torch.nn.Linear(3, 4)), []

    def endless():
        while True:
            made.append(torch.nn.Linear(100, 100))

    with pytest.raises(Unreadable, match="asks for more than"):
        net_for(path, endless)
    assert len(made) <= SPARE / 10_000 + 1


def test_a_huge_layer_is_refused_before_its_memory_is_taken(tmp_path):
    with pytest.raises(Unreadable, match="asks for more than"):
        net_for(stored(tmp_path, torch.nn.Linear(3, 4)), lambda: torch.nn.Linear(10**7, 10**7))


def test_a_long_range_counts_as_its_length():
    with pytest.raises(ValueError, match="asks for more than"), budget(1000):
        torch.linspace(0, 1, 10**10)


def test_weights_of_another_kind_are_not_cast(tmp_path):
    path = stored(tmp_path, torch.nn.Linear(3, 4).double())
    with pytest.raises(Unreadable, match=r"as torch\.float64"):
        net_for(path, lambda: torch.nn.Linear(3, 4))


def test_a_net_gets_its_weights(tmp_path):
    net = torch.nn.Linear(3, 4)
    assert torch.equal(net_for(stored(tmp_path, net), lambda: torch.nn.Linear(3, 4)).weight, net.weight)
