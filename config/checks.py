"""What `manage.py check --deploy` says beside Django's own: settings that work and are not meant for visitors.

What must not even start is refused by config/environment.py.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.core.checks import CheckMessage, Tags, Warning, register

ARGON2 = "argon2"


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Warn of what protects visitors and is off."""
    found = [
        (
            settings.BEHIND_TLS_PROXY and not settings.ALLAUTH_TRUSTED_PROXY_COUNT,
            "Behind a proxy and TRUSTED_PROXIES is 0: all visitors have the proxy's address, and share their limits.",
            "Set TRUSTED_PROXIES to how many proxies add to X-Forwarded-For.",
        ),
        (
            not all(settings.RATE_LIMITS.values()),
            "One visitor may ask without limit for what costs much.",
            "Unset RATE_LIMITS, or give each a number.",
        ),
        (
            not settings.REQUIRE_STAFF_MFA,
            "Staff need no second factor.",
            "Unset REQUIRE_STAFF_MFA.",
        ),
        (
            get_hasher().algorithm != ARGON2,
            "New passwords are not hashed with Argon2.",
            "Have Argon2PasswordHasher be the first of PASSWORD_HASHERS.",
        ),
        (
            not settings.LOCAL and settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend",
            "Mails, with the codes in them, go to the log.",
            "Set EMAIL_URL to a mail server.",
        ),
    ]
    return [
        Warning(text, hint=hint, id=f"config.W{number:03}")
        for number, (is_so, text, hint) in enumerate(found, start=1)
        if is_so
    ]
