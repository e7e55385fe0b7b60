"""manage.py send_mails: send the mails about orders until told to stop."""

from __future__ import annotations

from typing import Any

from config.working import Service
from orders.mails import Sender


class Command(Service):
    help = "Send mails about orders and accounts as they come up, until stopped (SIGTERM); any number of them may run."

    def handle(self, *args: Any, **options: Any) -> None:
        self.serve(Sender(), name="mail", waits_for="mails to send")
