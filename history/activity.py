"""Recording what people do beside orders: one event in the transaction at hand, mirrored like those of orders.

Nothing secret goes in: no passwords, hashes, tokens, session keys or postal addresses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest

from history import wakeup
from history.models import CURRENT_TRANSACTION, Event, Kind, Subject
from users.models import User

# The request this thread is answering, if any; history/middleware.py sets it.
request_at_hand: ContextVar[HttpRequest | None] = ContextVar("request_at_hand", default=None)


@dataclass(frozen=True)
class Actor:
    """Who did something: a user by number and name, or a name alone."""

    user_id: int | None
    name: str


SYSTEM = Actor(None, "system")  # commands, shells, jobs
VISITOR = Actor(None, "visitor")  # a request of nobody who is signed in


def actor_of(user: User) -> Actor:
    return Actor(user.pk, str(user)[:200])


def current_actor() -> Actor:
    """Return who is asking; looked up only now, so that a request which records nothing asks nothing for it."""
    request = request_at_hand.get()
    if request is None:
        return SYSTEM
    user = getattr(request, "user", None)
    return actor_of(user) if isinstance(user, User) else VISITOR


# Django's bulk_create takes ten times as long: it resolves each row's defaults.
COLUMNS = ("kind", "subject", "subject_id", "subject_name", "status", "occurred_at", "actor_id", "actor_name", "note")
INSERT = """
INSERT INTO history_events
    (kind, subject, subject_id, subject_name, status, occurred_at, actor_id, actor_name, note, changes, transaction_id)
SELECT *, pg_current_xact_id()::text::bigint FROM unnest(
    %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[], %s::text[],
    %s::text[], %s::jsonb[])
"""


def record(
    kind: Kind,
    *,
    subject: Subject,
    subject_id: int | None,
    subject_name: str,
    actor: Actor,
    at: datetime,
    changes: Mapping[str, Any] | None = None,
    note: str = "",
) -> Event:
    """Record one thing that happened, in the transaction at hand: rolled back, it never was.

    changes: {field: [old, new]} of JSON values, money as a decimal string. at: aware datetime.
    """
    made = event(
        kind,
        subject=subject,
        subject_id=subject_id,
        subject_name=subject_name,
        actor=actor,
        at=at,
        changes=changes,
        note=note,
    )
    made.save(force_insert=True)
    transaction.on_commit(wakeup.request)
    return made


def record_many(events: Sequence[Event]) -> None:
    """Record what `event` made, like `record`, by one statement, however many they are."""
    if not events:
        return
    columns = [[getattr(each, name) for each in events] for name in COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*columns, [json.dumps(each.changes) for each in events]])
    transaction.on_commit(wakeup.request)


def event(
    kind: Kind,
    *,
    subject: Subject,
    subject_id: int | None,
    subject_name: str,
    actor: Actor,
    at: datetime,
    changes: Mapping[str, Any] | None = None,
    note: str = "",
) -> Event:
    """Return the event of one thing that happened, not yet recorded; see `record`."""
    return Event(
        kind=kind,
        subject=subject,
        subject_id=subject_id,
        subject_name=subject_name,
        status="",
        occurred_at=at,
        actor_id=actor.user_id,
        actor_name=actor.name,
        note=note,
        changes=dict(changes or {}),
        transaction_id=CURRENT_TRANSACTION,
        # Said here too: a sign-in is recorded outside of any transaction.
        request_id=getattr(request_at_hand.get(), "request_id", None),
    )
