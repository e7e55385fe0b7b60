"""People in the back office: customers and staff, and what staff may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, Model, QuerySet
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator

from users import services
from users.admin_key_owners import AsksAboutKeys
from users.admin_keys import ApiKeyAdmin
from users.forms import UserAddForm, UserEditForm
from users.granting import MAY_ASSIGN, may_look_after, may_readdress, may_rename, roles_to_give, vouch
from users.guards import password_asked
from users.models import ApiKey, User
from users.notices import tell_owner

MAX_AT_ONCE = 500  # a request's worth of people


class UserAdmin(AsksAboutKeys):
    """Nobody hands out what they may not do themselves, and nobody signs in as somebody else: see users/granting.py.

    history/admin.py registers it, because the list shows what people ordered.
    """

    form = UserEditForm
    add_form = UserAddForm
    list_display = ["name", "email", "roles", "is_staff", "is_active", "created_at"]
    list_display_links = ["name", "email"]
    list_filter = ["is_staff", "is_active", "is_superuser", "groups"]
    list_per_page = 50
    search_fields = ["name", "email"]
    ordering = ["-created_at", "-user_id"]
    actions = ["activate_selected", "deactivate_selected"]
    state_fields = ("name", "email", "is_active", "is_staff", "roles")
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["name", "email", "usable_password", "password1", "password2"]})
    ]
    readonly_fields = ["created_at", "last_login"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        names = ["superuser"] * user.is_superuser + sorted(group.name for group in user.groups.all())
        return ", ".join(names) or "–"

    # --- Who may what ---

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        person, permissions = ["name", "email"], ["is_active", "is_staff", "groups"]
        if request.user.is_superuser:
            person.append("password")
            permissions[2:] = ["is_superuser", "groups", "user_permissions"]
        return [
            (None, {"fields": person}),
            ("Roles", {"fields": permissions}),
            ("Dates", {"fields": ["created_at", "last_login"]}),
            *self.fieldsets_of_keys(request),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = [str(field) for field in super().get_readonly_fields(request, obj)]
        if obj is None:
            return fields
        if not request.user.has_perm(MAY_ASSIGN):
            fields += ["is_staff", "groups"]
        assert request.user.is_authenticated
        if not may_rename(obj, by=request.user):
            fields.append("name")
        if not may_readdress(obj, by=request.user):
            fields.append("email")
        if obj.pk == request.user.pk:
            fields += ["is_active", "is_staff", "is_superuser"]  # nobody locks themselves out
        return fields

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        if db_field.name == "groups":
            assert request.user.is_authenticated
            kwargs["queryset"] = roles_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied  # "Forgot your password?" does it without anybody else knowing it
        return self._set_password(request, id, form_url)

    @method_decorator(password_asked)
    def _set_password(self, request: HttpRequest, id: str, form_url: str) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if response.status_code == 302:
            tell_owner(User.objects.get(pk=id).email, "password")
        return response

    # --- What is done ---

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # One at a time, past the rules above; whoever has ordered is deactivated instead.
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description="Activate selected people", permissions=["change"])
    def activate_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset.filter(is_active=False), services.activate, "activated")

    @admin.action(description="Deactivate selected people and end their sessions", permissions=["change"])
    def deactivate_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset.filter(is_active=True), services.deactivate, "deactivated")

    def _each(self, request: HttpRequest, people: QuerySet[User], do: Callable[[User], None], done: str) -> None:
        """Do it to each that the reader may change, but never to themselves, and say who was left out."""
        some = list(people.order_by("pk")[: MAX_AT_ONCE + 1])
        if len(some) > MAX_AT_ONCE:
            self.message_user(request, f"Choose {MAX_AT_ONCE} people at most. Nothing was changed.", messages.ERROR)
            return
        allowed = [user for user in some if user.pk != request.user.pk and _may_touch(request, user)]
        for user in allowed:
            do(user)
        left_out = [str(user) for user in some if user not in allowed]
        told = f"{len(allowed)} {done}"
        if left_out:
            told += f", {len(left_out)} left as they were, not yours to change: {', '.join(left_out[:10])}"
        self._warn_of_keys(request, allowed)
        self.message_user(request, f"{told}.", messages.WARNING if left_out or not allowed else messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[Model], change: bool) -> None:
        assert request.user.is_authenticated
        if not change:
            super().save_model(request, obj, form, change)
            return vouch(obj, by=request.user)
        if not {"email", "is_staff", "groups"}.isdisjoint(form.changed_data):
            vouch(obj, by=request.user)
        # Only what was typed: the rest of the row, its password above all, may have changed while the page was open.
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data))
        if "is_active" in form.changed_data and not obj.is_active:
            services.end_sessions(obj)
        if "email" in form.changed_data:
            # allauth keeps addresses of its own: the old one must not sign in any longer.
            EmailAddress.objects.filter(user_id=obj.pk).delete()
            tell_owner(form.initial["email"], "email")
            if not request.user.is_superuser:
                told = "They sign in at the new address with their password and a code; until then it cannot be reset."
                self.message_user(request, told, messages.INFO)
        return None


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    assert request.user.is_authenticated
    return user is None or may_look_after(user, by=request.user)


admin.site.register(ApiKey, ApiKeyAdmin)
