"""Where allauth asks the shop: its mails."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.hashers import make_password


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # untyped in the library
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail whose links lead to the shop's own address, whatever host and port the request named."""
        links = {name: _at_home(url) for name, url in context.items() if name.endswith("_url")}
        super().send_mail(template_prefix, email, context | links)

    def send_account_already_exists_mail(self, email: str) -> None:
        # A sign-up with a new address takes a password's hash: without one, the time would tell that this is known.
        make_password(email)
        super().send_account_already_exists_mail(email)


def _at_home(url: str) -> str:
    """The address at settings.SITE_URL."""
    return settings.SITE_URL + urlsplit(url)._replace(scheme="", netloc="").geturl()
