"""Emails about accounts (codes, links, notices) wait as rows until the worker that sends order emails has sent them.

So a mail server that is down or slow fails no sign-up and holds no request. A row has a code or a link in it, so it is
deleted once it is sent, or when what it says has expired.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from users.models import AccountEmail

# Longer than a mail server can take over one email (settings.EMAIL_TIMEOUT for each answer).
RETRY_AFTER = timedelta(minutes=1)

CLAIM = """
UPDATE account_emails SET attempts = attempts + 1, due_at = %(retry)s
WHERE email_id = (
    SELECT email_id FROM account_emails WHERE due_at <= %(at)s ORDER BY due_at, email_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""


class QueueBackend(BaseEmailBackend):
    """An email backend that stores instead of sending. lifetime: how long what the email says is valid."""

    def __init__(self, *, lifetime: timedelta) -> None:
        super().__init__()
        self._lifetime = lifetime

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        expires_at = timezone.now() + self._lifetime
        AccountEmail.objects.bulk_create(
            AccountEmail(
                recipient=recipient, subject=str(message.subject), body=str(message.body), expires_at=expires_at
            )
            for message in email_messages
            for recipient in message.to
        )
        return len(email_messages)


def claim(at: datetime) -> AccountEmail | None:
    """Take the email that is due first and postpone its next attempt; expired ones are deleted on the way."""
    while claimed := next(iter(AccountEmail.objects.raw(CLAIM, {"at": at, "retry": at + RETRY_AFTER})), None):
        if claimed.expires_at > at:
            return claimed
        claimed.delete()
    return None


def as_message(email: AccountEmail) -> EmailMessage:
    """Return the email as it is sent; each attempt has the same Message-ID."""
    message_id = f"<account-{email.pk}@{urlsplit(settings.SITE_URL).hostname}>"
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    return EmailMessage(email.subject, email.body, to=[email.recipient], headers=headers)
