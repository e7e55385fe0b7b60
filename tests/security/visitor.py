"""Asking the shop as anybody may: what a proxy sends on that has ended https, and nothing that a browser refuses to."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

HOST = "shop.example"
SESSION_COOKIE, CSRF_COOKIE = "__Host-sessionid", "__Host-csrftoken"
# Any text of this length is a CSRF secret, if cookie and form agree on it.
TOKEN = "a" * 32
FORM = "application/x-www-form-urlencoded"
# gunicorn closes a kept connection after two seconds without a question.
IDLE = 1.0
PATIENCE = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        """Where it leads, without the host."""
        return str(self.headers.get("Location", "")).removeprefix(f"https://{HOST}")

    @property
    def cookies(self) -> list[str]:
        """Each as it was set, flags and all."""
        return self.headers.get_all("Set-Cookie", [])

    @property
    def is_let_in(self) -> bool:
        """Whether it is neither a refusal nor the way to the sign-in or the second factor."""
        to_sign_in = self.location.startswith(("/admin/login/", "/account/login/", "/account/2fa/"))
        return not (self.status in (301, 302) and to_sign_in) and self.status not in (401, 403, 404, 405)

    def json(self) -> Any:
        return json.loads(self.body)


class Visitor:
    """session: the key of the session it is signed in with. key: of the API. place: its own address, on this machine.

    Of the cookies that it is given, it keeps that of its session.
    """

    def __init__(self, port: int, *, session: str = "", key: str = "", place: str = "127.0.0.1") -> None:
        self.session = session
        self._key = key
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(place, 0))
        self._used = 0.0

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, b"", headers)

    def post(self, path: str, fields: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        """Send a form as a page of the shop would, with its token."""
        body = urlencode(fields or {}, doseq=True)
        return self.ask("POST", path, body, {"Content-Type": FORM} | self.token() | headers)

    def send(self, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON to the API."""
        return self.ask("POST", path, json.dumps(body), {"Content-Type": "application/json"} | headers)

    def token(self) -> dict[str, str]:
        return {"X-CSRFToken": TOKEN, "Origin": f"https://{HOST}"}

    def ask(self, method: str, path: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """headers: named with - or _; an empty one is left out, the usual ones too."""
        if time.monotonic() - self._used > IDLE:
            self._connection.close()
        given = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        sent = {name: value for name, value in (self._usual() | given).items() if value}
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        self._used = time.monotonic()
        self._keep_session(answer)
        return answer

    def close(self) -> None:
        self._connection.close()

    def _usual(self) -> dict[str, str]:
        cookies = f"{CSRF_COOKIE}={TOKEN}" + (f"; {SESSION_COOKIE}={self.session}" if self.session else "")
        key = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return {"Host": HOST, "X-Forwarded-Proto": "https", "Cookie": cookies} | key

    def _keep_session(self, answer: Answer) -> None:
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            if name == SESSION_COOKIE:
                self.session = value.strip('"')
