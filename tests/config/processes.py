"""Looking at and starting processes, for the tests of what runs them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def command_lines(containing: str) -> dict[int, str]:
    """pid → command line of every process, zombies aside, whose command line contains the text."""
    listing = subprocess.run(["ps", "-eww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    found = {}
    for line in listing.stdout.splitlines():
        pid, status, args = line.strip().split(maxsplit=2)
        if containing in args and not status.startswith("Z") and int(pid) != os.getpid():
            found[int(pid)] = args
    return found


def guarded(data_dir: Path, program: str) -> int:
    """The pid of a server of this data directory ("postgres" or "secantus"), not that of its guard."""
    pids = [
        pid
        for pid, args in command_lines(str(data_dir.resolve())).items()
        if program in args and "guard.py" not in args
    ]
    assert len(pids) == 1, command_lines(str(data_dir))
    return pids[0]


def children(pid: int) -> list[int]:
    """The processes that this one has started and that have not ended."""
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return [int(line) for line in listing.stdout.split()]


def database_url() -> str:
    """The address of the database that this test is on, for a process of its own."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Embedded:
    """A running `python -m config.embedded`."""

    # All of them, so that a failed test leaves none behind.
    started: ClassVar[list["Embedded"]] = []

    def __init__(
        self, data_dir: Path, *, python: str = sys.executable, user: int | None = None, **variables: str
    ) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "MONGODB_URL")}
        self.lines: list[str] = []
        self.started.append(self)
        self.process = subprocess.Popen(
            [python, "-m", "config.embedded"],
            env=kept | {"DATA_DIR": str(data_dir)} | variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )

    def until(self, text: str) -> str:
        """Read its lines until one contains the text, and return that line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return line.rstrip()
        self.process.wait()
        self.process.stdout.close()
        raise AssertionError(f"{text!r} was not said in {self.lines}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.lines += rest.splitlines()
        return self.process.returncode

    @classmethod
    def end_all(cls) -> None:
        while cls.started:
            process = cls.started.pop().process
            if process.poll() is None:
                process.kill()
                process.communicate()
