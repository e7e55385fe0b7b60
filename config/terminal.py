"""What `make run` says and asks of the machine: steps with their time, a free port, the box with the addresses."""

import contextlib
import socket
import time
from collections.abc import Iterator

import psycopg
from pymongo import MongoClient
from pymongo.errors import PyMongoError

DEMO_PASSWORD = "demo-shop-2024"  # noqa: S105 (printed for everybody, loaded only with the demo shop)
DEMO_ACCOUNTS = {
    "customer": "customer@shop.example",
    "staff": "staff@shop.example",
    "analyst": "analyst@shop.example",
}
PORTS_TRIED = 50


class PortError(Exception):
    """There is no port to listen on; the message says what to do."""


def say(text: str) -> None:
    print(text, flush=True)


@contextlib.contextmanager
def step(done: str) -> Iterator[None]:
    """Say `done` with the seconds it took, once the body is through."""
    began = time.monotonic()
    yield
    say(f"{done} {time.monotonic() - began:.1f} s")


def free_port(first: int, host: str = "127.0.0.1") -> int:
    """The wanted port or the next free one, saying so; raises PortError."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        if _is_free(host, port):
            if port != first:
                say(f"port {first} is busy: using {port}")
            return port
    raise PortError(
        f"No port from {first} to {port} of {host} can be used: set PORT to a free one, "
        "or HOST to an address that this machine has."
    )


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def reach_postgres(url: str) -> str:
    """Why the PostgreSQL at this address cannot be used, in a few words; "" when it can."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        return _first_line(error)
    return ""


def reach_mongodb(url: str) -> str:
    """Why the MongoDB at this address cannot be used, in a few words; "" when it can."""
    try:
        with contextlib.closing(MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=5000)) as client:
            client.admin.command("ping")
    except (PyMongoError, ValueError) as error:
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].split(" (configured timeouts", maxsplit=1)[0].rstrip(".")


def has_demo(url: str) -> bool:
    """Whether the demo accounts are in the PostgreSQL at this address. Raises psycopg.Error."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        found = connection.execute("SELECT count(*) FROM users WHERE email = ANY (%s)", [[*DEMO_ACCOUNTS.values()]])
        return found.fetchone() == (len(DEMO_ACCOUNTS),)


def box(port: int, *, has_demo: bool) -> str:
    """The addresses in a frame, and the demo accounts where they are."""
    shop = f"http://localhost:{port}/"
    lines = [f"Shop      {shop}", f"Admin     {shop}admin/", f"Reports   {shop}reports/", ""]
    if has_demo:
        lines += [f"{who:<9} {email}" for who, email in DEMO_ACCOUNTS.items()]
        lines += [f"password  {DEMO_PASSWORD}  (all three)", ""]
    lines += ["Ctrl-C stops everything."]
    width = max(map(len, lines))
    frame = "─" * (width + 2)
    return "\n".join([f"┌{frame}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{frame}┘"])
