"""A small disk of its own for PostgreSQL, to be filled up. Only root may mount one."""

from __future__ import annotations

import os
import subprocess
from errno import ENOSPC
from pathlib import Path

MEGABYTES = 400


def is_possible() -> bool:
    return os.getuid() == 0


class SmallDisk:
    """`with SmallDisk(folder) as disk`: mounted there; the folder is empty again in the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def __enter__(self) -> SmallDisk:
        self._folder.mkdir(parents=True)
        options = f"size={MEGABYTES}m,mode=0755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._folder)], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", str(self._folder)], check=True)

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (2**20, 2**12, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError as error:
                    if error.errno != ENOSPC:
                        raise

    def clear(self) -> None:
        self._ballast.unlink(missing_ok=True)
