"""What the worker sends."""

from __future__ import annotations

from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone

from orders.mails import Sender


def deliver() -> list[EmailMessage]:
    """Have what is due sent, as the worker does, and return all emails of the test so far."""
    sender = Sender()
    while sender.send_next(at=timezone.now()):
        pass
    sender.rest()
    outbox: list[EmailMessage] = mail.outbox
    return outbox
