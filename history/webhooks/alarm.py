"""Telling staff that an endpoint is switched off."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from history.webhooks.models import Endpoint
from users.models import User

TEXT = """\
Nothing has arrived at the webhook “{name}” since {since}:

  {url}
  {error}

It is switched off now. Nothing is lost: once the other side is in order, switch it on again, and it gets everything
that has happened meanwhile, the oldest first.

  {page}
"""


def tell_staff(endpoint: Endpoint, *, failing_since: datetime, error: str) -> None:
    """Mail everybody who may switch it on again. Raises OSError where the mail server does not take it."""
    EmailMessage(
        subject=f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}The webhook “{endpoint.name}” is switched off",
        body=TEXT.format(
            name=endpoint.name,
            since=date_format(timezone.localtime(failing_since), "j M Y, H:i"),
            url=endpoint.url,
            error=error,
            page=f"{settings.SITE_URL}{reverse('admin:history_endpoint_change', args=[endpoint.pk])}",
        ),
        to=[user.email for user in keepers()],
        headers={"Auto-Submitted": "auto-generated"},
    ).send()


def keepers() -> QuerySet[User]:
    """Staff who may change webhooks."""
    named = {"content_type__app_label": "history", "codename": "change_endpoint"}
    by_role = Q(**{f"groups__permissions__{name}": value for name, value in named.items()})
    by_name = Q(**{f"user_permissions__{name}": value for name, value in named.items()})
    staff = User.objects.filter(is_staff=True, is_active=True)
    return staff.filter(Q(is_superuser=True) | by_role | by_name).distinct().order_by("pk")
