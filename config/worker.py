"""gunicorn's worker with threads, which has its share of the connections and ends without losing a request."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from config import connections, stopping

# A program for the system's packet filter, of one step: keep nothing of a packet. Linux's number for attaching it.
KEEP_NOTHING, SO_ATTACH_FILTER = struct.pack("HBBI", 6, 0, 0, 0), 26

# Seconds that a worker with less to do has to take a newcomer, before another takes them; and after which this one
# looks whether it has not become the one with least itself.
HEAD_START, LOOK_AGAIN = 0.01, 0.001


class Worker(ThreadWorker):  # type: ignore[misc]  # it has no types
    nr_conns: int
    # When it is this worker's turn to take who is still waiting; 0 while it waits for no other.
    _turn_at = 0.0
    # How many it takes then: twice as many each time that nobody else took one.
    _most = 1

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: answer what waits for something to happen, then end as ever."""
        stopping.asked.set()
        super().handle_exit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        if self.alive and self._turn_at:
            return
        super().set_accept_enabled(enabled)
        if self.alive:
            self._tell()
            return
        # It may have been asked to stop just now.
        super().set_accept_enabled(False)
        self._turn_at = 0.0
        connections.forget(self.age)
        self._close_the_door()

    def accept(self, listener: socket.socket) -> None:
        """Let somebody in, or leave them to a worker with less to do.

        Who is let in stays: a proxy sends one request after the other on each. Whoever woke first would have most of
        them, and be busy while another worker has nothing to do.
        """
        self._tell()
        if self.alive and not connections.has_fewest(self.age):
            super().set_accept_enabled(False)
            self._turn_at = time.monotonic() + HEAD_START
            return
        self._most = 1
        self._take(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if self._turn_at:
            timeout = min(timeout, LOOK_AGAIN)
        super().wait_for_and_dispatch_events(timeout)
        if self._turn_at and (time.monotonic() >= self._turn_at or connections.has_fewest(self.age)):
            self._turn_at = 0.0
            self._take_those_left()
        self._tell()

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        before = self.nr_conns
        super().finish_request(conn, fs)
        # One that broke in the middle of its answer is closed already, and gunicorn takes it off twice.
        self.nr_conns = max(self.nr_conns, before - 1)

    def _take_those_left(self) -> None:
        """Let in who is still waiting: more and more of them, as long as no other worker takes any."""
        before, most = self.nr_conns, max(min(self._most, self.worker_connections - self.nr_conns), 1)
        for listener in self.sockets:
            for _ in range(most):
                self._take(listener)
        self._most = most * 2 if self.nr_conns >= before + most else 1

    def _take(self, listener: socket.socket) -> None:
        """Let in one who is waiting, if there is one."""
        super().accept(listener)
        self._tell()

    def _tell(self) -> None:
        if self.alive:
            idle = len(self.keepalived_conns) + len(self.pending_conns)
            connections.tell(self.age, self.nr_conns, is_busy=self.nr_conns - idle >= self.cfg.threads)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close kept connections that were not used in time, but none on which a request has come meanwhile."""
        if self.keepalived_conns and self.keepalived_conns[0].timeout <= time.monotonic():
            self.wait_for_and_dispatch_events(0)
        super().murder_keepalived(force)

    def _close_the_door(self) -> None:
        """Take in who was let into the queue already, then have the system turn others away.

        A worker that only stops accepting leaves its door open until its last answer is sent: who comes meanwhile gets
        into the queue, sends a request, and is reset at the end. A proxy sends such a request to another server only
        where it may be sent twice; who is turned away goes there at once.
        """
        for listener in self.sockets:
            if listener.sock is None:
                continue
            if _is_closed_by(self.ppid, listener.sock):
                _let_nobody_in(listener.sock)
            before = -1
            while self.nr_conns != before:
                before = self.nr_conns
                self._take(listener)
            listener.close()


def _is_closed_by(pid: int, door: socket.socket) -> bool:
    """Whether gunicorn's first process has closed it: the whole server ends, and not this worker alone."""
    name = f"socket:[{os.fstat(door.fileno()).st_ino}]"
    held = set()
    with contextlib.suppress(OSError):  # another system than Linux, or the process has ended
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed just now
                held.add(os.readlink(link))
    return bool(held) and name not in held


def _let_nobody_in(door: socket.socket) -> None:
    """Leave who knocks from now on without an answer: a moment later nobody listens, and they are turned away.

    Else somebody could come in the microseconds between the last look into the queue and its end; they can where the
    system keeps filters for its administrator.
    """
    if sys.platform == "linux":
        step = ctypes.create_string_buffer(KEEP_NOTHING, len(KEEP_NOTHING))
        program = struct.pack("HP", 1, ctypes.addressof(step))
        with contextlib.suppress(PermissionError):
            door.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
