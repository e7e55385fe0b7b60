"""Second factors and sessions in the back office: they guard an account, so only who may look after it ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from users.granting import may_look_after

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class OfPeopleLookedAfter(_ModelAdmin):
    """Rows with a `user`; those of colleagues who may do more are not taken away, one by one or together."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        assert request.user.is_authenticated
        is_allowed = obj is None or may_look_after(obj.user, by=request.user)
        return is_allowed and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not request.user.is_superuser:
            actions.pop("delete_selected", None)  # it looks at no row's person
        return actions
