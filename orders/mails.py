"""Telling customers by mail what became of their orders.

A row of order_mails stands for each mail, written by orders.services with the step it tells of. A sender claims one
and by that puts off its next try: whatever dies then, the mail is tried again, and given up after about three days. So
each is sent at least once. A repeat carries the Message-ID of the first, by which mailboxes know it.

No library: django-post-office and django-mailer keep address and text of every mail in the database, mark a batch as
sent at its end, and have no place to tell of one mail's failure, which here is part of the order's history. What would
have to be built around them is more than this.
"""

from __future__ import annotations

import logging
import re
import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.working import Trouble, Worker
from core.row_isolation import attempt
from orders.models import Mail, Order
from orders.status import Status
from users import email_queue
from users.models import AccountEmail, Address

logger = logging.getLogger(__name__)

# Longer than a server can draw out one mail (settings.EMAIL_TIMEOUT for each answer), so that nobody else takes it.
FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=6)
# With these pauses about three days.
MOST_ATTEMPTS = 20

# An order's mails go out one after the other: "shipped" is not to come before "paid".
CLAIM = """
UPDATE order_mails SET attempts = attempts + 1, tried_at = %(at)s,
    due_at = %(at)s + least(%(first)s * power(2, least(attempts, 20)), %(longest)s)
WHERE mail_id = (
    SELECT mail_id FROM order_mails AS mail WHERE due_at <= %(at)s AND NOT EXISTS (
        SELECT FROM order_mails AS earlier
        WHERE earlier.order_id = mail.order_id AND earlier.rev < mail.rev AND earlier.due_at IS NOT NULL)
    ORDER BY due_at, mail_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""


class Undeliverable(Exception):
    """Why a mail is never to be sent."""


@dataclass(frozen=True)
class Words:
    """What a mail says of a status: its subject after the order's number, its heading, what comes next."""

    subject: str | Promise
    heading: str | Promise
    next: str | Promise


WORDS = {
    Status.PENDING: Words(
        _("Your order %(order)s"),
        _("Thank you for your order"),
        _("You pay by invoice, with the order's number as the reference. We send it as soon as it is paid."),
    ),
    Status.PAID: Words(
        _("Order %(order)s is paid"), _("Your order is paid"), _("Thank you. We pack it and send it next.")
    ),
    Status.SHIPPED: Words(
        _("Order %(order)s is on its way"), _("Your order is on its way"), _("We tell you when it has arrived.")
    ),
    Status.DELIVERED: Words(
        _("Order %(order)s was delivered"), _("Your order was delivered"), _("We hope that you like it.")
    ),
    Status.CANCELLED: Words(
        _("Order %(order)s is cancelled"), _("Your order is cancelled"), _("It will not be sent.")
    ),
    Status.RETURNED: Words(
        _("Order %(order)s was returned"), _("We have your return"), _("The order ends here.")
    ),
}  # fmt: skip


class Sender(Worker):
    """Sends what is due until it is stopped; any number of them may run."""

    pause = 1.0

    def __init__(self) -> None:
        super().__init__(Trouble(logger, "Mails wait, none is lost"))
        self._server: Any = None  # open while there is something to send

    def step(self) -> bool:
        return self.send_next(at=timezone.now())

    def rest(self) -> None:
        """Hang up."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(OSError):  # it has gone already
                server.close()

    def send_next(self, *, at: datetime) -> bool:
        """Send the mail that is due first, and return whether one was sent.

        Emails about accounts go first: people wait for codes. A failure is kept with the mail and logged. Raises
        django.db.Error where PostgreSQL is away.
        """
        if about_account := email_queue.claim(at):
            return self._send_about_account(about_account)
        mail = _claim(at)
        if mail is None:
            return False
        message, reason = attempt(message_of, mail)
        if message is None:
            _failed(mail, reason)
            return False
        try:
            self._send(message)
        except (OSError, ValueError) as error:  # the server's refusals, the network, an address that cannot be one
            _failed(mail, error)
        else:
            Mail.objects.filter(pk=mail.pk).update(sent_at=timezone.now(), due_at=None, error="")
            return True
        return False

    def _send_about_account(self, email: AccountEmail) -> bool:
        try:
            self._send(email_queue.as_message(email))
        except (OSError, ValueError) as error:
            reason = _reason(error)
            logger.warning("An email about an account could not be sent, try %s: %s", email.attempts, reason)
            AccountEmail.objects.filter(pk=email.pk).update(error=reason)
            return False
        email.delete()
        return True

    def _send(self, message: EmailMessage) -> None:
        if self._server is None:
            self._server = get_connection()
            self._server.open()
        message.connection = self._server
        message.send()


def message_of(mail: Mail) -> EmailMultiAlternatives:
    """Return the mail as it is sent, text and HTML, with the order as it is now, in the language of who placed it.

    Raises Undeliverable.
    """
    order = Order.objects.with_items().select_related("customer").filter(pk=mail.order_id).first()
    if order is None:
        raise Undeliverable("The order is not here any more.")
    if not order.customer.is_active:
        raise Undeliverable("The customer's account is closed.")
    spoken = Mail.objects.of_order(order.pk).values_list("language", flat=True).first()
    with translation.override(spoken or mail.language):
        return _written(mail, order)


def _written(mail: Mail, order: Order) -> EmailMultiAlternatives:
    words = WORDS[Status(mail.status)]
    context = {
        "order": order,
        "status": Status(mail.status),
        "words": words,
        # What comes next is known of an order that is still where the mail says it is.
        "next": words.next if order.status == mail.status else "",
        "address": Address.written(order.shipping_address),
        "url": f"{settings.SITE_URL}{order.get_absolute_url()}",
    }
    message = EmailMultiAlternatives(
        subject=settings.ACCOUNT_EMAIL_SUBJECT_PREFIX + words.subject % {"order": order},
        body=render_to_string("orders/mail.txt", context),
        to=[order.customer.email],
        # The same for each try of one mail, and for no other.
        headers={
            "Message-ID": f"<order-{order.pk}-{mail.rev}@{urlsplit(settings.SITE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(render_to_string("orders/mail.html", context), "text/html")
    return message


def _claim(at: datetime) -> Mail | None:
    """Take the mail that is due first, and put off its next try as if this one had failed."""
    parameters = {"at": at, "first": FIRST_RETRY, "longest": LONGEST_RETRY}
    return next(iter(Mail.objects.raw(CLAIM, parameters)), None)


def _failed(mail: Mail, error: Exception | None) -> None:
    reason = _reason(error)
    logger.warning("Mail about order %s could not be sent, try %s: %s", mail, mail.attempts, reason)
    if mail.attempts >= MOST_ATTEMPTS or isinstance(error, Undeliverable):
        _give_up(mail, reason)
    else:
        Mail.objects.filter(pk=mail.pk).update(error=reason)


def _give_up(mail: Mail, reason: str) -> None:
    Mail.objects.filter(pk=mail.pk).update(due_at=None, error=reason)


def _reason(error: Exception | None) -> str:
    """What the server or the network said, on one line and without addresses."""
    said: object = error
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = next(iter(error.recipients.values()), error)
    elif isinstance(error, smtplib.SMTPResponseException):
        said = (error.smtp_code, error.smtp_error)
    if isinstance(said, tuple):
        code, text = said
        said = f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    told = " ".join(str(said)[:2000].split()) or type(error).__name__
    told = re.sub(r"(?<!\S)[^\s@]*@\S*", "(address)", told)  # kept longer than the customer's account may be
    return "".join(letter for letter in told if letter.isprintable())[:300]
