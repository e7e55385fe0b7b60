"""The back office overwrites nothing that somebody changed since the page was shown.

Change forms carry the values they showed (core.shown_values). Lists and the pages that ask before an action carry the
state of each row: an action leaves alone, and names, every row that is not as it was shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import FieldDoesNotExist
from django.db import transaction
from django.db.models import DateTimeField, Field, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.shown_values import SHOWN, ShownValuesMixin, shown_states
from history.last_change import describe_last_change

# How many rows one action takes, also where its own page carries a field for each, and how many it names.
MAX_ROWS = 5000
MAX_ASKED = 500
MAX_NAMED = 10
# Actions that show a page of their own before they do anything.
ASK_FIRST = {"delete_selected", "mark_cancelled"}
READ_ONLY = {"export_selected"}

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

Action = Callable[[Any, HttpRequest, QuerySet[Any]], Any]


class RowState(_ModelAdmin):
    """What a model's own admin class may say otherwise.

    state_fields: which fields or columns of the list make up the state of a row; without any, the list's own fields.
    locks_rows: whether an action runs in one transaction with its rows locked.
    """

    state_fields: tuple[str, ...] = ()
    locks_rows = True

    def state_of(self, row: Any) -> str:
        """Return what is compared: a digest of what the list shows of a row."""
        return self._digest(row, self.state_fields or filter(self._is_stored, map(str, self.list_display or [])))

    def _digest(self, row: Any, names: Iterable[str]) -> str:
        return sha256(repr([self._state_value(row, name) for name in names]).encode()).hexdigest()[:16]

    def describe_change(self, request: HttpRequest, row: Any) -> str:
        """Say of a row that is not as it was shown who changed it."""
        return f"{row} was changed {_last_change(row, request)}."

    def _is_stored(self, name: str) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return False
        return isinstance(field, Field) and not isinstance(field, DateTimeField)

    def _state_value(self, row: Model, name: str) -> Any:
        if hasattr(self, name):
            return str(getattr(self, name)(row))
        field = self.opts.get_field(name)
        assert isinstance(field, Field)
        value = field.value_from_object(row)
        return sorted(each.pk for each in value) if field.many_to_many else value


if TYPE_CHECKING:
    _RowState = RowState
else:
    _RowState = admin.ModelAdmin  # RowState comes last, behind a model's own classes


class UnchangedRows(_RowState):
    """For every model of the back office."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Any]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            return form

        def last_change(form: Any, name: str) -> str:
            return _last_change(obj, request, name)

        return type(form.__name__, (ShownValuesMixin, form), {"last_change": last_change})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        return {
            key: (action if key in READ_ONLY else partial(_act_on_unchanged, action, key), name, description)
            for key, (action, name, description) in actions.items()
        }

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        with transaction.atomic():
            row = self.get_object(request, unquote(object_id))
            if row is not None and request.method == "POST":
                lock(type(row), [row.pk])
                row = self.get_object(request, unquote(object_id))
            if row is not None and self.has_delete_permission(request, row):
                state = self._digest(row, filter(self._is_stored, flatten_fieldsets(self.get_fieldsets(request, row))))
                if request.method == "POST" and shown_states(request).get(str(row.pk), state) != state:
                    return self._refuse_to_delete(request, row)
                extra_context = {SHOWN: json.dumps({str(row.pk): state}), **(extra_context or {})}
            return super().delete_view(request, object_id, extra_context)

    def states_of(self, rows: Iterable[Any]) -> str:
        return json.dumps({str(row.pk): self.state_of(row) for row in rows})

    def _refuse_to_delete(self, request: HttpRequest, row: Any) -> HttpResponse:
        told = f"{self.describe_change(request, row)} Nothing was deleted: look at it first."
        self.message_user(request, told, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def _is_changed(self, row: Any, shown: dict[str, str]) -> bool:
        return str(row.pk) in shown and shown[str(row.pk)] != self.state_of(row)


def lock(model: type[Model], keys: Iterable[Any]) -> None:
    """Lock rows, so that they stay as they are compared."""
    rows = model._base_manager.filter(pk__in=list(keys)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _act_on_unchanged(
    action: Action, key: str, model_admin: UnchangedRows, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Run an action on those rows that are as they were shown; name the others."""
    with transaction.atomic() if model_admin.locks_rows else nullcontext():
        most = MAX_ASKED if key in ASK_FIRST else MAX_ROWS
        keys = list(queryset.values_list("pk", flat=True)[: most + 1])
        if len(keys) > most:
            model_admin.message_user(request, f"Choose {most:,} rows at most. Nothing was changed.", messages.ERROR)
            return None
        if model_admin.locks_rows:
            lock(model_admin.model, keys)
        rows = list(queryset)
        shown, across = shown_states(request), request.POST.get("select_across") == "1"
        is_all_shown = SHOWN in request.POST or all(str(row.pk) in shown for row in rows)
        if across and not is_all_shown and key not in ASK_FIRST:
            return _show_all(key, model_admin, request, rows)
        changed = [row for row in rows if model_admin._is_changed(row, shown)]
        unseen = [row for row in rows if across and SHOWN in request.POST and str(row.pk) not in shown]
        gone = _missing(model_admin, request, rows)
        _name(model_admin, request, [*changed, *gone, *(f"{row} was not on it." for row in unseen)])
        left_out = {row.pk for row in (*changed, *unseen)}
        unchanged = [row for row in rows if row.pk not in left_out]
        if not unchanged:
            return None
        response: HttpResponse | None = action(
            model_admin, request, queryset.filter(pk__in=[row.pk for row in unchanged])
        )
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            response.context_data[SHOWN] = model_admin.states_of(unchanged)
        return response


def _missing(model_admin: UnchangedRows, request: HttpRequest, rows: list[Any]) -> list[Any]:
    """Return rows that were chosen and that the list does not show under its filters now, or words for one deleted."""
    chosen = {*request.POST.getlist(ACTION_CHECKBOX_NAME)}
    if request.POST.get("select_across") == "1":
        chosen = {*shown_states(request)} if SHOWN in request.POST else set()
    there = {row.pk for row in rows}
    missing = [int(key) for key in sorted(chosen) if key.isascii() and key.isdigit() and len(key) < 19]
    missing = [key for key in missing if key not in there]
    found = model_admin.get_queryset(request).in_bulk(missing)
    return [found.get(key, f"#{key} is not here any more.") for key in missing]


def _name(model_admin: UnchangedRows, request: HttpRequest, refused: list[Any]) -> None:
    if not refused:
        return
    told = [
        each if isinstance(each, str) else model_admin.describe_change(request, each) for each in refused[:MAX_NAMED]
    ]
    more = f" And {len(refused) - MAX_NAMED:,} more." if len(refused) > MAX_NAMED else ""
    told.insert(0, f"{len(refused):,} not touched, because this page showed something else:")
    model_admin.message_user(request, f"{' '.join(told)}{more}", messages.ERROR)


def _show_all(key: str, model_admin: UnchangedRows, request: HttpRequest, rows: list[Any]) -> HttpResponse:
    """Show all rows that a list's filters select, more than its page had, before anything happens to them."""
    description = str(model_admin.get_actions(request)[key][2])
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"{description % {'verbose_name_plural': model_admin.opts.verbose_name_plural}}: {len(rows):,}",
        "rows": rows,
        "action": key,
        "checkbox": ACTION_CHECKBOX_NAME,
        SHOWN: model_admin.states_of(rows),
        "back": reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist"),
    }
    return TemplateResponse(request, "admin/action_on_all.html", context)


def _last_change(row: Model, request: HttpRequest, field: str = "") -> str:
    assert request.user.is_authenticated
    return describe_last_change(row, reader=request.user, field=field)
