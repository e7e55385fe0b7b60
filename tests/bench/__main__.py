"""make bench: what the product costs beside the least it could cost, each pair measured in one run.

Every figure is a ratio or stands beside its limit, because machines differ. Data is made for the run and gone after it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import django
from django.core.management import call_command

from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer


def main() -> None:
    directory = Path(tempfile.mkdtemp(prefix="user-order-system-bench-"))
    directory.chmod(0o755)  # where root runs it, PostgreSQL runs as another user
    servers = [PostgresServer(directory), MongoServer(directory)]
    try:
        for server in servers:
            server.start()
        os.environ |= {
            "DATABASE_URL": servers[0].url,
            "MONGODB_URL": servers[1].url,
            "SECRET_KEY": "only-for-the-bench",
            "LOCAL": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        _run()
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _run() -> None:
    # They import models, which need the settings made above.
    from tests.bench import mirror, writes

    for measure in (writes.capture, writes.placing, mirror.lag, mirror.backlog):
        print(measure(), flush=True)


if __name__ == "__main__":
    main()
