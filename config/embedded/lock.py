"""One owner per data directory."""

import fcntl
import os
import time
from pathlib import Path

from config.embedded.guarded import ServerError

LOCK_FILE = "owner.lock"
WAIT_SECONDS = 30.0


def claim(data_dir: Path) -> int:
    """Make this process the owner of `data_dir` and return the lock's file descriptor; hand it to the servers.

    The servers' guards keep it too, so the lock is free only when the last server has ended. Where the owner was
    killed, waits for that. Raises ServerError while another owner lives.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ServerError(
            f"The data directory {data_dir} cannot be used ({error.strerror}); set DATA_DIR to one you may write to."
        ) from None
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            if _is_alive(owner) or time.monotonic() > deadline:
                os.close(descriptor)
                raise ServerError(
                    f"The databases in {data_dir} are already running (process {owner}); "
                    "stop them first, or set DATA_DIR to another directory."
                ) from None
            time.sleep(0.1)
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor


def _owner(descriptor: int) -> int:
    written = os.pread(descriptor, 20, 0)
    return int(written) if written.isdigit() else 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
