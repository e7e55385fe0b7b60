"""manage.py deliver_webhooks: number the feed of events and deliver webhooks until told to stop."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from history.webhooks.deliverer import Deliverer
from history.webhooks.deliveries import LEASE


class Command(BaseCommand):
    help = "Number the feed of events and deliver webhooks, until stopped (SIGTERM); any number of them may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lease",
            type=int,
            default=int(LEASE.total_seconds()),
            help="Seconds after which what another process had in hand is taken up; more than a try can take.",
        )

    def handle(self, *args: Any, lease: int, **options: Any) -> None:
        deliverer = Deliverer(timedelta(seconds=lease))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: deliverer.stop())
        self.stdout.write("hooks: waiting for events")
        deliverer.run()
        self.stdout.write("hooks: stopped")
