"""Where the embedded databases of a data directory are to be found. Cheap, never raises, needs no server."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

# Role and database carry the same name, in both stores.
NAME = "shop"
PORT_FILE = "mongodb.port"


def data_dir_key(data_dir: Path) -> str:
    """Twelve hex digits that stand for this directory and this user."""
    return hashlib.sha256(f"{data_dir.resolve()}\0{os.getuid()}".encode()).hexdigest()[:12]


def socket_dir(data_dir: Path) -> Path:
    """The directory of PostgreSQL's Unix socket.

    In /tmp whatever TMPDIR says: a socket's path may have 107 bytes, and every process must arrive at the same one.
    """
    return Path("/tmp") / f"user-order-system-{os.getuid()}-{data_dir_key(data_dir)}"  # noqa: S108 (owner is verified)


def database_url(data_dir: Path) -> str:
    """PostgreSQL's address, as libpq, psycopg and django-environ read it (the socket directory arrives in OPTIONS)."""
    # django-environ does not decode a percent-encoded host before the path; as a parameter all of them do.
    return f"postgresql://{NAME}@/{NAME}?host={quote(str(socket_dir(data_dir)), safe='')}"


def mongodb_port(data_dir: Path) -> int:
    """The port in use, or the one the first start will try: outside the ephemeral range, by the directory's hash."""
    try:
        port = int((data_dir / PORT_FILE).read_text())
    except (OSError, ValueError):
        port = 0
    return port if 0 < port < 65536 else 20000 + int(data_dir_key(data_dir), 16) % 10000


def mongodb_url(data_dir: Path, name: str = NAME) -> str:
    """MongoDB's address with the database's name; writes are acknowledged once journaled."""
    # Without journal=true the server acknowledges what a kill -9 then loses.
    options = "directConnection=true&w=majority&journal=true"
    return f"mongodb://127.0.0.1:{mongodb_port(data_dir)}/{name}?{options}"
