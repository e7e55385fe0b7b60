"""gunicorn's worker with threads, which ends without losing a request that a proxy has sent already."""

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

from config import stopping

# A program for the system's packet filter, of one step: keep nothing of a packet. Linux's number for attaching it.
KEEP_NOTHING, SO_ATTACH_FILTER = struct.pack("HBBI", 6, 0, 0, 0), 26


class Worker(ThreadWorker):  # type: ignore[misc]  # it has no types
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: answer what waits for something to happen, then end as ever."""
        stopping.asked.set()
        super().handle_exit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            self._close_the_door()

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
                self.accept(listener)
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
