"""What the processes below this one used of the processor, by program: where the next core would have to go."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
# The first that a command line has in it.
PROGRAMS = {"guard.py": "", "postgres": "PostgreSQL", "secantus": "MongoDB", "gunicorn": "web", "relay": "relay"}


class Process(NamedTuple):
    parent: int
    program: str
    seconds: float


class Cpu:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._before = _used()

    def used(self) -> Counter[str]:
        """Seconds since, by program; those of a process that has ended are lost, unless it was a child of another."""
        return _used() - self._before


def _used() -> Counter[str]:
    every = _processes()
    found: Counter[str] = Counter()
    for pid, process in every.items():
        if process.program and _is_below(pid, every):
            found[process.program] += process.seconds  # type: ignore[assignment]
    return found


def _is_below(pid: int, every: dict[int, Process]) -> bool:
    while pid in every and pid != os.getpid():
        pid = every[pid].parent
    return pid == os.getpid()


def _processes() -> dict[int, Process]:
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may hold anything.
            stat = (directory / "stat").read_text().rpartition(")")[2].split()
            command = (directory / "cmdline").read_text()
        except OSError:  # it has ended meanwhile
            continue
        program = next((name for part, name in PROGRAMS.items() if part in command), "")
        # Its own, and those of its children that have ended.
        found[int(directory.name)] = Process(int(stat[1]), program, sum(map(int, stat[11:15])) / TICKS)
    return found
