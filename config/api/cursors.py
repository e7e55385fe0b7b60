"""Where a page of a list ended, as text that a client hands back and need not understand."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from config.api.problems import Problem
from config.api.types import LARGEST, told


def cursor(*keys: datetime | int) -> str:
    """keys: what the list is sorted by, of the last row of the page."""
    text = json.dumps([told(key) if isinstance(key, datetime) else key for key in keys])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def keys(text: str, *kinds: type) -> list[Any]:
    """The keys that a cursor was made of, each of its kind (int or datetime); refuses any other text."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return [_key(value, kind) for value, kind in zip(found, kinds, strict=True)]
    except (ValueError, TypeError, RecursionError):
        raise Problem("not-found", "The cursor is not a `next` that the API gave for this list.") from None


def _key(value: Any, kind: type) -> datetime | int:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise ValueError(value)
    return value
