"""Ends a process when the one that started the whole product is gone, so that no part is left running alone."""

import os
import select
import signal
import threading
import time

OWNER_VARIABLE = "OWNER_PID"


def start() -> None:
    """Send this process SIGTERM as soon as the process in OWNER_PID has ended; without the variable do nothing.

    To be called by what runs long: it returns at once, the watching is done by a thread.
    """
    owner = os.environ.get(OWNER_VARIABLE, "")
    if owner.isdigit():
        threading.Thread(target=_follow, args=(int(owner),), name="tether", daemon=True).start()


def _follow(owner: int) -> None:
    _wait_for_end(owner)
    os.kill(os.getpid(), signal.SIGTERM)


def _wait_for_end(pid: int) -> None:
    try:
        # Linux: a descriptor of the process, which cannot be confused with a later one of the same number.
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):
        _poll(pid)
        return
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.poll()
    finally:
        os.close(descriptor)


def _poll(pid: int) -> None:
    """The way for other systems."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        time.sleep(1)
