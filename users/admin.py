"""People in the back office: customers and staff, and what staff may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest

from users.forms import UserAddForm, UserEditForm
from users.models import User

if TYPE_CHECKING:
    _UserAdmin = StockUserAdmin[User]
else:
    _UserAdmin = StockUserAdmin


@admin.register(User)
class UserAdmin(_UserAdmin):
    """Staff look after customers; only superusers change staff, so that nobody can hand themselves permissions."""

    form = UserEditForm
    add_form = UserAddForm
    list_display = ["name", "email", "is_staff", "is_active", "created_at"]
    list_display_links = ["name", "email"]
    list_filter = ["is_staff", "is_active", "is_superuser", "groups"]
    search_fields = ["name", "email"]
    ordering = ["-created_at", "-user_id"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["name", "email", "password"]}),
        ("Permissions", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["created_at", "last_login"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["name", "email", "usable_password", "password1", "password2"]})
    ]
    readonly_fields = ["created_at", "last_login"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [str(field) for field in super().get_readonly_fields(request, obj)]
        if not request.user.is_superuser:
            fields += ["is_staff", "is_superuser", "groups", "user_permissions"]
        return fields

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # One at a time, past the rule above; whoever has ordered is deactivated instead.
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[Model], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            # allauth keeps addresses of its own: the old one must not sign in any longer.
            EmailAddress.objects.filter(user_id=obj.pk).exclude(email__iexact=obj.email).delete()


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return request.user.is_superuser or user is None or not (user.is_staff or user.is_superuser)
