"""What nearly every request reads of people: who is asking, by a session or a key."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField

from config.database.kept import Given, Kept
from users.models import ApiKey, User

USER = Kept(lambda: User.objects.filter(pk=Given("user")))

# Locked, for who must not become inactive meanwhile.
LOCKED_USER = Kept(lambda: User.objects.only("is_active").filter(pk=Given("user")).select_for_update(no_key=True))

SESSION = Kept(
    lambda: Session.objects.filter(session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField()))
)

# Unless it was revoked or its customer is not active.
API_KEY = Kept(
    lambda: ApiKey.objects.filter(prefix=Given("prefix", CharField()), revoked_at=None).exclude(
        customer__is_active=False
    )
)
