"""One POST to somebody else's server, which may be slow, broken or hostile: never longer than a deadline, never more
of its answer than a little, never anywhere but to the address that was checked.

Python's own client on a socket opened here: what is checked is what is connected to, TLS still proves the name, and no
redirect is followed, no proxy asked.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlunsplit

from core.text import storable_text
from history.webhooks import addresses

# Seconds for all of it, names looked up before; and how much of an answer is read.
DEADLINE = 10.0
LARGEST_ANSWER = 2000


@dataclass(frozen=True)
class Answer:
    """status: None where there was no answer; text: its beginning; error: what went wrong, empty if nothing."""

    status: int | None
    text: str
    error: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300 and not self.error


def post(url: str, body: bytes, headers: Mapping[str, str], *, deadline: float = DEADLINE) -> Answer:
    """Post a body and return what came back; whatever goes wrong is in the answer.

    deadline: seconds for connecting, TLS, sending and the answer together.
    """
    try:
        parts = addresses.parsed(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        assert parts.hostname
        found = addresses.resolved(parts.hostname, port)
        return _exchange(parts, found, port, body, headers, time.monotonic() + deadline)
    except addresses.Refused as error:
        return Answer(None, "", storable_text(str(error)))
    except TimeoutError:
        return Answer(None, "", f"No whole answer within {deadline:g} s.")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(None, "", storable_text(str(error) or type(error).__name__)[:500])


def _exchange(
    parts: SplitResult, found: list[str], port: int, body: bytes, headers: Mapping[str, str], deadline: float
) -> Answer:
    assert parts.hostname
    sock = _connected(found, port, deadline)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        sock = context.wrap_socket(sock, server_hostname=parts.hostname, do_handshake_on_connect=False)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    connection.sock = sock
    try:
        with _cut_off(sock, deadline):
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
            connection.request("POST", target, body, {**headers, "Host": parts.netloc, "Connection": "close"})
            with closing(connection.getresponse()) as response:
                text = storable_text(response.read(LARGEST_ANSWER).decode(errors="replace"))
    finally:
        connection.close()
        sock.close()
    error = "" if 200 <= response.status < 300 else f"It answered {response.status} {response.reason[:100]}".strip()
    return Answer(response.status, text, storable_text(error))


def _connected(found: list[str], port: int, deadline: float) -> socket.socket:
    """Connect to the first of these addresses that takes it. Raises OSError."""
    for address in found:
        try:
            return socket.create_connection((address, port), timeout=_left(deadline))
        except TimeoutError:
            raise
        except OSError as error:
            reason = error
    raise reason


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@contextmanager
def _cut_off(sock: socket.socket, deadline: float) -> Iterator[None]:
    """End the conversation at the deadline, whatever the other side is doing then: a socket's own timeout starts anew
    with each byte that drips in.

    Raises TimeoutError where that happened.
    """
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        with suppress(OSError):  # it ended this moment
            # Not SSLSocket's own, which takes its state apart under whoever is reading.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(_left(deadline), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if is_over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if is_over.is_set():
        raise TimeoutError  # what was read looks whole, but it was cut off
