"""What becomes of the API keys of somebody who was deactivated or lost rights: staff take each over or revoke it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString

from users import api_keys
from users.guards import password_asked
from users.models import ApiKey, User

MAY_SEE, MAY_MAKE, MAY_REVOKE = "users.view_apikey", "users.add_apikey", "users.revoke_apikey"


if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin


class AsksAboutKeys(_UserAdmin):
    """The page at <person>/keys/, and the way there when keys of a person have stopped."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.keys_view)
        return [path("<int:user_id>/keys/", page, name="users_user_keys"), *super().get_urls()]

    def response_change(self, request: HttpRequest, obj: User) -> HttpResponse:
        response = super().response_change(request, obj)
        if self._warn_of_keys(request, [obj]) and request.user.has_perm(MAY_SEE):
            return HttpResponseRedirect(reverse("admin:users_user_keys", args=[obj.pk]))
        return response

    def _warn_of_keys(self, request: HttpRequest, people: list[User]) -> bool:
        """Say whose keys have stopped, with the way to decide about them; return whether there are any."""
        stopped = [user for user in people if any(api_keys.lost_scopes(key) for key in api_keys.owned_by(user))]
        for user in stopped:
            url, text = reverse("admin:users_user_keys", args=[user.pk]), "decide whether to take over or revoke them"
            told = format_html('API keys of {} have stopped working: <a href="{}">{}</a>.', user, url, text)
            self.message_user(request, told, messages.WARNING)
        return bool(stopped)

    def keys_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        if not request.user.has_perm(MAY_SEE):
            raise PermissionDenied
        person = get_object_or_404(User, pk=user_id)
        if request.method == "POST":
            return self._decide(request, person)
        keys = [(key, api_keys.lost_scopes(key)) for key in api_keys.owned_by(person)]
        title = f"API keys of {person}"
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, "admin/users/user/keys.html", context | {"person": person, "keys": keys})

    @method_decorator(password_asked)
    def _decide(self, request: HttpRequest, person: User) -> HttpResponse:
        assert request.user.is_authenticated
        number, step = str(request.POST.get("key", "")), request.POST.get("step")
        key = api_keys.owned_by(person).filter(pk=number if number.isdecimal() and len(number) < 19 else 0).first()
        if key is None:
            self.message_user(request, f"This key is not one of {person} any more.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:users_user_keys", args=[person.pk]))
        if not request.user.has_perm(MAY_MAKE if step == "take over" else MAY_REVOKE):
            raise PermissionDenied
        if step == "revoke":
            api_keys.revoke(key, at=timezone.now())
            self.message_user(request, f"{key} is revoked.", messages.SUCCESS)
        elif step == "take over" and api_keys.take_over(key, by=request.user):
            self.message_user(request, f"{key} is yours now: it works as long as you may do what it does.")
        else:
            self.message_user(request, f"{key} stays as it is: you may not do all that it does.", messages.ERROR)
        return HttpResponseRedirect(reverse("admin:users_user_keys", args=[person.pk]))

    def fieldsets_of_keys(self, request: HttpRequest) -> list[Any]:
        return [("API keys", {"fields": ["keys"]})] if request.user.has_perm(MAY_SEE) else []

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return [*(str(name) for name in super().get_readonly_fields(request, obj)), "keys"]

    def keys(self, user: User) -> SafeString | str:
        names = ", ".join(key.name for key in api_keys.owned_by(user))
        url = reverse("admin:users_user_keys", args=[user.pk])
        return format_html('<a href="{}">{}</a>', url, names) if names else "–"


def maker_of(key: ApiKey) -> str:
    """Return the name of who made the key; of keys made before it was recorded nobody knows."""
    return str(key.made_by) if key.made_by else "unknown maker"
