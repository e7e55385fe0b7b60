"""Who is signed in where, in the back office: the library's list, searched by what our users have."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.admin import UserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog.search import MOST_WORDS
from config.people_admin import OfPeopleLookedAfter


class SessionAdmin(OfPeopleLookedAfter, UserSessionAdmin):  # type: ignore[misc]  # untyped in the library
    search_fields = ["user__name", "user__email", "ip"]  # the library's own name a column that our users lack
    list_select_related = ["user"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[UserSession], search_term: str
    ) -> tuple[QuerySet[UserSession], bool]:
        words = " ".join(search_term.split()[:MOST_WORDS])
        found: tuple[QuerySet[UserSession], bool] = super().get_search_results(request, queryset, words)
        return found


admin.site.unregister(UserSession)
admin.site.register(UserSession, SessionAdmin)
