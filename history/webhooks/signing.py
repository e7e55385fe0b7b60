"""Secrets of endpoints and what is signed with them; docs/webhooks.md tells receivers how to verify it.

A secret is made from SECRET_KEY and the endpoint's salt, so that no copy of the database gives it away; with another
SECRET_KEY every endpoint has another secret. Those of SECRET_KEY_FALLBACKS sign beside it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

from history.webhooks.models import Endpoint

# How long what is sent carries the signature of the secret before, too.
OVERLAP = timedelta(days=1)


def new_salt() -> str:
    return secrets.token_hex(32)


def secret(salt: str, *, key: str | None = None) -> str:
    """Return the secret as its receiver is told it: 256 bits behind "whsec_". key: SECRET_KEY unless given."""
    made = salted_hmac("history.webhooks.secret", salt, secret=key, algorithm="sha256").digest()
    return f"whsec_{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def signature(endpoint: Endpoint, body: bytes, *, at: datetime) -> str:
    """Return the header's value: t=seconds since 1970, v1=HMAC-SHA256 of "t.body"; several while a secret changes."""
    moment = str(int(at.timestamp()))
    salts = [endpoint.salt]
    if endpoint.previous_salt and endpoint.rotated_at and at < endpoint.rotated_at + OVERLAP:
        salts.append(endpoint.previous_salt)
    made = [secret(salt, key=key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) for salt in salts]
    signed = [hmac.new(each.encode(), f"{moment}.".encode() + body, hashlib.sha256) for each in made]
    return ",".join([f"t={moment}", *(f"v1={each.hexdigest()}" for each in signed)])
