"""A product's attributes as text: JSON that the database keeps and every page can show."""

from __future__ import annotations

import json
from typing import Any

# Objects and lists in each other; pages that show them go down as far.
DEEPEST = 10


def parse(text: str) -> Any:
    """Return what the JSON says; raises ValueError for what is none, or none that PostgreSQL keeps."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        # Halves of characters do not encode, and a number may be too large for any.
        kept = json.dumps(value, ensure_ascii=False, allow_nan=False).encode().decode()
        is_deep = _depth(value) > DEEPEST
    except RecursionError:
        is_deep, kept = True, ""
    if is_deep or "\\u0000" in kept:
        raise ValueError("nested too deeply, or with NUL characters")
    return value


def _refuse(constant: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{constant} is no JSON")


def _depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if parts is None else 1 + max(map(_depth, parts), default=0)
