"""How often something was done lately, counted by all workers of this web server together.

gunicorn's master imports this before it forks, so that its workers share the memory below; any other process counts for
itself. No store is asked and nothing is waited for: a hit takes about a microsecond. Two workers that count the same
thing at the same moment may lose a hit, and two visitors in SLOTS share a slot; for limits both are good enough.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Hashable

SLOTS = 1 << 18
# The number of the period that a slot counts in, and its hits.
SLOT = struct.Struct("=II")

_memory = mmap.mmap(-1, SLOTS * SLOT.size)


def hit(what: Hashable, seconds: int) -> int:
    """Count it and return how often it was done, this time included, since the period of so many seconds began."""
    # Nobody can choose what shares a slot: Python's hash has a secret, and forked workers have the same one.
    at = hash((what, seconds)) % SLOTS * SLOT.size
    period = int(time.time()) // seconds & 0xFFFFFFFF
    counted_in, count = SLOT.unpack_from(_memory, at)
    count = count + 1 if counted_in == period else 1
    SLOT.pack_into(_memory, at, period, min(count, 0xFFFFFFFF))
    return int(count)


def seconds_left(seconds: int) -> int:
    """How long the period at hand still lasts, at least 1."""
    return seconds - int(time.time()) % seconds


def forget() -> None:
    """Begin anew."""
    _memory[:] = bytes(len(_memory))
