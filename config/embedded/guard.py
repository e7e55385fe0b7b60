"""Runs one server and ends it when its owner goes away, however the owner goes.

The owner starts `python guard.py SIGNALS USER COMMAND...` and keeps the other end of its standard input open. When that
end closes (the owner stopped, crashed or was killed with -9) the guard ends the server with the first of SIGNALS, and
with the next one each time GRACE_SECONDS pass. Standard library only: it is started by its path, without the project.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

GRACE_SECONDS = 8.0
PR_SET_PDEATHSIG = 1


def _die_with_the_guard(number: int) -> None:
    """Runs in the child, after it became its user (changing user clears the request); Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _spawn(user: str, command: list[str], number: int) -> "subprocess.Popen[bytes]":
    """Start the server; `user` is "uid:gid" or "-" for whoever we are."""
    if user == "-":
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=lambda: _die_with_the_guard(number))
    uid, gid = (int(part) for part in user.split(":"))
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        user=uid,
        group=gid,
        extra_groups=[],
        preexec_fn=lambda: _die_with_the_guard(number),
    )


def _ignore(number: int, frame: object) -> None:
    """Only there so that the signal's number arrives in the wake-up pipe."""


def _wait(child: "subprocess.Popen[bytes]", signals: list[signal.Signals]) -> int:
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ignore)
    watched, pending, next_at = [0, wake_read], list(signals), None
    # The timeout is for the child that ended just before the handlers were in place.
    while (code := child.poll()) is None:
        ready, _, _ = select.select(watched, [], [], 0.5)
        stopping = 0 in ready and not os.read(0, 1)
        stopping |= wake_read in ready and any(n != signal.SIGCHLD for n in os.read(wake_read, 64))
        if stopping and next_at is None:
            watched, next_at = [wake_read], time.monotonic()
        if next_at is not None and pending and time.monotonic() >= next_at:
            child.send_signal(pending.pop(0))
            next_at = time.monotonic() + GRACE_SECONDS
    return code


def main(signals: str, user: str, *command: str) -> int:
    numbers = [signal.Signals[name] for name in signals.split(",")]
    os.setsid()  # a Ctrl-C in the owner's terminal reaches the owner, who decides in which order things stop
    child = _spawn(user, list(command), numbers[0])
    code = _wait(child, numbers)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
