"""One server under a guard: started, watched and stopped as a unit."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

LOG_LIMIT_BYTES = 5_000_000


class ServerError(Exception):
    """A database server could not be started; the message says why and what to do, in one sentence."""


def open_log(path: Path) -> IO[bytes]:
    """The file opened for appending; the previous one is kept as `.1` once it has grown past LOG_LIMIT_BYTES."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def last_line(path: Path) -> str:
    """The last line with text of a log file, for an error message."""
    try:
        lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "no output"


class Guarded:
    """A running command that ends when stop() is called or this process ends, even by kill -9."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        signals: str,
        log: Path,
        cwd: Path,
        env: Mapping[str, str],
        user: tuple[int, int] | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        """signals: names, the first asks for the stop, the next ones insist. user: uid and gid to run as.

        hold: file descriptors kept open until the command has ended (a lock that must outlive this process).
        """
        guard = str(Path(__file__).with_name("guard.py"))
        who = "-" if user is None else f"{user[0]}:{user[1]}"
        with open_log(log) as output:
            self._guard = subprocess.Popen(
                # -I -S: the guard needs no site-packages and must not pick up modules from the environment.
                [sys.executable, "-I", "-S", guard, signals, who, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=dict(env),
                pass_fds=tuple(hold),
            )

    def poll(self) -> int | None:
        """None while it runs, else the exit code (128 + signal when killed)."""
        return self._guard.poll()

    def stop(self) -> int:
        """Ask it to end, wait until it has, return the exit code."""
        if self._guard.stdin and not self._guard.stdin.closed:
            self._guard.stdin.close()
        return self._guard.wait()


class Server:
    """One embedded server: whether it runs, and its end."""

    _running: Guarded | None = None

    @property
    def is_running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def poll(self) -> int | None:
        """None while it runs, else its exit code; -1 when it was not started."""
        return self._running.poll() if self._running else -1

    def stop(self) -> None:
        """End it cleanly; returns when it has ended."""
        if self._running:
            self._running.stop()
            self._running = None
