"""A client of the API with a key of its own."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.test import Client

from config.api.scopes import SCOPES
from users import api_keys
from users.models import ApiKey, User

BASE = "/api/v1"


class ApiClient:
    """Asks with a key that may do everything, unless told otherwise."""

    def __init__(
        self, *scopes: str, name: str = "", customer: User | None = None, limit: int = 100_000, text: str | None = None
    ) -> None:
        self.key: ApiKey | None = None
        if text is None:
            self.key, text = api_keys.make(
                name=name or f"Key {uuid4().hex[:8]}",
                scopes=scopes or SCOPES,
                customer=customer,
                requests_per_minute=limit,
            )
        self.text = text
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, query: Any = None, **headers: str) -> HttpResponse:
        return self.client.get(f"{BASE}{path}", query, headers=self._headers(headers))

    def post(self, path: str, body: Any, *, content_type: str = "application/json", **headers: str) -> HttpResponse:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(
            "POST", f"{BASE}{path}", sent, content_type=content_type, headers=self._headers(headers)
        )

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self.text}"} if self.text else {}
        return authorization | {name.replace("_", "-"): value for name, value in more.items()}


def kind(answer: HttpResponse) -> str:
    """The kind of the problem that an answer is."""
    assert answer["Content-Type"] == "application/problem+json", answer.content[:500]
    document = answer.json()
    assert document["status"] == answer.status_code
    return document["type"].removeprefix("urn:problem-type:shop:")
