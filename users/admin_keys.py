"""Keys of the API in the back office: made, shown once, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from config.api.scopes import OF_ONE_CUSTOMER, SCOPES
from core.number_fields import WholeNumberField
from users import api_keys
from users.admin_key_owners import maker_of
from users.guards import password_asked
from users.models import ApiKey, User
from users.notices import tell_maker

if TYPE_CHECKING:
    _ApiKeyAdmin = admin.ModelAdmin[ApiKey]
    _KeyForm = forms.ModelForm[ApiKey]
else:
    _ApiKeyAdmin, _KeyForm = admin.ModelAdmin, forms.ModelForm

MOST_A_MINUTE = 100_000


class KeyForm(_KeyForm):
    """A new key. Nobody hands out a scope for what they may not do themselves."""

    by: User  # who makes it
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, help_text="What the key may do.")
    customer = forms.EmailField(
        required=False,
        label="Customer's e-mail",
        help_text="If given, the key sees and makes only the orders of this customer.",
        widget=forms.EmailInput(attrs={"class": "vTextField"}),
    )
    requests_per_minute = WholeNumberField(
        initial=ApiKey.USUAL_LIMIT, validators=[MinValueValidator(1), MaxValueValidator(MOST_A_MINUTE)]
    )

    class Meta:
        model = ApiKey
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        held = self.by.get_all_permissions()
        scopes.choices = [(scope, scope) for scope, permission in SCOPES.items() if permission in held]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        # The database's rule has a condition, which forms leave to it.
        if ApiKey.objects.filter(name__iexact=name, revoked_at=None).exists():
            raise forms.ValidationError("A key that is in use has this name.", code="taken")
        return name

    def clean_customer(self) -> User | None:
        email = self.cleaned_data["customer"]
        if not email:
            return None
        customer = User.objects.filter(email=email).first()
        if customer is None:
            raise forms.ValidationError("Nobody has this e-mail address.", code="unknown")
        return customer

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        beyond = set(data.get("scopes", [])) - OF_ONE_CUSTOMER
        if data.get("customer") and beyond:
            self.add_error("scopes", f"Not for one customer: {', '.join(sorted(beyond))}.")
        return data

    def make(self) -> tuple[ApiKey, str]:
        """See api_keys.make."""
        names = ("name", "scopes", "customer", "requests_per_minute")
        return api_keys.make(**{name: self.cleaned_data[name] for name in names}, by=self.by)


class RevokedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("in-use", "In use"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        if self.value() not in ("in-use", "revoked"):
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "in-use")


class ApiKeyAdmin(_ApiKeyAdmin):
    """What a key may do is never changed: another one is made instead, and the old one revoked."""

    list_display = ["name", "prefix", "scopes", "customer", "owned_by", "requests_per_minute", "last_used_at", "state"]
    list_filter = [RevokedFilter]
    list_select_related = ["customer", "made_by", "taken_over_by"]
    search_fields = ["name", "prefix"]
    ordering = ["-key_id"]
    actions = None

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        of_made = ["prefix", "maker", "taken_over_by", "state", "lost", "created_at", "last_used_at", "revoked_at"]
        own = of_made if obj else []
        return ["name", "scopes", "customer", "requests_per_minute", *own]

    @admin.display(description="made by")
    def maker(self, key: ApiKey) -> str:
        return maker_of(key)

    @admin.display(description="owner")
    def owned_by(self, key: ApiKey) -> str:
        return str(key.owner) if key.owner else maker_of(key)

    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        is_owned = key.owner is None or (key.owner.is_active and key.owner.is_staff)
        return "in use" if is_owned else "stopped: its owner is not active staff"

    @admin.display(description="scopes that its owner has lost")
    def lost(self, key: ApiKey) -> str:
        return ", ".join(api_keys.lost_scopes(key)) or "–"

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[ApiKey]]:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("KeyForm", (KeyForm,), {"by": request.user})

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:key_id>/revoke/", revoke, name="users_apikey_revoke"), *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        made, text = form.make()
        obj.pk, obj.scopes = made.pk, made.scopes
        tell_maker(form.by, made)
        request.made_key = text  # type: ignore[attr-defined]  # for response_add, and nowhere else

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        view = super().add_view
        guarded = password_asked(view) if request.method == "POST" and self.has_add_permission(request) else view
        return guarded(request, form_url, {**(extra_context or {}), **one_way})

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The key itself, this once: no redirect, because it may lie in no session and no cookie on the way."""
        context = self._context(request, obj, f"{obj} is made") | {"text": request.made_key}  # type: ignore[attr-defined]
        response = TemplateResponse(request, "admin/users/apikey/made.html", context)
        add_never_cache_headers(response)
        return response

    def revoke_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """Ask once more, then end the key."""
        if not request.user.has_perm("users.revoke_apikey"):
            raise PermissionDenied
        key = get_object_or_404(ApiKey, pk=key_id)
        if request.method != "POST":
            context = self._context(request, key, f"Revoke {key}?")
            return TemplateResponse(request, "admin/users/apikey/revoke.html", context)
        if api_keys.revoke(key, at=timezone.now()):
            self.message_user(request, f"{key} is revoked: nothing is let in with it any more.", messages.SUCCESS)
        else:
            self.message_user(request, f"{key} was revoked already.", messages.INFO)
        return HttpResponseRedirect(reverse("admin:users_apikey_changelist"))

    def _context(self, request: HttpRequest, key: ApiKey, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "key": key}
