"""The back office's frame: Django's admin under the shop's name, entered through the shop's own sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminToField
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.decorators import login_not_required
from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.db import DataError, IntegrityError, models, transaction
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from config.paging import BoundedPaginator
from config.tiles import tiles
from config.unchanged_rows import RowState, UnchangedRows
from core.number_fields import MoneyField, NumberTextInput, WholeNumberField
from core.shown_values import SHOWN
from users import second_factor

# Whose history the activity log tells, and what it calls them.
SUBJECTS = {
    "user": "user",
    "product": "product",
    "category": "category",
    "group": "role",
    "apikey": "api_key",
    "endpoint": "webhook",
}


NUMBER_FIELDS: dict[type[models.Field[Any, Any]], dict[str, Any]] = {
    models.DecimalField: {"form_class": MoneyField, "widget": NumberTextInput},
    models.IntegerField: {"form_class": WholeNumberField, "widget": NumberTextInput},
    models.BigIntegerField: {"form_class": WholeNumberField, "widget": NumberTextInput},
}


class QuickList(UnchangedRows):
    """Asked for what no column can hold (the year 99999999999), a list leads back to the whole of it; the box before
    each row is written without a template, which was a quarter of the page's time.
    """

    @admin.display(description=mark_safe('<input type="checkbox" id="action-toggle">'))
    def action_checkbox(self, obj: Model) -> SafeString:
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
            '<input type="hidden" name="{}-{}" value="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            f"Select this object for an action - {obj}",
            SHOWN,
            obj.pk,
            self.state_of(obj),
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django lets through every column of the list's own table: hashes and keys could be guessed letter by letter,
        and a regular expression would keep the database busy. Here a list is narrowed by what its filters offer.
        """
        name, *how = lookup.split(LOOKUP_SEP)
        is_expression = not {"regex", "iregex"}.isdisjoint(how)
        return not is_expression and self._is_offered(name, request) and super().lookup_allowed(lookup, value, request)

    def _is_offered(self, name: str, request: HttpRequest) -> bool:
        try:
            column = self.opts.get_field(name).name
        except FieldDoesNotExist:
            return True  # a filter's own name, or nothing at all
        offered = [each[0] if isinstance(each, tuple | list) else each for each in self.get_list_filter(request)]
        return column == self.date_hierarchy or any(str(each).split(LOOKUP_SEP)[0] == column for each in offered)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        _refuse_nameless(request)
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            return self._save(request, object_id, form_url, extra_context)
        except IntegrityError:
            # Somebody took a name or a number since it was checked: checked again, it is refused at its field.
            return self._save(request, object_id, form_url, extra_context)

    def _save(
        self, request: HttpRequest, object_id: str | None, form_url: str, extra_context: dict[str, Any] | None
    ) -> HttpResponse:
        with transaction.atomic():
            if object_id is not None:
                self._hold(unquote(object_id))
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of what does not exist yet nothing is shown that the database makes."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            return fieldsets
        made = {str(name) for name in self.get_readonly_fields(request, obj)}
        typed = [(title, {**options, "fields": _without(made, options["fields"])}) for title, options in fieldsets]
        return [(title, options) for title, options in typed if options["fields"]]

    def _hold(self, object_id: str) -> None:
        """Whoever saves a row holds it before it is read: once somebody else has deleted it, it is told to be gone."""
        with suppress(ValidationError):
            found = self.model._base_manager.filter(pk=self.opts.pk.to_python(object_id))
            found.select_for_update(no_key=True).values_list("pk").first()

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        _refuse_nameless(request)
        return super().delete_view(request, object_id, extra_context)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            found = super().get_changelist_instance(request)
        except (ArithmeticError, ValueError, DataError) as error:
            # Django does so for most values, but not for those that fit no date or that the database refuses.
            raise IncorrectLookupParameters(str(error)) from error
        # "Select order to change" is no name of a page.
        found.title = capfirst(str(self.opts.verbose_name_plural))
        return found


class ShopAdminSite(admin.AdminSite):
    site_header = "Back office"
    site_title = "Back office"
    index_title = "Orders, products, people"

    # The order list needs the width; the start page and the breadcrumb lead everywhere.
    enable_nav_sidebar = False

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[admin.ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """No list counts what grows with its table, unless its class brings a paginator of its own; none fails on
        what its address asks for.
        """
        bounded: dict[str, Any] = {"show_full_result_count": False, "show_facets": admin.ShowFacets.NEVER}
        given = admin_class or admin.ModelAdmin
        if given.paginator is Paginator:
            bounded["paginator"] = BoundedPaginator
        lenient: type[admin.ModelAdmin[Any]] = type(
            given.__name__,
            (QuickList, given, RowState),
            {"formfield_overrides": {**NUMBER_FIELDS, **given.formfield_overrides}},
        )
        super().register(model_or_iterable, lenient, **(bounded | options))

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not second_factor.is_missing(request.user)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One throttled sign-in for everybody instead of a second one here; then the second factor."""
        if super().has_permission(request) and second_factor.is_missing(request.user):
            return second_factor.lead_to_it(request)
        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        assert request.user.is_authenticated
        return super().index(request, {"tiles": tiles(request.user), **(extra_context or {})})

    def check(self, app_configs: Sequence[AppConfig] | None) -> list[CheckMessage]:
        _load_pages()
        return super().check(app_configs)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        _load_pages()
        # Before the stock pages of the same address.
        own: list[URLResolver | URLPattern] = [
            path("password_change/", self.admin_view(_password_change), name="password_change"),
            path(
                "<slug:app>/<slug:model>/<path:object_id>/history/", self.admin_view(_history), name="history_of_object"
            ),
        ]
        return [*own, *super().get_urls()]


def _without(names: set[str], fields: Iterable[Any]) -> list[Any]:
    return [field for field in fields if str(field) not in names]


def _load_pages() -> None:
    """Have every page register itself; with the addresses, since a relay or a command starts a third sooner without."""
    admin.autodiscover()
    from config import email_admin, role_admin, second_factor_admin, session_admin  # noqa: F401


def _refuse_nameless(request: HttpRequest) -> None:
    """Django would look for a column without a name where an address says ?_to_field= and nothing more."""
    if request.POST.get(TO_FIELD_VAR, request.GET.get(TO_FIELD_VAR)) == "":
        raise DisallowedModelAdminToField("A column has a name.")


def _password_change(request: HttpRequest) -> HttpResponse:
    return redirect("account_change_password")


def _history(request: HttpRequest, app: str, model: str, object_id: str) -> HttpResponse:
    """Tell who changed something from the activity log: what the stock page tells goes with its author's account."""
    if model not in SUBJECTS:
        raise Http404
    asked = urlencode({"subject": SUBJECTS[model], "id": object_id})
    return redirect(f"{reverse('admin:history_activity')}?{asked}")
