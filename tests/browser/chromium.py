"""A Chromium for the tests: the system's, Debian's package where we may install it, or the test library's own."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests import debian

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
    with debian.one_at_a_time():
        debian.install("chromium")
        return _installed() or _from_library()


def _installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _from_library() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NoBrowserError(MISSING.format(reason=f"the test library could not fetch its own: {lines[-1][:200]}"))
