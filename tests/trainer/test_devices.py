"""What trainer.accelerator and trainer.devices may be on a machine."""

import pytest
import torch

from candlelab.core.errors import UserError
from candlelab.trainer.devices import check_devices


@pytest.mark.parametrize("devices", [-1, "-1", "0,1"])
def test_a_cpu_has_no_numbered_devices(devices):
    with pytest.raises(UserError, match="a CPU has no numbered devices"):
        check_devices("cpu", devices)


def test_a_device_beyond_the_last_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_devices("cuda", "0,1")
    check_devices("cuda", -1)
    for devices in (3, "1,2"):
        with pytest.raises(UserError, match="torch sees 2"):
            check_devices("cuda", devices)


def test_a_tpu_needs_its_package(monkeypatch):
    monkeypatch.setattr("candlelab.trainer.devices.find_spec", lambda name: None)
    with pytest.raises(UserError, match="accelerator is tpu"):
        check_devices("tpu", 1)
