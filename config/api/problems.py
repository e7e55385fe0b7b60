"""Why the API refused something, as a problem document (RFC 9457). docs/api.md lists every kind.

The type of a kind never changes; its title and detail are for people and may.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"
PREFIX = "urn:problem-type:shop:"

# Of each kind its status and its title.
KINDS: dict[str, tuple[int, str]] = {
    "malformed": (400, "The request cannot be read"),
    "not-authenticated": (401, "A key of the API is missing or not valid"),
    "scope-missing": (403, "The key may not do this"),
    "not-found": (404, "There is nothing here for this key"),
    "method-not-allowed": (405, "This address does not take this method"),
    "step-not-allowed": (409, "The order's status does not allow this step"),
    "order-archived": (409, "The order is archived"),
    "not-for-sale": (409, "A product is not for sale"),
    "out-of-stock": (409, "There is not enough in stock"),
    "unknown-product": (409, "There is no product of this SKU"),
    "unknown-customer": (409, "There is no such customer"),
    "stock-not-possible": (409, "The stock cannot become that"),
    "total-too-large": (409, "The order would be larger than the shop can take"),
    "customer-inactive": (409, "The customer's account is not active"),
    "reference-taken": (409, "Another order has this external_ref"),
    "total-changed": (409, "The order would cost something else"),
    "position-unknown": (410, "The feed cannot be read from there without leaving something out"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "The body has to be application/json"),
    "invalid": (422, "The request is not valid"),
    "idempotency-key-reused": (422, "This Idempotency-Key was used for another request"),
    "too-many-requests": (429, "The key has used up its requests for now"),
    "internal-error": (500, "Something went wrong on our side"),
    "unreadable": (500, "What is stored cannot be read"),
    "history-unreachable": (503, "The history store does not answer"),
    "busy": (503, "The shop is too busy or its database does not answer"),
}
# What an answer that nobody worded here is, by its status.
BY_STATUS = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 500: "internal-error", 503: "busy"}


class Problem(Exception):
    """A refusal; nothing was written. more: members beside the standard ones. headers: of the answer."""

    def __init__(self, kind: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        self.status, self.title = KINDS[kind]
        self.kind, self.detail, self.more, self.headers = kind, detail, more, dict(headers or {})
        super().__init__(detail or self.title)

    def document(self) -> dict[str, Any]:
        told = {"detail": self.detail} if self.detail else {}
        return {"type": PREFIX + self.kind, "title": self.title, "status": self.status, **told, **self.more}

    def response(self) -> HttpResponse:
        return _response(self.document(), self.headers)


def invalid(errors: Sequence[Mapping[str, str]]) -> Problem:
    """errors: each with its detail and where it is: a pointer into the body, or a parameter or a header."""
    told = "; ".join(error["detail"].removesuffix(".") for error in errors[:3])
    return Problem("invalid", f"{told[:499]}.", errors=list(errors))


def of_status(status: int, headers: Mapping[str, str]) -> HttpResponse:
    """The problem document of an answer that has only a status; headers: the ones worth keeping."""
    if status in BY_STATUS:
        return Problem(BY_STATUS[status], headers=headers).response()
    return _response({"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}, headers)


def _response(document: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
    response = HttpResponse(json.dumps(document), status=document["status"], content_type=CONTENT_TYPE)
    # The middleware of the API answers from outside of the one that tells lengths.
    response["Content-Length"] = len(response.content)
    for name, value in headers.items():
        response[name] = value
    return response
