"""What is told on the next page travels in a cookie; this one, as the others, only this host can have set."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    cookie_name = "messages" if settings.LOCAL else "__Host-messages"


class MessageStorage(FallbackStorage):
    """A cookie, or the session for what is too long for it."""

    storage_classes = (HostCookieStorage, SessionStorage)
