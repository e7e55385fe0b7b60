"""A Chromium for the tests: the system's, Debian's package where we may install it, or the test library's own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No browser for the browser tests: install Chromium (on Debian and Ubuntu: apt install chromium) "
    "and run the tests again; {reason}"
)


class NoBrowserError(Exception):
    """Says in one sentence what to do."""


def find() -> str | None:
    """Return the browser to use, installed if need be; None means the test library's own.

    Raises NoBrowserError.
    """
    if found := _installed():
        return found
    with _one_at_a_time():
        return _installed() or _from_debian() or _from_library()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Several workers of one run find no browser at the same moment, and a package manager refuses the second."""
    with Path(__file__).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _from_debian() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    quietly = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True}
    sys.stderr.write("installing chromium for the browser tests (a minute or two, only the first time)\n")
    subprocess.run(["apt-get", "update", "-q"], check=False, **quietly)
    subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", "chromium"], check=False, **quietly)
    return _installed()


def _from_library() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NoBrowserError(MISSING.format(reason=f"the test library could not fetch its own: {lines[-1][:200]}"))
