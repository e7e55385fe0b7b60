"""The state of the mirror in the back office: what waits, what is parked and why, and trying it again.

Source: PostgreSQL alone, so the page says what is wrong while MongoDB is away.
"""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core.pagination import page_of
from history.mirror import lag, requeue
from history.models import Event, ParkedRow, ReconcileRun

PAGE_SIZE = 50
RUNS = 5


@require_safe
@permission_required("history.view_mirror", raise_exception=True)
def mirror_page(request: HttpRequest) -> HttpResponse:
    state = lag.state()
    parked = Event.objects.parked().order_by("event_id")
    page, notes = page_of(parked, request.GET.get("page"), PAGE_SIZE, count=state.parked)
    context = {
        **admin.site.each_context(request),
        "title": "Mirror",
        "state": state,
        "figures": state.told(),
        "page": page,
        "notes": notes,
        "rows": ParkedRow.objects.order_by("-failed_at", "-pk")[:PAGE_SIZE],
        "runs": ReconcileRun.objects.newest_first()[:RUNS],
    }
    return render(request, "admin/mirror.html", context)


@require_POST
@permission_required("history.requeue_events", raise_exception=True)
def requeue_events(request: HttpRequest) -> HttpResponse:
    """Try again now: the event of the form's button, or all of them."""
    chosen = request.POST.get("event", "all")
    if chosen == "all":
        count = requeue.requeue_all()
    elif chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        count = requeue.requeue_event(int(chosen))
    else:
        count = 0
    if count:
        messages.success(request, f"{count:,} event{'' if count == 1 else 's'} will be tried again now.")
    else:
        messages.warning(request, "Nothing is parked there any more.")
    return redirect("admin:history_mirror")
