"""Somebody else's server for webhooks, in threads of this process: takes, refuses, hangs, drips, floods."""

from __future__ import annotations

import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken"


@dataclass(frozen=True)
class Request:
    """Header names in lower case."""

    target: str
    headers: dict[str, str]
    body: bytes


Conversation = Callable[["Receiver", Request, Callable[[bytes], object]], None]


def answers(data: bytes) -> Conversation:
    return lambda receiver, request, write: write(data)


def status(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {line}", "Content-Length: 0", *headers, "", ""]).encode()


def hangs(receiver: Receiver, request: Request, write: Callable[[bytes], object]) -> None:
    receiver.released.wait(30)


def drips(data: bytes) -> Conversation:
    """A byte now and then, for ever."""

    def drip(receiver: Receiver, request: Request, write: Callable[[bytes], object]) -> None:
        write(data)
        while not receiver.released.wait(0.02):
            write(b"x")

    return drip


class Receiver(socketserver.ThreadingTCPServer):
    """requests: those that came, in order; says: what happens then; ends with close()."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port: int = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.requests: list[Request] = []
        self.connections = 0
        self.says: Conversation = answers(OK)
        self.released = threading.Event()
        self.ended_at = 0.0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """The other side hung up, as it should where the answer is too much."""
        self.ended_at = time.monotonic()


class _Handler(socketserver.StreamRequestHandler):
    server: Receiver

    def handle(self) -> None:
        self.server.connections += 1
        line = self.rfile.readline()
        if not line:
            return
        headers = {}
        while header := self.rfile.readline().strip():
            name, value = header.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(line.split()[1].decode(), headers, body)
        self.server.requests.append(request)
        self.server.says(self.server, request, self.wfile.write)
