"""A pytest plugin (`-p tests.databases`): real databases for the tests, set up before Django reads its settings.

DATABASE_URL and MONGODB_URL of the environment are used where they are set; otherwise servers are started for this run,
on data that is gone afterwards.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from config.embedded import addresses
from config.embedded.guarded import ServerError
from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer

_servers: list[PostgresServer | MongoServer] = []
_directory: Path | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """The first hook there is: pytest-django reads the settings in the same one, later."""
    os.environ.setdefault("SECRET_KEY", "only-for-tests")
    os.environ.setdefault("LOCAL", "1")
    # So that a killed run, too, stops its servers: SIGTERM ends pytest the way Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _start()
    except ServerError as error:
        stop()
        pytest.exit(str(error), returncode=1)
    except BaseException:
        stop()
        raise


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    stop()


def _start() -> None:
    if os.environ.get("DATABASE_URL") and os.environ.get("MONGODB_URL"):
        return
    global _directory
    _directory = Path(tempfile.mkdtemp(prefix="user-order-system-test-"))
    _directory.chmod(0o755)  # where root runs the tests, PostgreSQL runs as another user
    if not os.environ.get("DATABASE_URL"):
        postgres = PostgresServer(_directory, durable=False)
        _servers.append(postgres)
        postgres.start()
        os.environ["DATABASE_URL"] = postgres.url
    if not os.environ.get("MONGODB_URL"):
        mongodb = MongoServer(_directory, in_memory=True)
        _servers.append(mongodb)
        mongodb.start()
        os.environ["MONGODB_URL"] = addresses.mongodb_url(_directory, "shop_test")


def stop() -> None:
    """End what was started and remove its data."""
    while _servers:
        _servers.pop().stop()
    if _directory:
        shutil.rmtree(addresses.socket_dir(_directory), ignore_errors=True)
        shutil.rmtree(_directory, ignore_errors=True)
