"""Compute again what a finished run says: hashes, verdict, a sample of its predictions, and the ledger of trials."""

from __future__ import annotations

from omegaconf import DictConfig

from candlelab.core.errors import UserError
from candlelab.pipeline.audits.verification import verify_score


def verify(cfg: DictConfig, *, run: str) -> dict[str, list[str]]:
    """Print each check; return {check: what differs}.

    run  a run's folder, the folder of a what-if score, one of their files, a model card, or user/name on the hub.
    Raises UserError that names everything that is not as it was written or comes out otherwise.
    """
    checks = verify_score(run)
    for check in checks:
        word = "DIFFERS" if check.faults else "not checked" if check.unchecked else "holds"
        print(f"{check.name:<12} {word}{f' ({check.unchecked})' if check.unchecked else ''}", flush=True)
    faults = [fault for check in checks for fault in check.faults]
    if faults:
        shown = "".join(f"\n  - {fault}" for fault in faults[:20])
        more = f"\n  and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise UserError(f"'{run}' does not hold, it is not what was written or comes out otherwise:{shown}{more}")
    print(f"\n'{run}' holds: what could be computed again is what it says", flush=True)
    return {check.name: list(check.faults) for check in checks}
