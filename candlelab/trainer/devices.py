"""Accelerator and device settings of the Trainer, checked against the machine before anything starts."""

from __future__ import annotations

import re
from importlib.util import find_spec

import torch

from candlelab.core.errors import UserError

KINDS = ("auto", "cpu", "gpu", "cuda", "mps", "tpu")


def check_devices(accelerator: str, devices: int | str) -> None:
    """Raise UserError for an accelerator this machine lacks, or for devices that are no count and no list of numbers."""
    if accelerator not in KINDS:
        raise UserError(f"accelerator is '{accelerator}'; choose one of {', '.join(KINDS)}")
    if not _there(accelerator):
        raise UserError(f"accelerator is {accelerator}, but torch sees none on this machine; choose auto or cpu")
    text = str(devices)
    if not re.fullmatch(r"auto|-1|[1-9]\d{0,3}|\d+(,\d+)+", text):
        raise UserError(f"devices is {devices}; give how many (1 or more), auto, or numbers such as '0,1'")
    if accelerator == "cpu" or (accelerator == "auto" and not _there("gpu")):
        if text != "auto" and not text.isdigit():
            raise UserError(
                f"devices is {devices}, but a CPU has no numbered devices; give how many processes, or auto"
            )
        return
    seen = torch.cuda.device_count()
    if seen and any(number >= seen for number in _numbers(text)):
        raise UserError(f"devices is {devices}, but torch sees {seen} on this machine; give at most {seen}")


def _numbers(text: str) -> list[int]:
    """Return the numbers of the devices that are asked for, counted from 0; none for all of them."""
    if text.isdigit():
        return [int(text) - 1]
    return [int(part) for part in text.split(",")] if "," in text else []


def _there(accelerator: str) -> bool:
    """Return whether torch sees such an accelerator; what torch alone cannot tell is left to Lightning."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    tpu = find_spec("torch_xla") is not None
    return {"gpu": cuda or mps, "cuda": cuda, "mps": mps, "tpu": tpu}.get(accelerator, True)
