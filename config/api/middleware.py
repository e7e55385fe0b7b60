"""What is common to all requests of the API: whose key it is, how often it may ask, what is done once, and that every
refusal is a problem document, whoever made it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from config.api.problems import CONTENT_TYPE, Problem, invalid, of_status
from users import api_answers, api_keys
from users.models import ApiKey

logger = logging.getLogger(__name__)

PATH = "/api/"
LARGEST_BODY = 256 * 1024
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# What of an answer that was not worded as a problem is kept.
KEPT_HEADERS = ("Allow", "Location", "Retry-After", "WWW-Authenticate")

Answer = Callable[[HttpRequest], HttpResponseBase]


class ApiMiddleware:
    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PATH):
            return self.get_response(request)
        # Sessions have no say here: nothing behind this line sees one.
        request.META.pop("HTTP_COOKIE", None)
        told: dict[str, str] = {"Cache-Control": "no-store"}
        try:
            response = self._answer(request, told)
        except Problem as problem:
            response = problem.response()
        except OperationalError as error:
            response = busy(error).response()
        if response.status_code >= 400 and not response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
            kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            response = of_status(response.status_code, kept)
        for name, value in told.items():
            response.headers.setdefault(name, value)
        return response

    def _answer(self, request: HttpRequest, told: dict[str, str]) -> HttpResponseBase:
        """told: the headers that the answer gets besides, filled in here."""
        length = request.META.get("CONTENT_LENGTH") or ""
        if length.isdecimal() and int(length) > LARGEST_BODY:
            raise Problem("too-large", f"At most {LARGEST_BODY:,} bytes at once.")
        use = _use(request)
        request.api_key = use.key if use else None  # type: ignore[attr-defined]  # read by config/api/scopes.py
        if use is None:
            return self.get_response(request)
        _tell(use, told)
        idempotency_key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or idempotency_key is None:
            return self.get_response(request)
        return self._once(request, use.key, idempotency_key)

    def _once(self, request: HttpRequest, key: ApiKey, idempotency_key: str) -> HttpResponseBase:
        if not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            detail = "1 to 255 visible ASCII characters."
            raise invalid([{"detail": detail, "header": "Idempotency-Key"}])
        try:
            return api_answers.once(
                request, self.get_response, key=key, idempotency_key=idempotency_key, at=timezone.now()
            )
        except api_answers.KeyReused:
            detail = "It came with another request before. Nothing was done; send a new key with a new request."
            raise Problem("idempotency-key-reused", detail) from None


def busy(error: OperationalError) -> Problem:
    logger.warning("The API could not answer: %s", error)
    return Problem("busy", "Try again in a moment.", headers={"Retry-After": "1"})


def _use(request: HttpRequest) -> api_keys.Use | None:
    """The key that was sent, counted; None where there was none. An invalid one is refused, whatever is asked."""
    sent = request.headers.get("Authorization")
    if sent is None:
        return None
    scheme, _, text = sent.partition(" ")
    use = api_keys.use(text.strip(), at=timezone.now()) if scheme.lower() == "bearer" else None
    if use is None:
        detail = "This key is not known or was revoked."
        raise Problem("not-authenticated", detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return use


def _tell(use: api_keys.Use, told: dict[str, str]) -> None:
    """Add how often the key may ask to the headers. Raises Problem where it has asked more often."""
    told["RateLimit-Limit"] = str(use.limit)
    told["RateLimit-Remaining"] = str(use.left)
    told["RateLimit-Reset"] = str(use.ends_in)
    if use.is_over:
        detail = f"This key may make {use.limit:,} requests a minute."
        raise Problem("too-many-requests", detail, headers={"Retry-After": str(use.ends_in)})
