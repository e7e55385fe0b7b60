"""Values as the pages show them, made here: a page has a thousand of them, and a template takes thrice as long."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from config.templatetags.money import money, status_badge


def shown(kind: str, value: Any) -> SafeString | str:
    """A value of one of the kinds of tables.py, safe to be put into a page."""
    match kind:
        case _ if value is None:
            return "–"
        case "money":
            return money(value)
        case "integer":
            return f"{value:,}"
        case "order" if isinstance(value, int):
            return f"#{value}"
        case "percent":
            return f"{value} %"
        case "hours":
            return f"{value:,} h"
        case "days":
            return f"{value:,} days"
        case "time":
            return moment(value)
        case "date":
            return day(value)
        case "status":
            return status_badge(value)
    return conditional_escape(str(value))


def moment(at: datetime) -> SafeString:
    local = timezone.localtime(at, timezone.get_default_timezone())
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), f"{local.day} {local:%b %Y, %H:%M}")


def day(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b %Y}"
