"""A pytest plugin (`-p tests.databases`): real databases for the tests, set up before Django reads its settings.

DATABASE_URL and MONGODB_URL of the environment are used where they are set; otherwise servers are started for this run,
on data that is gone afterwards. Where the run is shared out (`-n 2`), each worker has its own.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from config.embedded import addresses
from config.embedded.guarded import ServerError
from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer

_directories: list[Path] = []
_servers: list[PostgresServer | MongoServer] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Runs around the hook in which pytest-django reads the settings."""
    os.environ.setdefault("SECRET_KEY", "only-for-tests")
    os.environ.setdefault("LOCAL", "1")
    # SIGTERM ends pytest the way Ctrl-C does, so that nothing is left behind then either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    is_shared_out = not worker and bool(getattr(early_config.known_args_namespace, "numprocesses", None))
    try:
        if not is_shared_out:
            _start(worker)
        return (yield)
    except BaseException as error:
        _stop()
        if isinstance(error, ServerError):
            raise pytest.UsageError(str(error)) from None
        raise


@pytest.hookimpl(tryfirst=True)  # a warning that another plugin turns into an error here must not keep us from it
def pytest_unconfigure() -> None:
    _stop()


def _start(worker: str) -> None:
    if worker and os.environ.get("MONGODB_URL"):
        # Databases of PostgreSQL get the worker's name from pytest-django.
        parts = urlsplit(os.environ["MONGODB_URL"])
        os.environ["MONGODB_URL"] = urlunsplit(parts._replace(path=f"{parts.path}_{worker}"))
    if os.environ.get("DATABASE_URL") and os.environ.get("MONGODB_URL"):
        return
    directory = Path(tempfile.mkdtemp(prefix="user-order-system-test-"))
    directory.chmod(0o755)  # where root runs the tests, PostgreSQL runs as another user
    _directories.append(directory)
    if not os.environ.get("DATABASE_URL"):
        postgres = PostgresServer(directory, durable=False)
        _servers.append(postgres)
        postgres.start()
        os.environ["DATABASE_URL"] = postgres.url
    if not os.environ.get("MONGODB_URL"):
        mongodb = MongoServer(directory, in_memory=True)
        _servers.append(mongodb)
        mongodb.start()
        os.environ["MONGODB_URL"] = addresses.mongodb_url(directory, "shop_test")


def _stop() -> None:
    """End what was started and remove its data."""
    while _servers:
        _servers.pop().stop()
    while _directories:
        directory = _directories.pop()
        shutil.rmtree(addresses.socket_dir(directory), ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
