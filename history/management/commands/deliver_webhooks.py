"""manage.py deliver_webhooks: number the feed of events and deliver webhooks until told to stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from config.working import Service
from history.webhooks.deliverer import Deliverer
from history.webhooks.deliveries import LEASE


class Command(Service):
    help = "Number the feed of events and deliver webhooks, until stopped (SIGTERM); any number of them may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lease",
            type=int,
            default=int(LEASE.total_seconds()),
            help="Seconds after which what another process had in hand is taken up; more than a try can take.",
        )

    def handle(self, *args: Any, lease: int, **options: Any) -> None:
        self.serve(Deliverer(timedelta(seconds=lease)), name="hooks", waits_for="events")
