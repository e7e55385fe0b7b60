"""One POST to another system's server, which may be slow, broken or hostile.

httpcore connects only to the addresses that were checked; TLS proves the name. No redirect is followed, no proxy used.
The exchange ends at a deadline, and little of the answer is read.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlunsplit

import httpcore

from core.text import storable_text
from history.webhooks import addresses

# Seconds for connecting, TLS, sending and the answer together, names looked up before.
DEADLINE = 10.0
MAX_ANSWER_BYTES = 2000


@dataclass(frozen=True)
class Answer:
    """status: None where there was no answer; text: its beginning; error: what went wrong, empty if nothing."""

    status: int | None
    text: str
    error: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300 and not self.error


class CheckedNetwork(httpcore.SyncBackend):
    """Connects to the first of a host's checked addresses that accepts, and remembers the socket."""

    def __init__(self, checked: Iterable[str], deadline: float) -> None:
        self._addresses, self._deadline = checked, deadline
        self.socket: socket.socket | None = None

    def connect_tcp(self, host: str, port: int, *args: object, **options: object) -> httpcore.NetworkStream:
        refused: httpcore.ConnectError | None = None
        for address in self._addresses:
            try:
                stream = super().connect_tcp(address, port, timeout=max(self._deadline - time.monotonic(), 0.001))
            except httpcore.ConnectError as error:
                refused = error
                continue
            # Of its own descriptor: TLS takes the first one over.
            self.socket = stream.get_extra_info("socket").dup()
            return stream
        raise refused or httpcore.ConnectError("no address")


def post(url: str, body: bytes, headers: Mapping[str, str], *, deadline: float = DEADLINE) -> Answer:
    """Post a body and return what came back; whatever goes wrong is in the answer."""
    try:
        parts = addresses.parsed(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        assert parts.hostname
        network = CheckedNetwork(addresses.resolved(parts.hostname, port), time.monotonic() + deadline)
        target = httpcore.URL(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port,
            target=urlunsplit(("", "", parts.path or "/", parts.query, "")),
        )
        return _exchange(network, target, body, {**headers, "Host": parts.netloc, "Connection": "close"}, deadline)
    except addresses.Refused as error:
        return Answer(None, "", storable_text(str(error)))
    except (TimeoutError, httpcore.TimeoutException):
        return Answer(None, "", f"No whole answer within {deadline:g} s.")
    except (OSError, httpcore.NetworkError, httpcore.ProtocolError, ValueError) as error:
        return Answer(None, "", storable_text(str(error) or type(error).__name__)[:500])


def _exchange(
    network: CheckedNetwork, url: httpcore.URL, body: bytes, headers: Mapping[str, str], deadline: float
) -> Answer:
    timeouts = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), deadline)}
    pool = httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=network)
    with (
        _cut_off(network, deadline),
        pool,
        pool.stream("POST", url, headers=[*headers.items()], content=body, extensions=timeouts) as response,
    ):
        text = storable_text(_beginning(response.iter_stream()).decode(errors="replace"))
    reason = bytes(response.extensions.get("reason_phrase", b"")).decode("ascii", "replace")[:100]
    error = "" if 200 <= response.status < 300 else f"It answered {response.status} {reason}".strip()
    return Answer(response.status, text, storable_text(error))


def _beginning(parts: Iterable[bytes]) -> bytes:
    read = b""
    for part in parts:
        read += part
        if len(read) >= MAX_ANSWER_BYTES:
            break
    return read[:MAX_ANSWER_BYTES]


@contextmanager
def _cut_off(network: CheckedNetwork, seconds: float) -> Iterator[None]:
    """Shut the socket down at the deadline: a socket's own timeout starts again with each byte that drips in.

    Raises TimeoutError where that happened.
    """
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        with suppress(OSError):  # it ended just now
            if network.socket:
                network.socket.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, httpcore.NetworkError, httpcore.ProtocolError) as error:
        if is_over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
        if network.socket:
            network.socket.close()
    if is_over.is_set():
        raise TimeoutError  # what was read looks whole, but it was cut off
