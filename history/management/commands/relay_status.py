"""manage.py relay_status: how far the mirror is behind, and what is parked; --requeue tries parked events again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from history import wakeup
from history.mirror import lag
from history.models import Event


class Command(BaseCommand):
    help = "Show pending and parked events, the last delivery and the lag of the last hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--requeue", action="store_true", help="Have the relay try parked events again now.")

    def handle(self, *args: Any, requeue: bool, **options: Any) -> None:
        if requeue:
            count = Event.objects.parked().update(parked_at=None, retry_at=None)
            wakeup.notify()
            self.stdout.write(f"{count:,} parked events are queued again.")
        for name, value in lag.status().items():
            self.stdout.write(f"{name:<24}{value}")
        for event in Event.objects.parked().order_by("event_id")[:20]:
            self.stdout.write(f"parked: {event}, {event.attempts} attempts, next {event.retry_at:%F %T}: {event.error}")
