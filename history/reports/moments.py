"""The past moment that a report is asked about, and what is said where it is none."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from history.past import moments
from history.reports.periods import EARLIEST


def read(text: str | None, now: datetime) -> tuple[datetime | None, list[str]]:
    """Return the moment, in UTC, cut to milliseconds, or None for now; what makes no sense is noted, never refused."""
    if not text:
        return None, []
    moment = moments.parse(text)
    if moment is None:
        today = timezone.localdate(now, timezone.get_default_timezone())
        written = f"written like {today}T18:00"
        return None, [f"“{text[:40]}” is no moment since {EARLIEST}, {written}: shown as of now."]
    if moment > now:
        return None, ["The moment asked for lies in the future: shown as of now."]
    return moment, []
