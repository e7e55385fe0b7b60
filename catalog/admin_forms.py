"""The product as staff type it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.fields import InvalidJSONInput

from catalog import attributes, images
from catalog.models import Product
from core.number_fields import MoneyField, WholeNumberField

if TYPE_CHECKING:
    _ProductForm = forms.ModelForm[Product]
else:
    _ProductForm = forms.ModelForm


class AttributesField(forms.JSONField):
    """A product's attributes, {name: value}; nothing typed means none."""

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or value in self.empty_values:
            return super().to_python(value)
        try:
            return attributes.parse(value)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What the form shows again: what was typed, be it JSON or not."""
        try:
            return attributes.parse(data) if isinstance(data, str) else super().bound_data(data, initial)
        except ValueError:
            return InvalidJSONInput(data)

    def clean(self, value: Any) -> dict[str, Any]:
        found = super().clean(value)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise forms.ValidationError('Write attributes as {"name": "value"}.', code="not_an_object")
        return found


class PictureField(forms.FileField):
    """An upload as a Picture, None without one."""

    widget = forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"})

    def clean(self, data: Any, initial: Any = None) -> Any:
        return super().clean(data)  # the picture there is, is no upload

    def to_python(self, data: Any) -> Any:
        upload = super().to_python(data)
        if upload is None:
            return None
        try:
            return images.read(upload)
        except images.NotAPicture as error:
            raise forms.ValidationError(str(error), code="not_a_picture") from error


class ProductForm(_ProductForm):
    """stock: what a new product opens with."""

    shown_with: ClassVar = {"remove_picture": "picture"}

    picture = PictureField(
        label="New picture",
        required=False,
        help_text="JPEG, PNG or WebP, at most 10 MB and 25 megapixels. It takes the place of the one there is.",
    )
    remove_picture = forms.BooleanField(label="Remove the picture", required=False)

    class Meta:
        model = Product
        fields = ["name", "sku", "category", "is_active", "price", "stock", "description", "attributes"]
        field_classes = {"attributes": AttributesField, "price": MoneyField, "stock": WholeNumberField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # Carried by the page like every other value, so that nobody replaces a picture they have not seen.
            self.initial["picture"] = self.instance.image
