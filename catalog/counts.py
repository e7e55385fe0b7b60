"""What is kept for a moment: counts beside a list may be some seconds old, the longer the dearer they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Counted = TypeVar("Counted")

# Seconds. What took 200 ms to count is good for 20 s.
KEEP_SHORTEST = 10.0
KEEP_FACTOR = 100
KEEP_LONGEST = 60.0
ROOM = 2000

_kept: dict[Hashable, tuple[float, Any]] = {}
_lock = Lock()


def kept(key: Hashable, count: Callable[[], Counted]) -> Counted:
    """Return count(), or what it returned for this key in this process a moment ago."""
    now = time.monotonic()
    with _lock:
        until, counted = _kept.get(key, (0.0, None))
        if until:
            if now < until:
                return counted  # type: ignore[no-any-return]
            # The others go on with the old numbers while this thread counts anew.
            _kept[key] = (now + KEEP_LONGEST, counted)
    counted = count()
    took = time.monotonic() - now
    with _lock:
        _kept.pop(key, None)
        _kept[key] = (now + took + min(max(took * KEEP_FACTOR, KEEP_SHORTEST), KEEP_LONGEST), counted)
        while len(_kept) > ROOM:
            del _kept[next(iter(_kept))]
    return counted
