"""What nearly every request reads of people: who is asking, and whose order it is."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField

from config.database.kept import Given, Kept
from users.models import User

USER = Kept(lambda: User.objects.filter(pk=Given("user")))

# Locked, for who must not become inactive meanwhile.
LOCKED_USER = Kept(lambda: User.objects.only("is_active").filter(pk=Given("user")).select_for_update(no_key=True))

SESSION = Kept(
    lambda: Session.objects.filter(session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField()))
)
