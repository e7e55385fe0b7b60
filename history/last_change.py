"""Who last changed a row or one of its fields, for those who were about to change it too.

Source: PostgreSQL history_events; of what the activity log does not record, the back office's own log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format

from history.activity_signals import WATCHED, json_value
from history.models import Event, Kind
from users.models import User

# Fields of forms that the log calls otherwise.
NAMES = {"picture": "image", "remove_picture": "image"}


def describe_last_change(row: Model, *, reader: User | None = None, field: str = "") -> str:
    """Return "by Bob on 1 May 2026, 10:00:00", for the reader "by you …"; field: of the form, "" for any.

    A change that no log tells, by plain SQL for instance, is "by somebody who left no entry in the activity log".
    """
    found = _event(row, NAMES.get(field, field)) if type(row) in WATCHED else _entry(row)
    if found is None:
        return "by somebody who left no entry in the activity log"
    actor_id, name, at = found
    who = "you" if reader and actor_id == reader.pk else name
    return f"by {who} on {date_format(timezone.localtime(at), 'j M Y, H:i:s')}"


def _event(row: Model, field: str) -> tuple[int | None, str, datetime] | None:
    events = Event.objects.filter(subject=WATCHED[type(row)][0], subject_id=row.pk).order_by("-event_id")
    if field == "password":
        events = events.filter(kind__in=[Kind.PASSWORD_CHANGED, Kind.PASSWORD_RESET])
    elif field:
        events = events.filter(changes__has_key=field)
    event = events.first()
    if event is None or (field in event.changes and event.changes[field][1] != _recorded(getattr(row, field))):
        return None
    return event.actor_id, event.actor_name, event.occurred_at


def _recorded(value: Any) -> Any:
    return json_value(str(value) if isinstance(value, Model) else value)


def _entry(row: Model) -> tuple[int | None, str, datetime] | None:
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    entry = entries.select_related("user").order_by("-pk").first()
    return (entry.user_id, str(entry.user), entry.action_time) if entry else None
