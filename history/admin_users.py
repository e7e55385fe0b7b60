"""People in the back office with what they ordered, found by the number of an order too."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from core.text import spellings
from history.admin_erasure import ErasesPeople
from history.customers import Ordered, ordered_by, who_ordered
from history.last_change import describe_last_change
from history.models import ArchivedOrder
from users.models import User

if TYPE_CHECKING:
    _PasswordForm = AdminPasswordChangeForm[User]
else:
    _PasswordForm = AdminPasswordChangeForm


class PasswordForm(_PasswordForm):
    """A new password for somebody, unless somebody else gave them one since the page was shown."""

    def shown(self) -> str:
        return sha256(self.user.password.encode()).hexdigest()[:16]

    def clean(self) -> dict[str, Any]:
        if self.data.get("shown", self.shown()) != self.shown():
            told = f"The password was changed {describe_last_change(self.user, field='password')}. Nothing was saved."
            self.add_error("password1", f"{told} Save again to replace it.")
        return super().clean() or {}


class PeopleList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page of people, and by one statement what all of them ordered."""
        super().get_results(request)
        people = list(self.result_list)
        ordered = ordered_by([user.pk for user in people])
        for user in people:
            vars(user)["ordered"] = ordered.get(user.pk, Ordered())
        self.result_list = people


class UserWithOrdersAdmin(ErasesPeople):
    change_password_form = PasswordForm
    list_display = ["name", "email", "roles", "orders", "spent", "is_staff", "is_active", "created_at"]
    # The filters narrow by the rest; sorted by yes and no, a list would read every row there is.
    sortable_by = ["name", "email", "created_at"]
    search_help_text = "Name, e-mail or order number"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PeopleList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        found = queryset.none()
        for text in spellings(search_term):
            found |= super().get_search_results(request, queryset, text)[0]
        number = search_term.strip().removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) < 19:
            found |= queryset.filter(pk__in=who_ordered(int(number)))
        return found, False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Of live ones the page itself says so.
        has_archived = obj is not None and ArchivedOrder.objects.filter(user_id=obj.pk).exists()
        return not has_archived and super().has_delete_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else [*fieldsets, ("Orders", {"fields": ["all_orders"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "all_orders"]

    @admin.display(description="orders")
    def orders(self, user: User) -> int:
        return _ordered(user).orders

    @admin.display(description="spent")
    def spent(self, user: User) -> SafeString:
        return render_to_string("admin/_money.html", {"amount": _ordered(user).spent})

    @admin.display(description="orders")
    def all_orders(self, user: User) -> SafeString:
        ordered = ordered_by([user.pk]).get(user.pk, Ordered())
        url = f"{reverse('admin:orders_order_changelist')}?{urlencode({'person': user.pk})}"
        spent = render_to_string("admin/_money.html", {"amount": ordered.spent})
        return format_html('<a href="{}">{} in all</a>, {} spent', url, ordered.orders, spent)


def _ordered(user: User) -> Ordered:
    ordered: Ordered = vars(user)["ordered"]
    return ordered
