"""Files with personal data: only their owner reads them, and readers find them whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_file(path: Path) -> None:
    """Make the file where it is missing; one that is there becomes private. Raises OSError."""
    path.touch(mode=0o600)
    path.chmod(0o600)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary private file to write to, which takes the place of `path` once the body has succeeded.

    Raises OSError.
    """
    if path.exists() and not path.is_file():  # such as /dev/null
        yield path
        return
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}.partial")
    make_file(draft)
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
