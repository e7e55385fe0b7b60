"""A TCP port that leads to PostgreSQL's socket, which none but the server's own user may enter."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from config.embedded.addresses import NAME


class _Door(socketserver.ThreadingTCPServer):
    path = ""


class _Visit(socketserver.BaseRequestHandler):
    server: _Door

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as far:
            far.connect(self.server.path)
            answering = threading.Thread(target=_pass_on, args=(far, self.request))
            answering.start()
            _pass_on(self.request, far)
            answering.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def door(url: str) -> Iterator[str]:
    """Yield an address on this machine that leads to the same database, open meanwhile; url as in DATABASE_URL."""
    parts = urlsplit(url)
    sockets = parse_qs(parts.query).get("host", [])
    if not sockets:
        yield url
        return
    with _Door(("127.0.0.1", 0), _Visit) as server:
        server.path = f"{sockets[0]}/.s.PGSQL.5432"
        listening = threading.Thread(target=server.serve_forever, name="door")
        listening.start()
        try:
            yield f"postgresql://{NAME}:{NAME}@127.0.0.1:{server.server_address[1]}{parts.path}"
        finally:
            server.shutdown()
            listening.join()
