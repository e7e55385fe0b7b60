"""Erasing people in the back office: one asks, another confirms, a relay does it; and the certificates of it.

Nothing here waits for MongoDB: what was confirmed is carried out by history/upkeep.py.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from history.erasure import certificate
from history.erasure.person import Person
from orders import erasing
from users.admin import UserAdmin
from users.models import Erasure, User

MAY_ERASE = "users.erase_user"

if TYPE_CHECKING:
    _ErasureAdmin = admin.ModelAdmin[Erasure]
else:
    _ErasureAdmin = admin.ModelAdmin


class ErasesPeople(UserAdmin):
    """The page at <person>/erase/: what would go, who has asked for it, and what one may do about it."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.erase_view)
        return [path("<int:user_id>/erase/", page, name="users_user_erase"), *super().get_urls()]

    def erase_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        if not request.user.has_perm(MAY_ERASE):
            raise PermissionDenied
        person = get_object_or_404(User, pk=user_id)
        if request.method != "POST":
            return self._page(request, person)
        try:
            self.message_user(request, _do(request, person), messages.SUCCESS)
        except erasing.Refused as reason:
            return self._page(request, person, problem=str(reason))
        return HttpResponseRedirect(reverse("admin:users_user_erase", args=[person.pk]))

    def _page(self, request: HttpRequest, person: User, *, problem: str = "") -> HttpResponse:
        at = timezone.now()
        latest = Erasure.objects.of_user(person.pk).first()
        is_waiting = Erasure.objects.of_user(person.pk).waiting(at).exists()
        title = f"Erase personal data: {person}"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Error: {title}" if problem else title,
            "person": person,
            "problem": problem,
            "reason": erasing.reason_against(person),
            "erasure": latest,
            "state": latest.state(at) if latest else "",
            "is_waiting": is_waiting,
            "is_open": is_waiting or bool(latest and latest.confirmed_at and not latest.finished_at),
            "is_own": bool(latest and latest.asked_by == request.user.pk),
            "label": Person(person.pk).label,
            "days": Erasure.WAITS.days,
        }
        return TemplateResponse(request, "admin/users/user/erase.html", context, status=409 if problem else 200)


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [
            ("waiting", "Waits for confirmation"),
            ("under_way", "Under way"),
            ("failing", "Failing"),
            ("erased", "Erased"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> QuerySet[Erasure]:
        match self.value():
            case "waiting":
                return queryset & Erasure.objects.waiting(timezone.now())
            case "under_way":
                return queryset & Erasure.objects.under_way()
            case "failing":
                return queryset & Erasure.objects.failing()
            case "erased":
                return queryset & Erasure.objects.finished()
        return queryset


class ErasureAdmin(_ErasureAdmin):
    """Requests and certificates, to be looked at."""

    list_display = [
        "account",
        "state",
        "error",
        "asked_by_name",
        "asked_at",
        "confirmed_by_name",
        "confirmed_at",
        "finished_at",
    ]
    list_filter = [StateFilter]
    ordering = ["-erasure_id"]
    list_per_page = 50
    actions = None
    readonly_fields = [
        "person", "state", "asked_by_name", "asked_at", "confirmed_by_name", "confirmed_at", "withdrawn_at",
        "failed_at", "error", "finished_at", "what_went", "certificate",
    ]  # fmt: skip
    fields = (*readonly_fields,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    has_delete_permission = has_change_permission

    @admin.display(description="account", ordering="user_id")
    def account(self, erasure: Erasure) -> str:
        return f"#{erasure.user_id}"

    @admin.display(description="account")
    def person(self, erasure: Erasure) -> SafeString | str:
        """Leads to where the request is confirmed or withdrawn."""
        if erasure.finished_at or not User.objects.filter(pk=erasure.user_id).exists():
            return f"#{erasure.user_id}"
        url = reverse("admin:users_user_erase", args=[erasure.user_id])
        return format_html('<a href="{}">#{}: look at the request</a>', url, erasure.user_id)

    @admin.display(description="state")
    def state(self, erasure: Erasure) -> str:
        return erasure.state(timezone.now())

    @admin.display(description="rows and documents")
    def what_went(self, erasure: Erasure) -> str:
        return ", ".join(f"{name}: {count:,}" for name, count in sorted(erasure.counts.items())) or "–"

    @admin.display(description="certificate")
    def certificate(self, erasure: Erasure) -> SafeString | str:
        if not erasure.finished_at:
            return "–"
        return format_html("<code>{}</code>", json.dumps(certificate.of(erasure)))


def _do(request: HttpRequest, person: User) -> str:
    """Do what the button that was pressed says, and return it in words. Raises erasing.Refused."""
    assert request.user.is_authenticated
    at, step = timezone.now(), request.POST.get("step")
    if step == "ask":
        erasing.ask(person.pk, by=request.user, at=at)
        return f"Asked for. Somebody else who may erase people confirms it within {Erasure.WAITS.days} days."
    waiting = Erasure.objects.of_user(person.pk).waiting(at).first()
    if waiting is None or request.POST.get("erasure", str(waiting.pk)) != str(waiting.pk):
        raise erasing.NotWaiting
    if step == "withdraw":
        erasing.withdraw(waiting, at=at)
        return "The request is withdrawn. Nothing was erased."
    if step != "confirm":
        raise erasing.NothingSaid
    erasing.confirm(waiting, by=request.user, at=at)
    return "Confirmed. The account is shut; a relay erases it from both stores within minutes."
