"""A member of staff with a page open: what it shows is sent back as a browser would, with what they typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.functional import cached_property
from PIL import Image

from catalog.admin_forms import AttributesField, PictureField
from core.number_fields import MoneyField, WholeNumberField
from tests.factories import CategoryFactory, StaffFactory, UserFactory
from tests.security.pages import Form, Page
from users.models import User


@dataclass
class Browser:
    name: str
    client: Client = field(default_factory=Client)

    @cached_property
    def user(self) -> User:
        user = StaffFactory(name=self.name)
        self.client.force_login(user)
        return user

    def open(self, url: str) -> OpenPage:
        assert self.user.is_staff
        response = self.client.get(url)
        assert response.status_code == 200, (url, response.status_code)
        return OpenPage(self.client, url, response)


@dataclass
class OpenPage:
    client: Client
    url: str
    response: Any

    @property
    def bound(self) -> Any:
        """The form object of a change page."""
        return self.response.context["adminform"].form

    def value(self, name: str) -> Any:
        """What is sent for a field that nobody touches."""
        sent = self.form("csrfmiddlewaretoken").fields.get(name, [])
        several = forms.MultipleChoiceField | forms.ModelMultipleChoiceField
        return sent if isinstance(self.bound.fields[name], several) else (sent or [""])[0]

    def other(self, name: str, n: int) -> dict[str, Any]:
        return {name: other_value(self.bound.fields[name], self.value(name), n)}

    def form(self, part: str = "") -> Form:
        """The page's form that sends, the one with a field of this name."""
        page = Page(self.response.content.decode(), self.url)
        return next(form for form in page.forms if form.method == "post" and (not part or part in form.fields)
                    and "logout" not in form.action and "i18n" not in form.action)  # fmt: skip

    def send(self, part: str = "", /, **typed: Any) -> Any:
        """Press the button of a form; typed: by field, None for one that is left out."""
        form = self.form(part)
        data: dict[str, Any] = {**form.fields, **{name: value for name, value in typed.items() if value is not None}}
        for name, value in typed.items():
            if value is None:
                data.pop(name, None)
        return self.client.post(form.action or self.url, data)


def picture(shade: int) -> SimpleUploadedFile:
    image = BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(image, "PNG")
    return SimpleUploadedFile("picture.png", image.getvalue(), "image/png")


def other_value(form_field: forms.Field, now: Any, n: int) -> Any:
    """Something else that may be typed into a field, another one for each n; an unknown kind of field fails."""
    match form_field:
        case PictureField():
            return picture(100 * n)
        case MoneyField():
            return f"{70 + n}.50"
        case WholeNumberField():
            return str(70 + n)
        case AttributesField():
            return f'{{"size": {n}}}'
        case forms.EmailField():
            return f"other{n}@shop.example"
        case forms.SlugField():
            return f"other-{n}"
        case forms.ModelMultipleChoiceField():
            unused = [str(key) for key in form_field.queryset.values_list("pk", flat=True) if str(key) not in now]
            return [*now, unused[n]]
        case forms.ModelChoiceField():
            row = UserFactory(is_verified=False) if form_field.queryset.model is User else CategoryFactory()
            return str(row.pk)
        case forms.MultipleChoiceField():
            return [form_field.choices[n][0]]
        case forms.BooleanField():
            return None if now else "on"
        case forms.CharField():
            return f"https://93.184.216.{n}/"
    raise AssertionError(f"how is a {type(form_field).__name__} changed?")
