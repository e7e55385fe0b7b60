"""gunicorn's worker with threads, which has its share of the connections and ends without losing a request."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import sys
import time
from pathlib import Path
from types import FrameType

from gunicorn.workers.gthread import ThreadWorker

from config import connections, stopping

# A program for the system's packet filter, of one step: keep nothing of a packet. Linux's number for attaching it.
KEEP_NOTHING, SO_ATTACH_FILTER = struct.pack("HBBI", 6, 0, 0, 0), 26

# Seconds that a worker with fewer connections has to take a new one, before another takes it; and after which this one
# looks whether it has not become the one with fewest itself.
HEAD_START, LOOK_AGAIN = 0.01, 0.001


class Worker(ThreadWorker):  # type: ignore[misc]  # it has no types
    # When it is this worker's turn to take who is still waiting; 0 while it waits for no other.
    _turn_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: answer what waits for something to happen, then end as ever."""
        stopping.asked.set()
        super().handle_exit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        if self.alive and self._turn_at:
            return
        super().set_accept_enabled(enabled)
        if self.alive:
            connections.tell(self.age, self.nr_conns)
        else:
            self._turn_at = 0.0
            connections.forget(self.age)
            self._close_the_door()

    def accept(self, listener: socket.socket) -> None:
        """Let somebody in, or leave them to a worker with fewer connections.

        Who is let in stays: a proxy sends one request after the other on each. Whoever woke first would have most of
        them, and be busy while another worker has nothing to do.
        """
        if self.alive and not connections.has_fewest(self.age):
            super().set_accept_enabled(False)
            self._turn_at = time.monotonic() + HEAD_START
            return
        self._take(listener)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        if self._turn_at:
            timeout = min(timeout, LOOK_AGAIN)
        super().wait_for_and_dispatch_events(timeout)
        if self._turn_at and (time.monotonic() >= self._turn_at or connections.has_fewest(self.age)):
            self._turn_at = 0.0
            for listener in self.sockets:
                self._take(listener)
        if self.alive:
            connections.tell(self.age, self.nr_conns)

    def _take(self, listener: socket.socket) -> None:
        """Let in one who is still waiting, if there is one."""
        super().accept(listener)
        if self.alive:
            connections.tell(self.age, self.nr_conns)

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
