"""Sessions as Django keeps them in PostgreSQL; nearly every request reads one, by SQL that is made once."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from users.kept import SESSION


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        for session in SESSION.read(key=self.session_key, now=timezone.now()):
            return session
        self._session_key = None
        return None
