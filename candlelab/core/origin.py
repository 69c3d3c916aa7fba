"""Origin marks: tell what this person made from what came from elsewhere, by a keyed hash (HMAC-SHA-256, RFC 2104).

The key never leaves this account; a mark can be neither forged nor carried over to an edited file.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path


def key_path() -> Path:
    """Return where the key lies: candlelab/origin.key in the account's configuration folder."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "candlelab" / "origin.key"


def mark_of(data: bytes) -> str | None:
    """Return the mark of something made here, 64 hex digits; None where no key can be kept."""
    key = _key() or _new_key()
    return None if key is None else hmac.new(key, data, hashlib.sha256).hexdigest()


def is_ours(data: bytes, mark: str | None) -> bool:
    """Return whether a mark was made here of exactly these bytes."""
    key = _key()
    return (
        key is not None
        and isinstance(mark, str)
        and mark.isascii()
        and hmac.compare_digest(hmac.new(key, data, hashlib.sha256).hexdigest(), mark)
    )


def _key() -> bytes | None:
    try:
        return key_path().read_bytes() or None
    except (OSError, RuntimeError):  # RuntimeError: this account has no home
        return None


def _new_key() -> bytes | None:
    """Make the key, readable by this account alone; whoever comes second takes the first one's."""
    try:
        path = key_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, RuntimeError):
        return None
    return _key()
