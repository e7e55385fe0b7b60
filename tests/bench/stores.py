"""The databases that a measure works on, and Django set up over them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "only-for-measuring",
    "LOCAL": "1",
    # Counted as in production, but all visitors of a measure come from here.
    "RATE_LIMITS": "search=1000000,checkout=1000000,export=1000000",
}
# Where the question is whether the figures are right, on a busy machine too. An index over everything is made anew;
# and pymongo's heartbeat gives up after CONNECT and cancels what is running, where the embedded server, busy with one
# aggregation over everything, does not answer it in a second.
PATIENCE = {
    "MONGODB_READ_TIMEOUT_MS": "600000",
    "MONGODB_WRITE_TIMEOUT_MS": "600000",
    "MONGODB_CONNECT_TIMEOUT_MS": "60000",
}


@contextmanager
def databases(kept: Path | None = None, *, is_patient: bool = False, are_running: bool = False) -> Iterator[None]:
    """Those of a data directory that is kept, the given databases, or durable ones in a temporary directory.

    are_running: the running ones that the settings find by themselves. What the environment says already stays.
    """
    for name, value in (SETTINGS | (PATIENCE if is_patient else {})).items():
        os.environ.setdefault(name, value)
    with ExitStack() as stack:
        given = not kept and os.environ.get("DATABASE_URL") and os.environ.get("MONGODB_URL")
        if not given and not are_running:
            _start(kept, stack)
        django.setup()
        yield


def _start(kept: Path | None, stack: ExitStack) -> None:
    from config.embedded import lock
    from config.embedded.mongodb import MongoServer
    from config.embedded.postgres import PostgresServer

    hold = []
    if kept:
        directory, hold = kept, [lock.claim(kept)]
    else:
        directory = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
    directory.chmod(0o755)  # where root runs it, PostgreSQL runs as another user
    for server in (PostgresServer(directory, hold=hold), MongoServer(directory, hold=hold)):
        stack.callback(server.stop)
        server.start()
        os.environ[{"postgres": "DATABASE_URL", "mongodb": "MONGODB_URL"}[server.name]] = server.url
