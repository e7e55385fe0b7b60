"""A customer's data, to take along."""

from __future__ import annotations

from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from history import personal_data
from users.guards import ask_password, password_asked
from users.requests import CustomerRequest


@require_safe
@never_cache
def data(request: CustomerRequest) -> HttpResponse:
    """Everything held about the person, as a file; its name says where a part is missing."""
    try:
        return _file(request)
    except ReauthenticationRequired:
        # No browser leaves a page for a file: they would stay where the password was asked for.
        return ask_password(request, then=f"{reverse('users:account')}?confirmed#data-title")


@password_asked
def _file(request: CustomerRequest) -> HttpResponse:
    found = personal_data.of(request.user, at=timezone.now())
    name = "my-data-incomplete.json" if found["missing"] else "my-data.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return JsonResponse(found, personal_data.Encoder, headers=headers, json_dumps_params={"indent": 2})
