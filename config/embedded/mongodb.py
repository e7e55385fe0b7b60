"""An embedded MongoDB-compatible server (SecantusDB), reachable from this machine only."""

import contextlib
import importlib.util
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from config.embedded import addresses
from config.embedded.guarded import Guarded, Server, ServerError, last_line

MEMORY = ":memory:"


class MongoServer(Server):
    """The MongoDB of a data directory.

    It ends with stop() or with this process. Writes acknowledged with journal=true, as in `url`, outlive a kill -9.
    """

    name = "mongodb"

    def __init__(self, data_dir: Path, *, in_memory: bool = False, hold: Sequence[int] = ()) -> None:
        """in_memory=True forgets everything when it stops. hold: see Guarded."""
        self._data_dir = data_dir.resolve()
        self._in_memory = in_memory
        self._hold = hold
        self._log = self._data_dir / "logs" / "mongodb.log"
        self._port: int | None = None

    @property
    def url(self) -> str:
        return addresses.mongodb_url(self._data_dir)

    @property
    def place(self) -> str:
        """Where it listens, for people."""
        return f"127.0.0.1:{addresses.mongodb_port(self._data_dir)}"

    def start(self, timeout: float = 60.0) -> None:
        """Start it and return when it answers; raises ServerError.

        The port is chosen by the first start and kept while it is free. A restart by the same object keeps it, since
        clients hold its address by then.
        """
        if importlib.util.find_spec("secantus") is None:
            raise ServerError(
                "The package secantusdb is not installed; run `make install`, "
                "or set MONGODB_URL to a MongoDB replica set."
            )
        if self._port is None:
            self._port = _choose_port(self._data_dir)
        deadline = time.monotonic() + timeout
        while not self._try_start(self._port, deadline):
            if time.monotonic() > deadline:
                raise ServerError(
                    f"The embedded MongoDB did not start ({last_line(self._log)}); see {self._log} for its log."
                )
            time.sleep(0.5)

    def _try_start(self, port: int, deadline: float) -> bool:
        """Start the server; False when it ended before it answered."""
        self.stop()
        home = self._data_dir / "mongodb"
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        # An explicit file, though empty, keeps it from looking for one in the user's home and in /etc.
        config = home / "secantusd.toml"
        config.touch()
        storage = MEMORY if self._in_memory else str(home / "data")
        command = [sys.executable, "-I", "-m", "secantus", "--config", str(config), "--log-level", "WARNING"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--storage-path", storage]
        command += ["--cache-size", "256M"]
        self._running = Guarded(
            command,
            # Its clean end takes two seconds, which data in memory is not worth.
            signals="SIGKILL" if self._in_memory else "SIGTERM,SIGKILL",
            log=self._log,
            cwd=home,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TMPDIR": str(home / "tmp")},
            hold=self._hold,
        )
        with contextlib.closing(self._client(port)) as client:
            while self.is_running and time.monotonic() < deadline:
                with contextlib.suppress(PyMongoError):
                    client.admin.command("ping")
                    # The answer may be that of a stranger on this port, while ours is about to give up.
                    if self.is_running:
                        return True
                time.sleep(0.05)
        self.stop()
        return False

    def _client(self, port: int) -> "MongoClient[dict[str, object]]":
        return MongoClient(
            "127.0.0.1",
            port,
            directConnection=True,
            serverSelectionTimeoutMS=200,
            connectTimeoutMS=1000,
            socketTimeoutMS=5000,
        )


def _choose_port(data_dir: Path) -> int:
    """The kept port when it is free, else another one, which is kept from now on."""
    port = addresses.mongodb_port(data_dir)
    with socket.socket() as probe:
        # As the server will do it: connections of its predecessor that are still closing do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    data_dir.mkdir(parents=True, exist_ok=True)
    kept = data_dir / addresses.PORT_FILE
    unfinished = kept.with_name(f"{kept.name}.{os.getpid()}")
    unfinished.write_text(str(port))
    unfinished.replace(kept)
    return port
