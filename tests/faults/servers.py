"""Both databases on disk, durable, for one run; their addresses are in the environment before Django is set up."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from config import tether
from config.embedded import addresses
from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer


class Servers:
    """`with Servers() as servers`: running meanwhile, their data gone afterwards unless something went wrong."""

    def __init__(self) -> None:
        self.is_kept = False
        self.home = Path(tempfile.mkdtemp(prefix="user-order-system-faults-"))
        self.home.chmod(0o755)  # where root runs it, PostgreSQL runs as another user
        self.postgres = PostgresServer(self.home)
        self.mongodb = MongoServer(self.home)

    def __enter__(self) -> Servers:
        try:
            self.postgres.start()
            self.mongodb.start()
        except BaseException:
            self.__exit__()
            raise
        os.environ |= {
            "DATABASE_URL": self.postgres.url,
            "MONGODB_URL": self.mongodb.url,
            "SECRET_KEY": "only-for-the-faults",
            "LOCAL": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            tether.OWNER_VARIABLE: str(os.getpid()),
        }
        return self

    def __exit__(self, error: type[BaseException] | None = None, *_: object) -> None:
        for server in (self.mongodb, self.postgres):
            server.stop()
        shutil.rmtree(addresses.socket_dir(self.home), ignore_errors=True)
        if self.is_kept or (error is not None and issubclass(error, Exception)):
            print(f"logs and data are kept in {self.home}", file=sys.stderr)
        else:
            shutil.rmtree(self.home, ignore_errors=True)
