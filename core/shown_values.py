"""Optimistic locking per field: a form carries the values it showed and overwrites nothing that changed since.

Each field has a hidden copy of what it showed, as Django's `show_hidden_initial` makes it. Of what is sent, only what
differs from the copy counts as changed: an untouched field takes its present value, a choice of several rows is
changed by what was added and removed. A field that somebody else changed too is refused and shown again, and then its
copy is the present value, so that sending it once more replaces that value knowingly.
"""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

Raw = str | list[str]

# Names of hidden inputs: the states of rows as JSON {key: state}, and the state of one row, with "-" and its key.
SHOWN = "shown_states"


class ShownField(forms.BoundField):
    """A field with three values: shown when the page was opened, sent by it, and present now."""

    @cached_property
    def present(self) -> Raw:
        value = self.field.hidden_widget().format_value(self.field.prepare_value(self.initial))
        return _raw(value)

    @cached_property
    def shown(self) -> Raw:
        """The hidden copy; the present value where a request carries none."""
        widget = self.field.hidden_widget()
        is_several = isinstance(widget, forms.MultipleHiddenInput)  # of which none leaves no trace
        if not self._is_carried or not (is_several or self.html_initial_name in self.form.data):
            return self.present
        return _raw(widget.value_from_datadict(self.form.data, self.form.files, self.html_initial_name))

    @property
    def sent(self) -> Any:
        return super().data

    @property
    def data(self) -> Any:
        """What the form works with: of an untouched field the present value."""
        if isinstance(self.field, forms.FileField) or not self._is_carried:
            return self.sent
        if isinstance(self.field, forms.ModelMultipleChoiceField):
            return [key for key in self.merged if key in self.offered or key in self.sent]
        return self.sent if self.is_changed else self.present

    @cached_property
    def is_changed(self) -> bool:
        if isinstance(self.field, forms.ModelMultipleChoiceField):
            return set(self.merged) != set(self.present)
        return self._differs_from(self.shown)

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else changed it too, to something else."""
        if isinstance(self.field, forms.ModelMultipleChoiceField) or not self.is_changed:
            return False
        of = self.form[getattr(self.form, "shown_with", {}).get(self.name, self.name)]
        return of.shown != of.present and self._differs_from(self.present)  # type: ignore[attr-defined]

    @cached_property
    def merged(self) -> list[str]:
        """Of a choice of several rows: those of now, without what was removed and with what was added."""
        sent, shown = set(self.sent or ()), set(self.shown)
        removed = (shown & self.offered) - sent
        return sorted((set(self.present) - removed) | (sent - shown))

    @cached_property
    def offered(self) -> set[str]:
        assert isinstance(self.field, forms.ModelMultipleChoiceField)
        assert self.field.queryset is not None
        return {str(key) for key in self.field.queryset.values_list("pk", flat=True)}

    def as_hidden(self, attrs: dict[str, Any] | None = None, **kwargs: Any) -> SafeString:
        if not kwargs.get("only_initial"):
            return super().as_hidden(attrs, **kwargs)
        attrs = {"id": self.html_initial_id}
        return self.field.hidden_widget().render(self.html_initial_name, self.present, attrs, self.form.renderer)

    @property
    def _is_carried(self) -> bool:
        return self.field.show_hidden_initial and self.form.carries_shown_values  # type: ignore[attr-defined]

    def _differs_from(self, raw: Raw) -> bool:
        if isinstance(self.field, forms.FileField):
            return bool(self.sent)
        if not isinstance(self.sent, bool) and _raw(self.sent) == raw:
            return False
        try:
            return self.field.has_changed(self.field.to_python(raw), self.sent)
        except ValidationError:
            return True


class ShownValuesMixin(forms.BaseForm):
    """For forms that change what exists; see the module.

    A form may have `shown_with`: {field: another one that shows what it changes}.
    """

    bound_field_class = ShownField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = not field.disabled

    @cached_property
    def carries_shown_values(self) -> bool:
        return self.is_bound and any(self[name].html_initial_name in self.data for name in self.fields)

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.disabled and self._shown(name).is_changed]

    def full_clean(self) -> None:
        # Described first: a model form's instance takes over what was sent.
        conflicts = [name for name in self.fields if self.carries_shown_values and self._shown(name).is_conflict]
        messages = {name: self.conflict_message(name) for name in conflicts}
        super().full_clean()
        if not self.carries_shown_values:
            return
        for name, message in messages.items():
            self.add_error(name, ValidationError(message, code="conflict"))
        if lost := [name for name in self._names_carried() if name not in self.fields and self._is_typed(name)]:
            told = f"You may not change this any more: {', '.join(lost)}. Nothing was saved."
            self.add_error(None, ValidationError(told, code="conflict"))
        for name, field in self.fields.items():
            if name in self.cleaned_data and isinstance(field, forms.ModelMultipleChoiceField):
                # What this form does not offer stays.
                rows = self.cleaned_data[name].model._base_manager
                self.cleaned_data[name] = rows.filter(pk__in=self._shown(name).merged)

    def hidden_copies(self) -> SafeString:
        """The copies by themselves, for templates that render the fields by other means than `{{ field }}`."""
        return format_html_join("", "{}", ((self[name].as_hidden(only_initial=True),) for name in self.fields))

    def conflict_message(self, name: str) -> str:
        """Say who changed a field since the form was shown."""
        now = self.present_text(name)
        return (
            f"“{self[name].label}” was changed{now and f' to “{now}”'} {self.last_change(name)}, after you opened "
            "this page. Nothing was saved. Save again to replace that with yours."
        )

    def last_change(self, name: str) -> str:
        """Say by whom and when a field was changed, as far as it is known."""
        return "by somebody else"

    def present_text(self, name: str) -> str:
        """The present value of a field, in words; empty where it has none."""
        field = self.fields[name]
        if isinstance(field, forms.FileField | forms.BooleanField):
            return ""
        try:
            value = field.to_python(self._shown(name).present)
        except ValidationError:  # put there by plain SQL
            return ""
        return (", ".join(map(str, value)) if isinstance(value, list) else str(value))[:100]

    def _names_carried(self) -> list[str]:
        start = self.add_initial_prefix("")
        return [key.removeprefix(start) for key in self.data if key.startswith(start)]

    def _is_typed(self, name: str) -> bool:
        """Whether the page sent something else than it showed in a field that this form does not have."""
        assert isinstance(self.data, QueryDict)
        shown = self.data.getlist(self.add_initial_prefix(name))
        sent = self.data.getlist(self.add_prefix(name))
        if shown in (["True"], ["False"]):  # a box, which sends something or nothing
            return bool(sent) != (shown == ["True"])
        return set(sent) != set(shown)

    def _shown(self, name: str) -> ShownField:
        bound = self[name]
        assert isinstance(bound, ShownField)
        return bound


def _raw(value: Any) -> Raw:
    """A value as a page sends it, lines ended in one way."""
    if isinstance(value, list | tuple):
        return sorted(str(each) for each in value)
    return "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")


def shown_states(request: HttpRequest) -> dict[str, str]:
    """Return the state of each row that the page of a request showed, by the row's key."""
    prefix = f"{SHOWN}-"
    states = {name.removeprefix(prefix): state for name, state in request.POST.items() if name.startswith(prefix)}
    try:
        carried = json.loads(request.POST.get(SHOWN, "{}"))
    except ValueError:
        carried = {}
    if isinstance(carried, dict):
        states |= {key: str(state) for key, state in carried.items()}
    return {key: str(state) for key, state in states.items()}
