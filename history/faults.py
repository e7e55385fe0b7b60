"""Named places where a process can be made to die, for the tests of what survives that.

Nothing happens there unless FAULT_POINT names one in the process's environment; then the process kills itself with
SIGKILL, as a power cut would, the FAULT_HIT-th time (default: the first) that it passes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

RELAY_POINTS = (
    "relay: after claim",
    "relay: mid bulk",
    "relay: after ack",
    "relay: before mark",
    "relay: before commit",
)
WEB_POINTS = ("web: before commit", "web: after commit", "web: before the wake-up")
KEEPER_POINTS = ("keeper: after take", "keeper: mid write", "keeper: before commit")
ARCHIVE_POINTS = (
    "archive: after lock",
    "archive: before commit",
    "archive: after commit",
    "archive: mid mark",
)
RESTORE_POINTS = ("restore: after insert", "restore: before commit", "restore: after commit")
ERASE_POINTS = (
    "erase: after words",
    "erase: before tables commit",
    "erase: after tables",
    "erase: after stubs",
    "erase: mid documents",
    "erase: before certificate",
)
POINTS = RELAY_POINTS + WEB_POINTS + KEEPER_POINTS + ARCHIVE_POINTS + RESTORE_POINTS + ERASE_POINTS

_armed: str | None = None
_hits_left = 0


def arm(name: str, hit: int = 1) -> None:
    """Die at the named point, the hit-th time it is passed. Raises ValueError for a name there is not."""
    global _armed, _hits_left  # a check of one global is all that an unarmed point costs
    if name not in POINTS:
        raise ValueError(f"No fault point is called {name!r}; there are: {', '.join(POINTS)}.")
    _armed, _hits_left = name, hit


def point(name: str) -> None:
    """Pass a named point; returns at once where it is not armed."""
    if _armed == name:
        _pass()


def split(name: str, rows: Mapping[Key, Value]) -> Iterator[Mapping[Key, Value]]:
    """Return the rows in one piece; where the point is armed one by one, and the point is passed after each."""
    if _armed != name:
        yield rows
        return
    for key, value in rows.items():
        yield {key: value}
        point(name)


def _pass() -> None:
    global _hits_left  # noqa: PLW0603
    _hits_left -= 1
    if _hits_left <= 0:
        sys.stderr.write(f"fault point: {_armed}\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)


if os.environ.get("FAULT_POINT"):
    arm(os.environ["FAULT_POINT"], int(os.environ.get("FAULT_HIT") or 1))
