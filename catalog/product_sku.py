"""The SKU as a field of a model: one spelling in forms, imports, API, look-ups and the database."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from core.text import has_control_characters, normalize_sku


def validate_sku(sku: str) -> None:
    if has_control_characters(sku):
        raise ValidationError("A SKU has no tabs, line breaks or other control characters.", code="control_characters")


class SkuField(models.CharField):  # type: ignore[type-arg]
    """A CharField that stores and looks up normalize_sku's spelling. Migrations see a CharField."""

    default_validators = [validate_sku]

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def to_python(self, value: Any) -> Any:
        return _normalized(super().to_python(value))

    def get_prep_value(self, value: Any) -> Any:
        return _normalized(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = _normalized(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value


def _normalized(value: Any) -> Any:
    return normalize_sku(value) if isinstance(value, str) else value
