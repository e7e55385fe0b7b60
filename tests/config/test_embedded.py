"""The embedded databases on real processes: what is killed here is killed with -9."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import environ
import psycopg
import pymongo
import pytest

from config.embedded import addresses, lock, supervisor
from config.embedded.guarded import ServerError
from config.embedded.mongodb import MongoServer
from config.embedded.postgres import PostgresServer
from tests.config.processes import ROOT, Embedded, command_lines, guarded, wait_until

NOBODY = 65534
ONLY_POSTGRES = {"MONGODB_URL": "mongodb://elsewhere/shop"}
is_root = os.getuid() == 0


@pytest.fixture
def data_dir():
    """A directory of its own that PostgreSQL's user can reach too, and nothing left running on it."""
    directory = Path(tempfile.mkdtemp(prefix="user-order-system-test-"))
    directory.chmod(0o755)
    yield directory
    Embedded.end_all()
    left = command_lines(str(directory))
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(addresses.socket_dir(directory), ignore_errors=True)
    shutil.rmtree(directory)
    assert not left


@pytest.fixture
def postgres(data_dir):
    server = PostgresServer(data_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mongodb(data_dir):
    server = MongoServer(data_dir)
    server.start()
    yield server
    server.stop()


def python_for_nobody(venv):
    """A Python with our packages that the user nobody may run, None where the checkout is closed to others."""
    for base in (sys._base_executable, "/usr/bin/python3"):
        made = subprocess.run([base, "-m", "venv", "--without-pip", venv], capture_output=True, check=False)
        if made.returncode == 0:
            [packages] = venv.glob("lib/python*/site-packages")
            (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))
            # Packages with parts in C are those of one version of Python.
            same = f"sys.version_info[:2] != {sys.version_info[:2]}"
            probe = [venv / "bin" / "python", "-c", f"import sys, config.embedded.supervisor; sys.exit({same})"]
            as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            with contextlib.suppress(OSError):
                if subprocess.run(probe, cwd=ROOT, check=False, capture_output=True, **as_nobody).returncode == 0:
                    return str(probe[0])
        shutil.rmtree(venv, ignore_errors=True)
    return None


def insert(url):
    """Insert 300 rows, each in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        for n in range(300):
            connection.execute("INSERT INTO kept VALUES (%s)", [n])


def count(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_acknowledged_rows_outlive_a_killed_postmaster_and_open_sessions(data_dir, postgres):
    insert(postgres.url)
    busy = psycopg.connect(postgres.url)
    busy.execute("SELECT 1")

    os.kill(guarded(data_dir, "bin/postgres"), signal.SIGKILL)
    assert wait_until(lambda: postgres.poll() is not None)
    postgres.start()

    assert count(postgres.url) == 300
    busy.close()


def test_acknowledged_writes_outlive_a_killed_mongodb(data_dir, mongodb):
    with pymongo.MongoClient(mongodb.url) as client:
        for n in range(300):
            client.get_default_database().kept.insert_one({"_id": n})

    os.kill(guarded(data_dir, "secantus"), signal.SIGKILL)
    assert wait_until(lambda: mongodb.poll() is not None)
    mongodb.start()

    with pymongo.MongoClient(mongodb.url) as client:
        assert client.get_default_database().kept.count_documents({}) == 300


def test_mongodb_speaks_to_clients_of_a_replica_set(data_dir, mongodb):
    with pymongo.MongoClient(mongodb.url + "&replicaSet=secantus", timeoutMS=5000) as client:
        assert client.get_default_database().name == "shop"
        assert client.get_default_database().a.insert_one({}).acknowledged


@pytest.mark.parametrize("killed", ["owner", "everything"])
def test_nothing_is_left_running_without_its_owner_and_a_fresh_start_works(data_dir, killed):
    first = Embedded(data_dir)
    first.until(supervisor.READY)
    insert(addresses.database_url(data_dir))

    if killed == "everything":
        for pid in command_lines(str(data_dir)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    first.end(signal.SIGKILL)
    if killed == "owner":
        assert wait_until(lambda: not command_lines(str(data_dir)), seconds=8)
    second = Embedded(data_dir)
    second.until(supervisor.READY)

    assert len(command_lines(f"{data_dir}/")) == 4, "one server and one guard of each kind"
    assert count(addresses.database_url(data_dir)) == 300
    assert second.end() == 0


def test_a_server_ends_with_its_killed_guard(data_dir, postgres):
    guards = [pid for pid, args in command_lines(str(data_dir)).items() if "guard.py" in args]

    os.kill(guards[0], signal.SIGKILL)

    if os.uname().sysname == "Linux":
        assert wait_until(lambda: not command_lines(str(data_dir)), seconds=8)
    assert wait_until(lambda: postgres.poll() is not None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_both_cleanly(data_dir, number):
    owner = Embedded(data_dir)
    owner.until(supervisor.READY)
    began = time.monotonic()

    assert owner.end(number) == 0

    assert time.monotonic() - began < 10
    assert not command_lines(str(data_dir))
    assert "database system is shut down" in (data_dir / "logs" / "postgres.log").read_text()


def test_a_second_owner_is_refused_in_one_sentence(data_dir):
    first = Embedded(data_dir, **ONLY_POSTGRES)
    first.until(supervisor.READY)

    second = Embedded(data_dir, **ONLY_POSTGRES)

    assert "already running" in second.until("already running")
    assert second.process.wait(10) == 1
    second.process.stdout.close()
    assert second.lines[1:] == [
        f"The databases in {data_dir} are already running (process {first.process.pid}); "
        "stop them first, or set DATA_DIR to another directory."
    ]
    assert first.end() == 0


def test_a_server_that_died_is_started_again(data_dir):
    owner = Embedded(data_dir, **ONLY_POSTGRES)
    owner.until(supervisor.READY)

    os.kill(guarded(data_dir, "bin/postgres"), signal.SIGKILL)

    assert "postgres ended" in owner.until("starting it again")
    owner.until("postgres ready")
    with psycopg.connect(addresses.database_url(data_dir)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert owner.end() == 0


def test_nothing_is_started_for_servers_that_are_given(data_dir):
    owner = Embedded(data_dir, DATABASE_URL="postgresql://elsewhere/shop", MONGODB_URL="mongodb://elsewhere/shop")

    assert owner.process.wait(20) == 0
    said = owner.process.communicate()[0].splitlines()

    assert said == [
        "DATABASE_URL is set: no embedded PostgreSQL is started",
        "MONGODB_URL is set: no embedded MongoDB is started",
    ]
    assert not list(data_dir.iterdir())


def test_only_the_other_one_is_started_when_one_is_given(data_dir):
    owner = Embedded(data_dir, DATABASE_URL="postgresql://elsewhere/shop")
    owner.until(supervisor.READY)

    assert not (data_dir / "postgres").exists()
    assert guarded(data_dir, "secantus")
    assert owner.end() == 0


def test_it_all_works_for_an_ordinary_user(data_dir):
    """Root becomes nobody for it, where it can; anybody else is an ordinary user already."""
    python = python_for_nobody(data_dir / "venv") if is_root else None
    user = NOBODY if python else os.getuid()
    home = data_dir / "home"
    home.mkdir()
    os.chown(home, user, user if python else -1)

    owner = Embedded(home, python=python or sys.executable, user=user if python else None, HOME=str(home))
    owner.until(supervisor.READY)

    postgres = os.stat(f"/proc/{guarded(home, 'bin/postgres')}").st_uid
    assert postgres == user or (user == 0 and postgres != 0)
    assert owner.end() == 0


def test_postgres_never_runs_as_root_and_listens_on_no_network(data_dir, postgres):
    pid = guarded(data_dir, "bin/postgres")

    assert os.stat(f"/proc/{pid}").st_uid != 0 or not Path("/proc").exists()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    assert stat.S_IMODE(addresses.socket_dir(data_dir).stat().st_mode) == 0o700


def test_a_socket_directory_of_somebody_else_is_not_used(data_dir):
    path = addresses.socket_dir(data_dir)
    path.symlink_to(data_dir)

    with pytest.raises(ServerError, match="belongs to somebody else"):
        PostgresServer(data_dir).start()

    path.unlink()


def test_mongodb_takes_another_port_when_its_own_is_busy_and_keeps_it(data_dir):
    first = addresses.mongodb_port(data_dir)
    with socket.create_server(("127.0.0.1", first)):
        server = MongoServer(data_dir, in_memory=True)
        server.start()
        server.stop()

    assert addresses.mongodb_port(data_dir) != first
    assert f":{addresses.mongodb_port(data_dir)}/" in server.url


def test_addresses_are_pure_and_short_enough_for_a_socket():
    deep = Path("/nowhere") / ("x" * 200) / ("y" * 200)
    address = addresses.database_url(deep)

    assert address == addresses.database_url(deep) != addresses.database_url(deep / "z")
    assert len(str(addresses.socket_dir(deep) / ".s.PGSQL.5432")) <= 107
    parsed = environ.Env().db_url_config(address)
    assert parsed["NAME"] == "shop"
    assert parsed["OPTIONS"] == {"host": str(addresses.socket_dir(deep))}
    assert "journal=true" in addresses.mongodb_url(deep)


def test_the_lock_of_a_directory_that_cannot_be_made_is_refused(data_dir):
    (data_dir / "file").write_text("")

    with pytest.raises(ServerError, match="set DATA_DIR"):
        lock.claim(data_dir / "file" / "below")
