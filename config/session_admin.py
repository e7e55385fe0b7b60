"""Who is signed in where, in the back office: the library's list, searched by what our users have."""

from __future__ import annotations

from allauth.usersessions.admin import UserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin


class SessionAdmin(UserSessionAdmin):  # type: ignore[misc]  # untyped in the library
    search_fields = ["user__name", "user__email", "ip"]  # the library's own name a column that our users lack


admin.site.unregister(UserSession)
admin.site.register(UserSession, SessionAdmin)
