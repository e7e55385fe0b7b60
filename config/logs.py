"""What is logged, and how: a line of JSON each, unless on a machine of one's own, where people read it.

One line a request of a page, and one a delivered change that came of a request (history/mirror/trail.py), both with the
request's id. No personal data: pages by their names instead of their paths, users by number, and whatever looks like an
e-mail address or is a row's content is left out of what libraries say.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import SESSION_KEY as USER_KEY
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from config import request_ids

# The lookbehind keeps it linear: without it, each letter of a long word would be tried as the beginning of an address.
MAIL = re.compile(r"(?<![^\s\"'<>(),;:=@\\])[^\s\"'<>(),;:=@\\]+@[^\s\"'<>(),;:=@\\]+")
# Characters; a message may quote a whole header of a request.
MAX_MESSAGE, MAX_TRACEBACK = 2_000, 20_000
# PostgreSQL tells values there.
VALUES = ("DETAIL:", "CONTEXT:", "LINE ")

logger = logging.getLogger("shop.requests")


class JsonFormatter(logging.Formatter):
    """One object a line; `extra={"told": {...}}` becomes members of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record)[:MAX_MESSAGE],
        }
        if request_id := request_ids.current.get():
            line["request_id"] = request_id
        line |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[1]:
            line["exception"] = _exception(record.exc_info[1])
        return MAIL.sub("(e-mail)", json.dumps(line, ensure_ascii=False, default=str))


class RequestMiddleware:
    """Gives each request an id, tells it with the answer, and logs the request in one line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_ids.taken_or_made(request.headers.get("X-Request-Id", ""))
        request.request_id = request_id  # type: ignore[attr-defined]  # read by history/activity.py
        began = time.perf_counter()
        token = request_ids.current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            request_ids.current.reset(token)
        response.headers["X-Request-Id"] = request_id
        # Not each file of a page, nor each time somebody looks whether this process is alive.
        is_page = request.resolver_match is not None or response.status_code >= 400
        if is_page and logger.isEnabledFor(logging.INFO):
            told = _told(request, response) | {"ms": round((time.perf_counter() - began) * 1000, 1)}
            logger.info("A request was answered.", extra={"told": {"request_id": request_id} | told})
        return response


def config(*, local: bool) -> dict[str, Any]:
    """LOGGING of the settings."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"outage": {"()": "django.utils.log.CallbackFilter", "callback": in_one_line}},
        "formatters": {
            "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
            "json": {"()": "config.logs.JsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain" if local else "json"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            # A page refused or not found is the visitor's matter; it would be a traceback each time.
            "django.request": {"level": "ERROR", "filters": ["outage"]},
            # The pool tells of every try; the error that follows says it once.
            "psycopg.pool": {"level": "ERROR"},
            # A line for each request and each change: nothing for a terminal.
            "shop": {"level": "WARNING" if local else "INFO"},
        },
    }


def in_one_line(record: logging.LogRecord) -> bool:
    """Filter that leaves the traceback out where PostgreSQL is away: every page would bring the same one."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, OperationalError | InterfaceError):
        record.msg, record.args = f"{record.getMessage()}: {str(error).split(chr(10))[0]}"[:500], ()
        record.exc_info = None
    return True


def _told(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    match = request.resolver_match
    # Only what was read for the answer: reading a session now would be a statement.
    session, key = getattr(request, "session", None), vars(request).get("api_key")
    user = session.get(USER_KEY) if session is not None and session.accessed else None
    return {
        "method": request.method,
        "view": match.view_name if match else None,
        "status": response.status_code,
        "user": int(user) if user else None,
        **({"api_key": key.pk} if key else {}),
    }


def _message(record: logging.LogRecord) -> str:
    """What it says, with the page's name in place of its path, which may hold a token."""
    message = record.getMessage()
    request = getattr(record, "request", None)
    path = getattr(request, "path", "")
    if request is None or len(path) < 2:
        return message
    match = request.resolver_match
    return message.replace(path, f"({match.view_name if match else 'unknown'})")


def _exception(error: BaseException) -> str:
    """The traceback; without the lines in which PostgreSQL quotes a row."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(VALUES))[-MAX_TRACEBACK:]
