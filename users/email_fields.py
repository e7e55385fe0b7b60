"""Email addresses in forms and models: normalised before they are validated, stored or looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.text import MAX_EMAIL_LENGTH, is_reserved_email, normalize_email

if TYPE_CHECKING:
    _ModelField = models.EmailField[str, str]
else:
    _ModelField = models.EmailField


def refuse_reserved(email: str) -> None:
    """Raise ValidationError for an address that only closed and erased accounts may have."""
    if is_reserved_email(email):
        raise ValidationError(_("No mail reaches this address. Enter another one."), code="reserved")


class EmailFormField(forms.EmailField):
    default_validators = [validate_email, MaxLengthValidator(MAX_EMAIL_LENGTH)]

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """No maxlength: browsers cut what is pasted there, without a word."""
        return {}

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return normalize_email(text) if text else text


class EmailField(_ModelField):
    """Stores and looks up (exact, in) the normalised address."""

    def to_python(self, value: Any) -> Any:
        """Also called for each value that is stored or looked up."""
        text = super().to_python(value)
        return normalize_email(text) if isinstance(text, str) else text

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": EmailFormField, **kwargs, "max_length": None})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs
