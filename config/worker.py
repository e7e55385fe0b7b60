"""gunicorn's worker with threads, which ends without losing a request that a proxy has sent already."""

from __future__ import annotations

import time
from types import FrameType

from gunicorn.workers.gthread import ThreadWorker

from config import stopping


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
            before = -1
            while self.nr_conns != before:
                before = self.nr_conns
                self.accept(listener)
            listener.close()
