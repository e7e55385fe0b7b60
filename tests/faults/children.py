"""What relay and web are as processes of the fault suite: forked off a process that has everything imported.

Imported by that process first, so that a restart costs milliseconds. Importing it sets Django up.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.conf import settings
from django.core.management import call_command
from tqdm import tqdm

import history.management.commands.relay
import history.mirror.relay
from config import tether
from history import faults
from tests.faults.web import Web

# One process has no use for a lock between several, and would leave it behind when killed.
tqdm.set_lock(threading.RLock())
assert history.management.commands.relay  # imported here for the processes forked off


def relay(environment: dict[str, str], log: Path, batch: int = 0, drain: bool = False) -> None:
    """`manage.py relay` on MONGODB_URL of the environment; batch: events claimed at a time, 0 for as many as ever."""

    def run() -> None:
        settings.MONGODB_URL = os.environ["MONGODB_URL"]
        if batch:
            deliver = history.mirror.relay.deliver_batch
            history.mirror.relay.deliver_batch = lambda: deliver(batch)
        call_command("relay", drain=drain)

    _be(environment, log, run)


def web(environment: dict[str, str], log: Path, name: str, generation: int, seed: str, journal: Path) -> None:
    _be(environment, log, Web(name, generation, seed, journal).run)


def command(environment: dict[str, str], log: Path, arguments: list[str]) -> None:
    """`manage.py` with these arguments."""
    _be(environment, log, lambda: call_command(*arguments))


def _be(environment: dict[str, str], log: Path, run: Callable[[], None]) -> None:
    """Run as a process of its own would: with its environment, its log, and an end when the suite ends."""
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    tether.start()
    if "FAULT_POINT" in environment:
        faults.arm(environment["FAULT_POINT"], int(environment.get("FAULT_HIT", 1)))
    run()
