"""How people prove who they are, and what they may do."""

from __future__ import annotations

from typing import Any

from allauth.account import auth_backends
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Model, Q

from users.kept import USER
from users.models import User


class AuthenticationBackend(auth_backends.AuthenticationBackend):  # type: ignore[misc]
    """Allauth's, asking for the permissions of a person and of their groups by one statement instead of two, and
    finding whoever is signed in by SQL that is made once."""

    def get_user(self, user_id: int) -> User | None:
        for user in USER.read(user=user_id):
            return user if self.user_can_authenticate(user) else None
        return None

    def get_all_permissions(self, user_obj: AbstractBaseUser | AnonymousUser, obj: Model | None = None) -> set[str]:
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active:
            return set()
        kept: dict[str, Any] = vars(user_obj)
        if "_perm_cache" not in kept:  # Django's own name for it
            given = Permission.objects.all()
            if not user_obj.is_superuser:
                given = given.filter(Q(user=user_obj) | Q(group__user=user_obj)).distinct()
            named = given.order_by().values_list("content_type__app_label", "codename")
            kept["_perm_cache"] = {f"{app}.{codename}" for app, codename in named}
        permissions: set[str] = kept["_perm_cache"]
        return permissions
