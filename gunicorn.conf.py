"""How the web is served, by `make run` and in the image; the environment sets what differs."""

import os
import shutil
import signal
import tempfile
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from gunicorn.glogging import Logger

from config import counters, environment, logs, stopping, tether

wsgi_app = "config.wsgi"
# gunicorn believes no header: by default those that ask from this machine say where the shop is mounted (SCRIPT_NAME)
# and that they came by https. BEHIND_TLS_PROXY has Django believe the proxy.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# Only this machine unless HOST says otherwise (the image says 0.0.0.0). A proxy that buffers requests and answers
# stands in front (docs/examples/nginx.conf): gunicorn has no timeouts for clients that send or read slowly.
with environment.one_sentence():
    env = environment.Env()
    _host = environment.as_url_host(environment.listen_host())
    bind = f"{_host}:{env.number('PORT', default=8000, least=1, most=65_535)}"
    workers = environment.web_processes()
    threads = env.number("WEB_THREADS", default=4, least=1, most=256)
    import_module("config.settings")  # refused here it is said once, not by each worker

# Requests mostly wait for a database: threads share a worker's memory and connection pool, a second worker uses the
# second core and answers while the first one is replaced.
worker_class = "gthread"

# Longer than proxies keep a connection that is not in use (nginx: 60 seconds): were it closed on this side first, a
# request could just be on its way, and one that may not be sent twice would be lost.
keepalive = 75

# Each worker opens its own PostgreSQL pool and MongoDB client: neither may be shared across a fork.
preload_app = False

# Longer than the longest statement PostgreSQL lets a page run, so that its error page is sent, not cut off.
timeout = 60
# Below the ten seconds that containers are given between SIGTERM and SIGKILL.
graceful_timeout = 8

# The workers' sign of life is a file; on a slow disk it would be written late and the worker taken for dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (gunicorn makes its own names there)

# Imported here, before there are workers, the counts of limits are in memory that all share.
counters.forget()


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines as those of the shop."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.JsonFormatter())


if not environment.is_local():
    logger_class = JsonLogger

# No remote control: it would leave a socket in the home directory, and signals do.
control_socket_disable = True


def on_starting(server: Any) -> None:
    # Workers count together, in files there; known before the first of them loads the application, and once: a reload
    # reads this file again, and the workers go on counting.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="user-order-system-metrics-")
    tether.start()


def post_worker_init(worker: Any) -> None:
    """Have requests that only wait for something to happen (the feed) answer when this worker is stopped."""
    stop = signal.getsignal(signal.SIGTERM)

    def end_waits(number: int, frame: FrameType | None) -> None:
        stopping.asked.set()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, end_waits)


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead  # looks for the folder when it is imported

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
