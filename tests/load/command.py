"""What the commands have in common: stores of their own, the settings of production, the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.core.management import call_command

from tests.faults.servers import Servers
from tests.load.parts import collect_static, production


@contextmanager
def stores(servers: Servers | None = None) -> Iterator[tuple[Servers, dict[str, str]]]:
    """Both stores on disk, migrated, and the environment of a shop on them, which is this process's too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with servers or Servers() as servers:
        environment = production(servers.home, DATABASE_URL=servers.postgres.url, MONGODB_URL=servers.mongodb.url)
        # Nothing is sent from here.
        os.environ |= environment | {"EMAIL_URL": "dummymail://"}
        django.setup()
        call_command("migrate", verbosity=0)
        collect_static(os.environ)
        yield servers, environment


def ended(figures: dict[str, float], problems: list[str]) -> int:
    """Print what came of it and return the exit code."""
    print(
        ", ".join(
            f"{name} {number:,.4g}" if number % 1 else f"{name} {number:,.0f}" for name, number in figures.items()
        )
    )
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    print(f"{len(problems)} problems" if problems else "nothing failed, nothing was lost, nothing came twice")
    return int(bool(problems))
