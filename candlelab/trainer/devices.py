"""Accelerator and device settings of the Trainer, checked against the machine before anything starts."""

from __future__ import annotations

import re

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
    seen = torch.cuda.device_count()
    if accelerator in ("gpu", "cuda", "auto") and seen and text.isdigit() and int(text) > seen:
        raise UserError(f"devices is {devices}, but torch sees {seen} on this machine; give at most {seen}")


def _there(accelerator: str) -> bool:
    """Return whether torch sees such an accelerator; what torch alone cannot tell is left to Lightning."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    return {"gpu": cuda or mps, "cuda": cuda, "mps": mps}.get(accelerator, True)
