"""Sign-in and permissions. Sessions store the path of the class, so it stays."""

from __future__ import annotations

from typing import Any

from allauth.account import auth_backends
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Model, Q

from users.models import User

CACHE_ATTRIBUTE = "permission_names"


class AuthenticationBackend(auth_backends.AuthenticationBackend):  # type: ignore[misc]  # untyped in the library
    """Allauth's, reading a person's own permissions and those of their groups by one statement instead of two."""

    def get_all_permissions(self, user_obj: AbstractBaseUser | AnonymousUser, obj: Model | None = None) -> set[str]:
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active:
            return set()
        attributes: dict[str, Any] = vars(user_obj)
        if CACHE_ATTRIBUTE not in attributes:
            granted = Permission.objects.all()
            if not user_obj.is_superuser:
                granted = granted.filter(Q(user=user_obj) | Q(group__user=user_obj)).distinct()
            names = granted.order_by().values_list("content_type__app_label", "codename")
            attributes[CACHE_ATTRIBUTE] = {f"{app}.{codename}" for app, codename in names}
        permissions: set[str] = attributes[CACHE_ATTRIBUTE]
        return permissions
