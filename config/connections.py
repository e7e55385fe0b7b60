"""How many connections each worker of this web server has, known to all of them.

gunicorn's master imports this before it forks, so that its workers share the memory below.
"""

from __future__ import annotations

import mmap
import struct

# Workers are numbered as they are started; two that are as far apart as this are never alive together.
WORKERS = 256
# One more than a worker has; 0 for a number of which there is no worker that lets anybody in.
_COUNTS = struct.Struct(f"={WORKERS}I")
_COUNT = struct.Struct("=I")

_memory = mmap.mmap(-1, _COUNTS.size)


def tell(worker: int, connections: int) -> None:
    """Say how many this worker has now."""
    _COUNT.pack_into(_memory, worker % WORKERS * _COUNT.size, connections + 1)


def forget(worker: int) -> None:
    """It lets nobody in any more."""
    _COUNT.pack_into(_memory, worker % WORKERS * _COUNT.size, 0)


def has_fewest(worker: int) -> bool:
    """Whether no other worker has fewer."""
    counts = _COUNTS.unpack(_memory)
    own = counts[worker % WORKERS]
    return all(other == 0 or other >= own for other in counts)
