"""How much each worker of this web server has to do, known to all of them: who has least lets newcomers in.

gunicorn's master imports this before it forks, so that its workers share the memory below.
"""

from __future__ import annotations

import mmap
import struct

# Workers are numbered as they are started. Two that share a place, because so many were started meanwhile, tell each
# other's as their own: then newcomers are not shared out between them.
WORKERS = 256
# One more than a worker has; 0 where there is none that lets anybody in.
_COUNTS = struct.Struct(f"={WORKERS}I")
_COUNT = struct.Struct("=I")
# As many connections count as having no thread free: whoever is let in there waits, and is not idle like most of them.
BUSY = 1 << 20

_memory = mmap.mmap(-1, _COUNTS.size)


def tell(worker: int, connections: int, *, is_busy: bool = False) -> None:
    """Say how many this worker has now, and whether all its threads are at work."""
    _COUNT.pack_into(_memory, worker % WORKERS * _COUNT.size, connections + 1 + BUSY * is_busy)


def forget(worker: int) -> None:
    """It lets nobody in any more."""
    _COUNT.pack_into(_memory, worker % WORKERS * _COUNT.size, 0)


def has_fewest(worker: int) -> bool:
    """Whether no other worker has less to do."""
    counts = _COUNTS.unpack(_memory)
    own = counts[worker % WORKERS]
    return all(other == 0 or other >= own for other in counts)
