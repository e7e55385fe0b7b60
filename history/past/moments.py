"""The past moment that an address asks about, ?as_of=: in the shop's zone, or with its offset from UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.utils import timezone

from history.reports.periods import EARLIEST

MILLISECOND = timedelta(milliseconds=1)


def parse(text: str) -> datetime | None:
    """Return the moment, in UTC, cut to milliseconds; None for what is none since EARLIEST. A date is the day's end."""
    # The "+" of an offset that was not quoted has become a space.
    for spelling in (text, "+".join(text.rsplit(" ", 1))):
        try:
            moment = _read(spelling)
            is_known = timezone.localdate(moment, timezone.get_default_timezone()) >= EARLIEST
        except (ValueError, OverflowError):
            continue
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000) if is_known else None
    return None


def query(at: datetime, rev: int) -> str:
    """Return what an order's address asks for to show it after one of its events: its time and its revision."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return urlencode({"as_of": moment, "after": rev}, safe=":")


def _read(text: str) -> datetime:
    """Raises ValueError or OverflowError for what is no moment."""
    moment = _end_of_day(text) or datetime.fromisoformat(text)
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    # In UTC: moments of an hour that comes twice are equal to none of another zone.
    return moment.astimezone(UTC)


def _end_of_day(text: str) -> datetime | None:
    """The last moment of a date in the shop's zone, aware; None for what is no date alone."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    zone = timezone.get_default_timezone()
    # Less than the next midnight, of which there may be two, or none.
    midnights = [datetime.combine(day + timedelta(days=1), time(fold=fold), tzinfo=zone) for fold in (0, 1)]
    ends = [midnight.astimezone(UTC) - MILLISECOND for midnight in midnights]
    return max((end for end in ends if timezone.localdate(end, zone) == day), default=ends[0])
