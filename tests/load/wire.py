"""A visitor's connection to the shop as it is behind its TLS proxy: cookies for https only, a public host name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from tests.web.wire import CSRF, Answer, ClosedIdleError, Wire

HOST = "shop.example"
Fields = Mapping[str, str | list[str]]


class SecureWire(Wire):
    """session: the key of the session it is signed in with, "" for a guest; token: a key of the API instead."""

    def __init__(self, port: int, session: str = "", *, token: str = "") -> None:
        super().__init__(port)
        self._cookies = {"__Host-csrftoken": CSRF} | ({"__Host-sessionid": session} if session else {})
        self._token = token

    def post(self, path: str, fields: Fields) -> Answer:
        body = urlencode({"csrfmiddlewaretoken": CSRF} | dict(fields), doseq=True)
        form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        return self._ask(f"POST {path} {self._head()}{form}")

    def _head(self) -> str:
        told = f"HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n"
        if self._token:
            return f"{told}Authorization: Bearer {self._token}\r\n"
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return f"{told}Origin: https://{HOST}\r\nCookie: {cookies}\r\n"

    def _ask(self, request: str) -> Answer:
        was_used = self._socket is not None
        try:
            return super()._ask(request)
        except ClosedIdleError:
            self.close()
            # As browsers do: the connection was closed while nothing was under way on it.
            if not was_used:
                raise
            return super()._ask(request)
        except (OSError, AssertionError):
            # What may still come on it would be taken for the next answer.
            self.close()
            raise
