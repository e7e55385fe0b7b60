"""Answering a repeated request of the API as the first one was answered: the same bytes, and nothing done twice.

The answer is kept in the transaction of what the request did, so there is one exactly where it was done, whatever died
when. Refusals are not kept: nothing was done, and the same key may be sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from users.models import ApiAnswer, ApiKey

KEPT = timedelta(hours=48)

# Whoever comes while the first is at work waits here until it is committed or rolled back.
TAKE = """
INSERT INTO api_answers (key_id, idempotency_key, request, answered_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (key_id, idempotency_key) DO NOTHING RETURNING answer_id
"""
KEEP = "UPDATE api_answers SET status = %s, location = %s, body = %s WHERE answer_id = %s"
FORGET = """
DELETE FROM api_answers WHERE answer_id IN (
    SELECT answer_id FROM api_answers WHERE answered_at < %s ORDER BY answered_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


class KeyReused(Exception):
    """The Idempotency-Key came with another request before."""


def once(
    request: HttpRequest,
    answer: Callable[[HttpRequest], HttpResponseBase],
    *,
    key: ApiKey,
    idempotency_key: str,
    at: datetime,
) -> HttpResponseBase:
    """Answer a request, or give the answer that it got before, with the header Idempotency-Replayed.

    Everything that `answer` writes is one transaction with the record of its answer; of a refusal nothing stays.
    Raises KeyReused where the first request was another one.
    """
    asked = _fingerprint(request)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, [key.pk, idempotency_key, asked, at])
        taken = cursor.fetchone()
        if taken is None:
            return _again(ApiAnswer.objects.get(key=key, idempotency_key=idempotency_key), asked)
        response = answer(request)
        if not isinstance(response, HttpResponse) or response.status_code >= 300:
            transaction.set_rollback(True)
            return response
        location = response.headers.get("Location", "")
        cursor.execute(KEEP, [response.status_code, location, response.content, *taken])
    return response


def forget(*, at: datetime, most: int) -> int:
    """Remove the oldest answers that are past their time; returns how many. A relay does so each minute."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [at - KEPT, most])
        return int(cursor.rowcount)


def _again(first: ApiAnswer, asked: str) -> HttpResponse:
    if first.request != asked:
        raise KeyReused
    assert first.body is not None  # none but its own transaction sees it without
    response = HttpResponse(bytes(first.body), status=first.status, content_type="application/json; charset=utf-8")
    response["Idempotency-Replayed"] = "true"
    if first.location:
        response["Location"] = first.location
    return response


def _fingerprint(request: HttpRequest) -> str:
    asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(asked).hexdigest()
