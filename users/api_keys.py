"""Keys of the API: made once, shown once, found again by their prefix and hash, counted by the minute."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from users.models import ApiKey, User

FORM = re.compile(r"shop_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)
WINDOW = timedelta(seconds=60)
USE_NOTED_EVERY = timedelta(minutes=1)

# None of them is converted when it is read.
FIELDS = ApiKey._meta.concrete_fields
# Found and counted by one statement, because every request begins with it. A minute begins with a key's first request
# after the one before has ended; one clock for all web servers.
USE = f"""
WITH found AS (
    SELECT {", ".join(f"api_keys.{field.column}" for field in FIELDS)} FROM api_keys LEFT JOIN users USING (user_id)
    WHERE prefix = %(prefix)s AND digest = %(digest)s AND revoked_at IS NULL AND users.is_active IS NOT FALSE
), counted AS (
    INSERT INTO api_uses AS uses (key_id, since, requests) SELECT key_id, statement_timestamp(), 1 FROM found
    ON CONFLICT (key_id) DO UPDATE SET
        since = CASE WHEN uses.since > excluded.since - %(window)s::interval THEN uses.since ELSE excluded.since END,
        requests = CASE WHEN uses.since > excluded.since - %(window)s::interval THEN uses.requests + 1 ELSE 1 END
    RETURNING requests, ceil(extract(epoch FROM since + %(window)s::interval - statement_timestamp()))::int AS ends_in
)
SELECT found.*, counted.requests, counted.ends_in FROM found, counted
"""  # noqa: S608 (our own columns)


@dataclass(frozen=True)
class Use:
    """made: requests of this minute; left: how many are still to be made in it; ends_in: seconds, at least 1."""

    key: ApiKey
    made: int
    ends_in: int

    @property
    def limit(self) -> int:
        """Requests of a minute."""
        return self.key.requests_per_minute

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


def use(text: str, *, at: datetime) -> Use | None:
    """Find the key of this text, unless it was revoked or its customer is not active, and count a request of it.

    Counted at once and for all web servers; now and then it is noted that the key is in use.
    """
    parts = FORM.fullmatch(text)
    if not parts:
        return None
    prefix, secret = parts.groups()
    # A fast hash is enough: nobody guesses 256 random bits, nor makes texts whose hashes begin as they wish.
    asked = {"prefix": prefix, "digest": _digest(secret), "window": f"{WINDOW.total_seconds()} seconds"}
    with connection.cursor() as cursor:
        cursor.execute(USE, asked)
        found = cursor.fetchone()
    if found is None:
        return None
    *columns, made, ends_in = found
    key = ApiKey.from_db(connection.alias, [field.attname for field in FIELDS], columns)
    if key.last_used_at is None or key.last_used_at < at - USE_NOTED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED_EVERY)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=at)
    return Use(key, made, max(1, ends_in))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
