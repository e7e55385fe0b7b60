"""manage.py send_mails: send the mails about orders until told to stop."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from orders.mails import Sender


class Command(BaseCommand):
    help = "Send the mails about orders as they come up, until stopped (SIGTERM); any number of them may run."

    def handle(self, *args: Any, **options: Any) -> None:
        sender = Sender()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sender.stop())
        self.stdout.write("mail: waiting for mails to send")
        sender.run()
        self.stdout.write("mail: stopped")
