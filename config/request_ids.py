"""The id of the request that this thread is answering: on its line in the log, on its answer, and on the events that
it leaves, by which relays tell of them.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from uuid import uuid4

# Nothing that would have to be quoted, wherever it is written.
FORM = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)

current: ContextVar[str] = ContextVar("request_id", default="")


def taken_or_made(sent: str) -> str:
    """The id that a proxy sent along, if it looks like one, else a new one."""
    return sent if FORM.fullmatch(sent) else uuid4().hex
