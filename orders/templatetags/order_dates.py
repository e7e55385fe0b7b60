"""The way down by date above the back office's list of orders."""

from __future__ import annotations

import calendar
from datetime import date
from itertools import takewhile
from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.formats import date_format

register = template.Library()

LEVELS = ("year", "month", "day")


@register.inclusion_tag("admin/date_hierarchy.html")
def order_dates(changelist: ChangeList) -> dict[str, Any]:
    """What Django's own date_hierarchy shows, from the first and the last order there are, which an index knows.

    That one reads every order of the list for the days there are; here a day without orders is offered as well.
    """
    found = changelist.root_queryset.aggregate(first=Min("created_at"), last=Max("created_at"))
    if found["first"] is None:
        return {"show": False}
    first, last = (timezone.localtime(found[name]).date() for name in ("first", "last"))
    asked = [changelist.params.get(f"created_at__{level}") for level in LEVELS]
    chosen = [int(number) for number in takewhile(bool, asked) if number]
    if not _is_day(*[*(chosen or [first.year]), 1, 1][:3]):
        return {"show": False}
    if not chosen and first.year == last.year:
        chosen = [first.year]
    back = {"link": _link(changelist, chosen[:-1]), "title": _title(chosen[:-1])} if chosen else None
    if len(chosen) == len(LEVELS):
        return {"show": True, "back": back, "choices": [{"title": _title(chosen)}]}
    choices = [[*chosen, number] for number in _numbers(chosen, first, last)]
    shown = [{"link": _link(changelist, choice), "title": _title(choice)} for choice in choices]
    return {"show": True, "back": back, "choices": shown}


def _is_day(*numbers: int) -> bool:
    try:
        date(*numbers)
    except (ValueError, OverflowError):
        return False
    return True


def _numbers(chosen: list[int], first: date, last: date) -> range:
    """The years, the months of a chosen year or the days of a chosen month, from the first to the last order."""
    if not chosen:
        return range(first.year, last.year + 1)
    if len(chosen) == 1:
        return range(first.month if first.year == chosen[0] else 1, (last.month if last.year == chosen[0] else 12) + 1)
    year, month = chosen
    low, high = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return range(max(first, low).day, min(last, high).day + 1)


def _title(chosen: list[int]) -> str:
    match chosen:
        case []:
            return "All dates"
        case [year]:
            return str(year)
        case [year, month]:
            return date_format(date(year, month, 1), "F Y")
    return date_format(date(*chosen), "j F")


def _link(changelist: ChangeList, chosen: list[int]) -> str:
    wanted = {f"created_at__{level}": str(number) for level, number in zip(LEVELS, chosen, strict=False)}
    return changelist.get_query_string(wanted, ["created_at__"])
