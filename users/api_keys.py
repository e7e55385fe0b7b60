"""Keys of the API: made once, shown once, found again by their prefix, counted by the minute."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare

from users.kept import API_KEY
from users.models import ApiKey, User

FORM = re.compile(r"shop_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
WINDOW = timedelta(seconds=60)
USE_NOTED_EVERY = timedelta(minutes=1)

# A minute begins with a key's first request after the one before has ended. One clock for all web servers.
COUNT = """
INSERT INTO api_uses AS uses (key_id, since, requests) VALUES (%(key)s, statement_timestamp(), 1)
ON CONFLICT (key_id) DO UPDATE SET
    since = CASE WHEN uses.since > excluded.since - %(window)s::interval THEN uses.since ELSE excluded.since END,
    requests = CASE WHEN uses.since > excluded.since - %(window)s::interval THEN uses.requests + 1 ELSE 1 END
RETURNING requests, ceil(extract(epoch FROM since + %(window)s::interval - statement_timestamp()))::int
"""


@dataclass(frozen=True)
class Use:
    """limit: requests of a minute; left: how many are still to be made in it; ends_in: seconds, at least 1."""

    limit: int
    made: int
    ends_in: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.made)

    @property
    def is_over(self) -> bool:
        return self.made > self.limit


def make(*, name: str, scopes: Iterable[str], customer: User | None, requests_per_minute: int) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, of which only a hash is kept."""
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=" ".join(scopes),
        customer=customer,
        requests_per_minute=requests_per_minute,
    )
    return key, f"shop_{prefix}_{secret}"


@transaction.atomic
def revoke(key: ApiKey, *, at: datetime) -> bool:
    """End a key for good; False where it had ended already."""
    current = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
    if current.revoked_at:
        return False
    current.revoked_at = at
    current.save(update_fields=["revoked_at"])
    return True


def find(text: str) -> ApiKey | None:
    """The key of this text, unless it was revoked or its customer is not active."""
    parts = FORM.fullmatch(text)
    if not parts:
        return None
    prefix, secret = parts.groups()
    for key in API_KEY.read(prefix=prefix):
        # A fast hash is enough: nobody guesses 256 random bits.
        if constant_time_compare(key.digest, _digest(secret)):
            return key
    return None


def count(key: ApiKey, *, at: datetime) -> Use:
    """Count a request, at once and for all web servers, and now and then note that the key is in use."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key.pk, "window": f"{WINDOW.total_seconds()} seconds"})
        made, ends_in = cursor.fetchone()
    if key.last_used_at is None or key.last_used_at < at - USE_NOTED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED_EVERY)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=at)
    return Use(key.requests_per_minute, made, max(1, ends_in))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
