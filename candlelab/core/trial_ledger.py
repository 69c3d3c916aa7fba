"""Ledger of trials: an append-only log of every look at test rows, tamper-evident by the hash chain of core/hash_chain.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from candlelab.core.hash_chain import ChainLines, HashChain

LEDGER, HEAD = "ledger.jsonl", "ledger.head.json"
SEARCHED = "searched"  # state of a line of a trial that looked at validation alone


@dataclass(frozen=True)
class LookedAt:
    """The rows that were looked at: their source, symbols, and the times of the first and the last, ms UTC.

    source  a name of the market that is equal for equal bars; symbols of two sources are never the same.
    """

    source: str
    symbols: tuple[str, ...]
    first: int
    last: int

    def overlaps(self, entry: Mapping[str, Any]) -> bool:
        """Return whether a line of the ledger looked at some of these rows."""
        symbols, first, last = (entry.get(name) for name in ("symbols", "first", "last"))
        if (
            entry.get("source") != self.source
            or not isinstance(symbols, list)
            or type(first) is not int
            or type(last) is not int
        ):
            return False
        return first <= self.last and last >= self.first and any(symbol in self.symbols for symbol in symbols)


@dataclass(frozen=True)
class Ledger(ChainLines):
    """The lines of the ledger, and what is wrong with them."""

    def looks(self, part: LookedAt) -> int:
        """Return how many scorings looked at some of these test rows, repeated ones too."""
        return sum(part.overlaps(entry) for entry in self.entries)


def chain_of(outputs: Path) -> HashChain:
    """Return the log behind the ledger of an outputs folder."""
    return HashChain(outputs / LEDGER, "ledger of trials")


def append_trial(outputs: Path, entry: Mapping[str, Any]) -> int:
    """Append one line to outputs/ledger.jsonl and return its number, as `HashChain.append`."""
    return chain_of(outputs).append(entry)


def head_of(outputs: Path) -> dict[str, Any] | None:
    """Return the number and the hash of the ledger's last line; None without a ledger."""
    return chain_of(outputs).head()


def still_holds(outputs: Path, head: Mapping[str, Any]) -> bool:
    """Return whether the ledger still holds the line that was once its last."""
    return chain_of(outputs).holds(head)


def read_ledger(outputs: Path) -> Ledger:
    """Return the ledger of an outputs folder, with everything that shows that it was changed; empty where there is none."""
    found = chain_of(outputs).read()
    return Ledger(found.entries, found.faults)
