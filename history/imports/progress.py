"""Progress of the commands: a bar on a terminal, and the memory it took."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def bar(what: str, total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """A progress bar, on a terminal only."""
    with tqdm(total=total, desc=what, unit=unit if unit == "B" else f" {unit}", unit_scale=True, disable=None) as shown:
        yield shown.update


def peak_megabytes() -> int:
    """Return the most memory this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1_000_000 if sys.platform == "darwin" else 1_000)
