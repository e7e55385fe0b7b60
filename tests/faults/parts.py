"""The parts of a shop that the fault suite kills: processes to be stopped, looked at, killed and started again."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.faults import children, journal

# Forked off a process without threads or connections, which has imported everything.
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.faults.children"])

# Attempts to stop a part while it has work in hand, and seconds in between.
TRIES = 40
TRY_PAUSE = 0.012


class Part:
    """One relay or web worker under a fixed name, through all its restarts. Its database sessions carry the name."""

    def __init__(self, name: str, home: Path, environment: dict[str, str], seed: str) -> None:
        self.name = name
        self.generation = 0
        self.armed = ""
        self.is_asked_to_end = False
        self.journal = home / f"{name}.journal"
        self._log = home / f"{name}.log"
        self._environment = environment | {"PGAPPNAME": name}
        self._seed = seed
        self._process: BaseProcess | None = None

    @property
    def is_web(self) -> bool:
        return self.name.startswith("web")

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode if self._process else None

    def start(self, point: str = "", hit: int = 1) -> None:
        """Start it, armed with a fault point or not."""
        self.generation += 1
        self.armed = point
        environment = self._environment | ({"FAULT_POINT": point, "FAULT_HIT": str(hit)} if point else {})
        if self.is_web:
            of_web = (self.name, self.generation, self._seed, self.journal)
            self._process = _forks.Process(target=children.web, args=(environment, self._log, *of_web))
        else:
            self._process = _forks.Process(target=children.relay, args=(environment, self._log))
        self._process.start()

    def drain(self, batch: int, point: str, hit: int) -> int | None:
        """Let a relay deliver what is pending in batches of so many events, armed; return its exit code."""
        environment = self._environment | {"FAULT_POINT": point, "FAULT_HIT": str(hit)}
        self._process = _forks.Process(target=children.relay, args=(environment, self._log, batch, True))
        self._process.start()
        return self.wait()

    def command(self, arguments: list[str], point: str = "", hit: int = 1) -> None:
        """Start a command of manage.py, armed with a fault point or not."""
        environment = self._environment | ({"FAULT_POINT": point, "FAULT_HIT": str(hit)} if point else {})
        self._process = _forks.Process(target=children.command, args=(environment, self._log, arguments))
        self._process.start()

    def wait(self, seconds: float = 30.0) -> int | None:
        assert self._process
        self._process.join(seconds)
        return self.exit_code

    def has_unfinished(self) -> bool:
        """Whether the log of this (stopped or dead) client ends within an operation."""
        return (journal.last(self.journal) or {}).get("do") == "invoke"

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process and self._process.pid and self._process.is_alive():
                os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.join(10)

    def end(self, seconds: float = 15.0) -> bool:
        """Ask it to end; False where it had to be killed."""
        self.is_asked_to_end = True
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._process:
            self._process.join(seconds)
        if self.is_alive:
            self.kill()
            return False
        return True


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that stands still meanwhile; it may be killed there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def tries() -> Iterator[int]:
    for number in range(TRIES):
        yield number
        time.sleep(TRY_PAUSE)
