"""Commands that fill a shop with invented people and orders, which no real shop wants."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class LocalOnlyCommand(BaseCommand):
    """Refuses to run unless LOCAL is set: what it makes, such as staff whose password everybody knows, is for tests."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not settings.LOCAL:
            raise CommandError("This is for a shop on a machine of your own, and this one is not: LOCAL is not set.")
        return super().execute(*args, **options)
