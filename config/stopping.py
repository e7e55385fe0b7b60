"""Whether this web server's worker was asked to stop: what only waits then had better answer."""

from __future__ import annotations

import threading

asked = threading.Event()
