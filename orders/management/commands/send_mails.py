"""manage.py send_mails: send the mails about orders until told to stop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.working import serve
from orders.mails import Sender


class Command(BaseCommand):
    help = "Send the mails about orders as they come up, until stopped (SIGTERM); any number of them may run."

    def handle(self, *args: Any, **options: Any) -> None:
        serve(self, Sender(), name="mail", waits_for="mails to send")
