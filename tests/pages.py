"""What tests ask of a page."""

from __future__ import annotations

import re
from html import unescape

from django.contrib.messages import get_messages
from django.urls import reverse

from tests.emails import deliver
from tests.factories import PASSWORD


def text(response) -> str:
    """The page as it is read: without tags, with single spaces."""
    body = re.sub(r"<(script|style).*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def told(response) -> list[str]:
    """The messages that the request left for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def field(response, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', response.content.decode())
    assert found, f"no field {name}"
    return unescape(found.group(1))


def breaks_csp(response) -> list[str]:
    """Inline scripts, styles and handlers, which the Content-Security-Policy would not let run."""
    body = response.content.decode()
    return re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|https?://[^\"' ]+\.(?:js|css)", body)


def enter_code(client, **kwargs):
    """End a sign-up, or a first sign-in, with the code from the latest mail."""
    code = re.search(r"^\d{6}$", deliver()[-1].body, re.MULTILINE).group()
    return client.post(reverse("account_email_verification_sent"), {"code": code}, **kwargs)


def confirm_password(client) -> None:
    """Enter the password once more, as pages ask for it where much is at stake."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
