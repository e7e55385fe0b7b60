"""The past moment that a report is asked about: ?as_of=, in the shop's time or with its offset from UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from history.reports.periods import EARLIEST


def read(text: str | None, now: datetime) -> tuple[datetime | None, list[str]]:
    """Return the moment, in UTC, cut to milliseconds, or None for now; what makes no sense is noted, never refused."""
    if not text:
        return None, []
    moment = _moment(text)
    if moment is None:
        today = timezone.localdate(now, timezone.get_default_timezone())
        return None, [f"“{text[:40]}” is no moment since {EARLIEST}, written like {today}T18:00: shown as of now."]
    if moment > now:
        return None, ["The moment asked for lies in the future: shown as of now."]
    return moment, []


def _moment(text: str) -> datetime | None:
    # The "+" of an offset that was not quoted has become a space.
    for spelling in (text, "+".join(text.rsplit(" ", 1))):
        try:
            moment = datetime.fromisoformat(spelling)
            if timezone.is_naive(moment):
                moment = timezone.make_aware(moment, timezone.get_default_timezone())
            # In UTC: moments of an hour that comes twice are equal to none of another zone.
            moment = moment.astimezone(UTC)
            is_known = timezone.localdate(moment, timezone.get_default_timezone()) >= EARLIEST
        except (ValueError, OverflowError):
            continue
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000) if is_known else None
    return None
