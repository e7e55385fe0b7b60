"""The product as staff type it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from catalog import images
from catalog.models import Product

if TYPE_CHECKING:
    _ProductForm = forms.ModelForm[Product]
else:
    _ProductForm = forms.ModelForm


class AttributesField(forms.JSONField):
    """A product's attributes, {name: value}; nothing typed means none."""

    def clean(self, value: Any) -> dict[str, Any]:
        attributes = super().clean(value)
        if attributes is None:
            return {}
        if not isinstance(attributes, dict):
            raise forms.ValidationError('Write attributes as {"name": "value"}.', code="not_an_object")
        return attributes


class PictureField(forms.FileField):
    """An upload as a Picture, None without one."""

    widget = forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"})

    def to_python(self, data: Any) -> Any:
        upload = super().to_python(data)
        if upload is None:
            return None
        try:
            return images.read(upload)
        except images.NotAPicture as error:
            raise forms.ValidationError(str(error), code="not_a_picture") from error


class ProductForm(_ProductForm):
    """Stock is typed as a number and taken as a difference from what the page showed, so sales meanwhile still count.

    Is validated in the transaction that saves it: the product stays locked in between.
    """

    # What the page showed.
    stock_seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    picture = PictureField(
        label="New picture",
        required=False,
        help_text="JPEG, PNG or WebP, at most 10 MB and 25 megapixels. It takes the place of the one there is.",
    )
    remove_picture = forms.BooleanField(label="Remove the picture", required=False)

    class Meta:
        model = Product
        fields = ["name", "sku", "category", "is_active", "price", "stock", "description", "attributes"]
        field_classes = {"attributes": AttributesField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "stock_seen" in self.fields:
            self.initial["stock_seen"] = self.instance.stock

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        typed, seen = cleaned.get("stock"), cleaned.get("stock_seen")
        if typed is not None and typed < 0:
            self.add_error("stock", forms.ValidationError("Stock cannot be below 0.", code="negative"))
        elif self.instance.pk and typed is not None and seen is not None:
            left = Product.objects.select_for_update(no_key=True).get(pk=self.instance.pk).stock
            cleaned["stock"] = left + typed - seen
            if cleaned["stock"] < 0:
                told = f"Only {left} are left by now (you saw {seen}), too few for this change."
                self.add_error("stock", forms.ValidationError(told, code="sold_meanwhile"))
        return cleaned
