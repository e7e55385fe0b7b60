"""The certificate of an erasure: who was erased (by number), by whom, when, and how much that was in either store."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from users.models import Erasure

FIELDS = (
    *("erasure_id", "user_id", "asked_by", "asked_by_name", "asked_at"),
    *("confirmed_by", "confirmed_by_name", "confirmed_at", "finished_at", "counts"),
)


def of(erasure: Erasure) -> dict[str, Any]:
    """Return the certificate of a finished erasure as JSON values; nothing in it tells who the person was."""
    told = {name: getattr(erasure, name) for name in FIELDS}
    told |= {name: told[name].isoformat() for name in FIELDS if name.endswith("_at")}
    return {**told, "sha256": erasure.sha256}


def sha256(erasure: Erasure) -> str:
    """Return the digest of what the certificate says, its fields by name: whoever changes it later shows."""
    told = {name: value for name, value in of(erasure).items() if name != "sha256"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
