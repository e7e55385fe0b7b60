"""manage.py relay_status: how far the mirror is behind, and what is parked; --requeue tries parked events again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from history.mirror import lag, requeue
from history.models import Event

SHOWN = 20


class Command(BaseCommand):
    help = "Show pending and parked events, the last delivery and the lag of the last hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--requeue", action="store_true", help="Have the relay try parked events again now.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["requeue"]:
            self.stdout.write(f"{requeue.requeue_all():,} parked events are queued again.")
        state = lag.state()
        for name, value in state.told().items():
            self.stdout.write(f"{name:<24}{value}")
        for event in Event.objects.parked().order_by("event_id")[:SHOWN]:
            self.stdout.write(f"parked: {event}, {event.attempts} attempts, next {event.retry_at:%F %T}: {event.error}")
        if state.parked > SHOWN:
            self.stdout.write(f"and {state.parked - SHOWN:,} more; the back office lists all of them under Mirror.")
