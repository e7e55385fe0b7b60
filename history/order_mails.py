"""What became of the mails about an order, for the history that staff see.

Source: PostgreSQL order_mails. A mail is no change of its order, so it has no revision and is in no document: who is at
work on the order is not told that it moved on because a mail went out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from history.models import Event
from orders.models import Mail


@dataclass(frozen=True)
class MailTold:
    """One mail as the back office's history shows its events; occurred_at: sent, or tried last."""

    status: str
    occurred_at: datetime
    note: str
    kind: str = "mail"
    is_time_known: bool = True
    changes: dict[str, Any] = field(default_factory=dict)
    get_kind_display: str = "Mail"
    actor_name: str = "The shop"


def with_mails(events: Iterable[Event], order_id: int) -> list[Event | MailTold]:
    """Return an order's events, newest first, with its mails between them by time; what is only waiting is left out."""
    told: list[Event | MailTold] = list(events)
    for mail in Mail.objects.of_order(order_id).told():
        at = mail.sent_at or mail.tried_at
        assert at is not None
        place = next((n for n, entry in enumerate(told) if entry.occurred_at <= at), len(told))
        told.insert(place, MailTold(mail.status, at, _note(mail)))
    return told


def _note(mail: Mail) -> str:
    about = f"Mail about “{mail.get_status_display()}”"
    if mail.sent_at:
        return f"{about} sent{f', at attempt {mail.attempts}' if mail.attempts > 1 else ''}."
    failed = f"{about} could not be sent: {mail.error}"
    if mail.due_at is None:
        return f"{failed}\nIt is not tried any more."
    again = date_format(timezone.localtime(mail.due_at), "j M Y, H:i")
    return f"{failed}\nAttempts so far: {mail.attempts}. The next one: {again}."
