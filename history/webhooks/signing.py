"""Secrets of endpoints and the headers that prove who sent a webhook: Standard Webhooks (standardwebhooks.com).

A secret is made from SECRET_KEY and the endpoint's salt, so that no copy of the database gives it away; with another
SECRET_KEY every endpoint has another secret. Those of SECRET_KEY_FALLBACKS sign beside it. Endpoints from before the
standard keep their earlier signature until the next release.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from history.webhooks.models import Endpoint

# How long what is sent carries the signature of the secret before, too.
OVERLAP = timedelta(days=1)
PREFIX = "whsec_"


def new_salt() -> str:
    return secrets.token_hex(32)


def secret(endpoint: Endpoint) -> str:
    """Return the secret as its receiver gets it: 256 bits behind "whsec_"."""
    return _text(endpoint, endpoint.salt, settings.SECRET_KEY)


def headers(endpoint: Endpoint, event_id: int, body: bytes, *, at: datetime) -> dict[str, str]:
    """Return the headers of one attempt; several signatures while a secret changes."""
    salts = [endpoint.salt]
    if endpoint.previous_salt and endpoint.rotated_at and at < endpoint.rotated_at + OVERLAP:
        salts.append(endpoint.previous_salt)
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    texts = [_text(endpoint, salt, key) for key in keys for salt in salts]
    timestamp = str(int(at.timestamp()))
    if endpoint.has_standard_signature:
        signature = " ".join(Webhook(text).sign(str(event_id), at, body.decode()) for text in texts)
        return {"Webhook-Id": str(event_id), "Webhook-Timestamp": timestamp, "Webhook-Signature": signature}
    signed = [hmac.new(text.encode(), f"{timestamp}.".encode() + body, hashlib.sha256) for text in texts]
    signature = ",".join([f"t={timestamp}", *(f"v1={each.hexdigest()}" for each in signed)])
    return {"Webhook-Id": str(event_id), "Webhook-Signature": signature}


def _text(endpoint: Endpoint, salt: str, key: str) -> str:
    made = salted_hmac("history.webhooks.secret", salt, secret=key, algorithm="sha256").digest()
    if endpoint.has_standard_signature:
        return f"{PREFIX}{base64.b64encode(made).decode()}"
    return f"{PREFIX}{base64.urlsafe_b64encode(made).decode().rstrip('=')}"
