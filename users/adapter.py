"""Where allauth asks the shop: its mails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.redirects import is_page
from core.text import normalize_email
from users import devices
from users.email_fields import refuse_reserved
from users.email_queue import QueueBackend
from users.models import User

# As long as codes and links are valid: no email brings one that has expired.
CODE_LIFETIME = timedelta(seconds=app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT)
LIFETIME = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # untyped in the library
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a mail whose links lead to the shop's own address, whatever host and port the request named."""
        links = {name: _at_home(url) for name, url in context.items() if name.endswith("_url")}
        super().send_mail(template_prefix, email, context | links)

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMessage:
        message: EmailMessage = super().render_mail(template_prefix, email, context, headers)
        message.connection = QueueBackend(lifetime=CODE_LIFETIME if "code" in context else LIFETIME)
        return message

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt by account and place; allauth takes it back where the password is right."""
        email = normalize_email(credentials["email"])
        place = devices.place_of(request, email, address=self.get_client_ip(request))
        super().pre_authenticate(request, email=f"{email} from {place}")

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        devices.remember(response, user)
        return response

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url and is_page(url) and super().is_safe_url(url))

    def clean_email(self, email: str) -> str:
        refuse_reserved(email)
        return email

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm it, unless another account has taken the address meanwhile."""
        try:
            with transaction.atomic():
                return bool(super().confirm_email(request, email_address))
        except IntegrityError:
            messages.error(request, _("This e-mail address is taken."))
            return False

    def send_account_already_exists_mail(self, email: str) -> None:
        # A sign-up with a new address takes a password's hash: without one, the time would tell that this is known.
        make_password(email)
        super().send_account_already_exists_mail(email)


def _at_home(url: str) -> str:
    """The address at settings.SITE_URL."""
    return settings.SITE_URL + urlsplit(url)._replace(scheme="", netloc="").geturl()
