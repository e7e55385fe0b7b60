"""Keys of the API: made once, shown once, found again by their prefix and hash, counted by the minute."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from config.api.scopes import SCOPES
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
    SELECT {", ".join(f"api_keys.{field.column}" for field in FIELDS)},
        owner.is_superuser IS NOT FALSE AS may_all, ARRAY(
        SELECT app_label || '.' || codename FROM auth_permission permission
        JOIN django_content_type content_type ON content_type.id = permission.content_type_id
        WHERE permission.id IN (
            SELECT permission_id FROM users_user_permissions WHERE user_id = owner.user_id
            UNION SELECT permission_id FROM users_groups JOIN auth_group_permissions USING (group_id)
            WHERE user_id = owner.user_id)
    ) AS may
    FROM api_keys LEFT JOIN users customer ON customer.user_id = api_keys.user_id
    LEFT JOIN users owner ON owner.user_id = coalesce(taken_over_by_id, made_by_id)
    WHERE prefix = %(prefix)s AND digest = %(digest)s AND revoked_at IS NULL
        AND customer.is_active IS NOT FALSE AND (owner.is_active AND owner.is_staff) IS NOT FALSE
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


def make(
    *, name: str, scopes: Iterable[str], customer: User | None, requests_per_minute: int, by: User | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, of which only a hash is kept. by: its owner; without one it has none."""
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = ApiKey.objects.create(
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=" ".join(scopes),
        customer=customer,
        made_by=by,
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


def owned_by(user: User) -> QuerySet[ApiKey]:
    """Return the keys in use that somebody made and nobody took over, or that they took over."""
    owned = Q(taken_over_by=user) | Q(taken_over_by=None, made_by=user)
    return ApiKey.objects.filter(owned, revoked_at=None).select_related("made_by", "taken_over_by").order_by("pk")


def lost_scopes(key: ApiKey) -> list[str]:
    """Return the scopes that the key has lost, because its owner is not active staff or may not do that any more."""
    may = api_permissions(key.owner) if key.owner else SCOPES.values()
    return [scope for scope in key.scopes.split() if SCOPES.get(scope) not in may]


def api_permissions(owner: User) -> set[str]:
    """Return what keys of this owner may do."""
    return owner.get_all_permissions() if owner.is_staff else set()


@transaction.atomic
def take_over(key: ApiKey, *, by: User) -> bool:
    """Make `by` the owner of a key; False where it has ended, or does what they may not do."""
    current = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
    may = api_permissions(by)
    if current.revoked_at or not all(SCOPES.get(scope) in may for scope in current.scopes.split()):
        return False
    current.taken_over_by = by
    current.save(update_fields=["taken_over_by"])
    return True


def use(text: str, *, at: datetime) -> Use | None:
    """Find the key of this text, unless it was revoked, its customer is not active or its owner not active staff.

    It comes with the scopes only for which its owner has the permission now.
    Each request is counted at once and for all web servers; now and then it is noted that the key is in use.
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
    *columns, may_all, may, made, ends_in = found
    key = ApiKey.from_db(connection.alias, [field.attname for field in FIELDS], columns)
    if not may_all:
        key.scopes = " ".join(scope for scope in key.scopes.split() if SCOPES.get(scope) in may)
    if key.last_used_at is None or key.last_used_at < at - USE_NOTED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=at - USE_NOTED_EVERY)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=at)
    return Use(key, made, max(1, ends_in))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
