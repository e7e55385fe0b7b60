"""The roles in the back office: those of config/roles.py are looked at, groups of the shop's own are edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

from config.roles import ROLES
from users.granting import permissions_of, roles_to_give


class RoleAdmin(GroupAdmin):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        # Each permission says which model it is of.
        return super().get_queryset(request).prefetch_related("permissions__content_type")

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_edit(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_edit(request, obj)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        assert request is not None
        assert request.user.is_authenticated
        if db_field.name == "permissions" and not request.user.is_superuser:
            kwargs["queryset"] = permissions_of(request.user).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


def _may_edit(request: HttpRequest, role: Group | None) -> bool:
    """Nobody edits a role of config/roles.py, nor one that allows what they may not do themselves."""
    assert request.user.is_authenticated
    return role is None or (role.name not in ROLES and roles_to_give(request.user).filter(pk=role.pk).exists())


admin.site.unregister(Group)
admin.site.register(Group, RoleAdmin)
