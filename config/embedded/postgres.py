"""An embedded PostgreSQL, reachable through a Unix socket only."""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from config.embedded import addresses, installation
from config.embedded.guarded import Guarded, Server, ServerError, last_line

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "password_encryption": "scram-sha-256",
}
# For data that is thrown away after the tests.
FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1h",
    "max_wal_size": "2GB",
}
# Fast shutdown, then immediate, then force.
STOP_SIGNALS = "SIGINT,SIGQUIT,SIGKILL"


# How long processes of a killed server may take to notice and leave.
PATIENCE_SECONDS = 5.0


class PostgresServer(Server):
    """PostgreSQL on the cluster of a data directory.

    It ends with stop() or with this process. After a kill -9 of any part, start() finds every acknowledged commit.
    """

    name = "postgres"

    def __init__(self, data_dir: Path, *, durable: bool = True, hold: Sequence[int] = ()) -> None:
        """durable=False trades the data's survival of a power cut for speed. hold: see Guarded."""
        self._data_dir = data_dir
        self._durable = durable
        self._hold = hold
        self._log = data_dir.resolve() / "logs" / "postgres.log"

    @property
    def url(self) -> str:
        return addresses.database_url(self._data_dir)

    @property
    def place(self) -> str:
        """Where it listens, for people."""
        return str(addresses.socket_dir(self._data_dir))

    def start(self, timeout: float = 60.0) -> None:
        """Start it, the first time with a new cluster, and return when it takes queries.

        Raises ServerError. Right after a kill -9 it waits until the last of the old server's processes is gone.
        """
        who = installation.identity(self._data_dir)
        bin_dir = installation.binaries(who)
        cluster = installation.cluster_home(self._data_dir, who) / installation.CLUSTER
        if not cluster.exists():
            self._create_cluster(bin_dir, cluster, who)
        socket_dir = _prepare_socket_dir(addresses.socket_dir(self._data_dir), who)
        settings = SETTINGS | {"unix_socket_directories": str(socket_dir)} | ({} if self._durable else FAST_SETTINGS)
        command = [str(bin_dir / "postgres"), "-D", str(cluster)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        began = time.monotonic()
        deadline = began + timeout
        while not self._try_start(command, who, deadline):
            if time.monotonic() - began > PATIENCE_SECONDS:
                _forget_dead_postmaster(cluster)
            if time.monotonic() > deadline:
                raise ServerError(
                    f"PostgreSQL did not start ({last_line(self._log)}); see {self._log} for the rest of its log."
                )
            time.sleep(0.3)
        self._create_database()

    def stop(self) -> None:
        """End it cleanly; returns when it has ended."""
        super().stop()
        # Empty by now; after a kill -9 it stays and serves the next start.
        with contextlib.suppress(OSError):
            addresses.socket_dir(self._data_dir).rmdir()

    def _create_cluster(self, bin_dir: Path, cluster: Path, who: installation.Identity) -> None:
        # Made under another name, so that an interrupted initdb is never taken for a cluster.
        unfinished = cluster.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [str(bin_dir / "initdb"), "-D", str(unfinished), "-U", addresses.NAME, "--auth=trust"]
        # The same order and case rules on every machine, whatever locales it has.
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = who.run(command if self._durable else [*command, "--no-sync"])
        if made.returncode:
            reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ServerError(
                f"PostgreSQL could not create its files in {cluster.parent} ({reason}); "
                "free some space there or set DATA_DIR to another directory."
            )
        unfinished.rename(cluster)

    def _try_start(self, command: list[str], who: installation.Identity, deadline: float) -> bool:
        """Start the server; False when it ended before it took queries."""
        super().stop()  # without the socket's directory
        self._running = Guarded(
            command,
            signals=STOP_SIGNALS,
            log=self._log,
            cwd=Path("/"),
            env=installation.SERVER_ENV,
            user=(who.uid, who.gid) if who.is_other else None,
            hold=self._hold,
        )
        while self.is_running and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError), self._connect():
                return True
            time.sleep(0.03)
        super().stop()
        return False

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        # The server's own database: it exists from the first start on.
        host = str(addresses.socket_dir(self._data_dir))
        return psycopg.connect(
            host=host, user=addresses.NAME, dbname="postgres", port=5432, autocommit=True, connect_timeout=5
        )

    def _create_database(self) -> None:
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [addresses.NAME]).fetchone()
            if not found:
                connection.execute(f'CREATE DATABASE "{addresses.NAME}"')


def _prepare_socket_dir(path: Path, who: installation.Identity) -> Path:
    """Make the private directory of the socket; whoever may enter it may sign in."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        os.chown(path, who.uid, who.gid)
    found = path.lstat()
    # /tmp is everybody's: a directory that another user put there first is not used.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (who.uid, os.getuid()):
        raise ServerError(f"{path} belongs to somebody else; remove it and start again.")
    os.chown(path, who.uid, who.gid)
    path.chmod(0o700)
    return path


def _forget_dead_postmaster(cluster: Path) -> None:
    """Remove a postmaster.pid whose number has since been given to some other program (as after a reboot).

    PostgreSQL does this itself when the number is free, and waits for its own old processes.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return
    if str(cluster).encode() not in command and pid != os.getpid():
        pid_file.unlink(missing_ok=True)
