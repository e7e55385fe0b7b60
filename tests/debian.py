"""Programs that tests run, from Debian's packages where we may install them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Several workers of one run miss a program at the same moment, and a package manager refuses the second."""
    with Path(__file__).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def install(package: str) -> None:
    """Install it where this is Debian and we are root; otherwise do nothing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    sys.stderr.write(f"installing {package} for the tests (a minute or two, only the first time)\n")
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", package]):
        subprocess.run(["apt-get", *command], check=False, env=environment, capture_output=True)
