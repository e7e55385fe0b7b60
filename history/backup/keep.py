"""What MongoDB has of orders into a file, before it is mended: of what PostgreSQL lost, it is the only copy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from history.backup import files
from history.mirror import held
from history.mirror.writer import LIST


def documents(path: Path, order_ids: Sequence[int]) -> int:
    """Add the orders' documents to the file and return how many they are; raises OSError or PyMongoError."""
    kept = 0
    for start in range(0, len(order_ids), LIST):
        found = held.by_order({"$in": list(order_ids[start : start + LIST])})
        each = [document for documents in found.values() for document in documents]
        files.append(path, each)
        kept += len(each)
    return kept
