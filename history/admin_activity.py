"""The activity log in the back office: who did what, when, old → new; read-only.

Source: MongoDB activity_log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from pymongo.errors import PyMongoError

from history import activity_search
from history.models import Event, Kind, Subject
from history.mongo import Document

logger = logging.getLogger(__name__)

UNREACHABLE = "History store is not reachable. Shop and orders are unaffected."

PAGES = {
    Subject.USER: "admin:users_user_change",
    Subject.SESSION: "admin:users_user_change",
    Subject.PRODUCT: "admin:catalog_product_change",
    Subject.CATEGORY: "admin:catalog_category_change",
    Subject.ROLE: "admin:auth_group_change",
    Subject.API_KEY: "admin:users_apikey_change",
    Subject.WEBHOOK: "admin:history_endpoint_change",
}


@dataclass(frozen=True)
class Entry:
    """One line of the log; url: of the page of what it is about, empty where there is none."""

    at: datetime
    who: str
    who_number: str  # as the log is filtered by it, empty without an account
    what: str
    about: str
    url: str
    note: str
    changes: list[str]


@require_safe
@permission_required("history.view_event", raise_exception=True)
def activity_page(request: HttpRequest) -> HttpResponse:
    form = activity_search.ActivityForm(request.GET)
    asked = form.valid()
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Activity",
        "form": activity_search.ActivityForm(initial=asked),
        "is_filtered": any(value not in (None, "") for value in asked.values()),
        "notes": form.notes(),
        "pending": Event.objects.pending().exclude(subject=Subject.ORDER).count(),
    }
    try:
        page, notes = activity_search.search(asked, request.GET.get("page"))
    except PyMongoError as error:
        logger.warning("The activity log could not be read: %s", error)
        return render(request, "admin/activity.html", {**context, "problem": UNREACHABLE}, status=503)
    context |= {"page": page, "entries": [_entry(document) for document in page], "notes": [*context["notes"], *notes]}
    return render(request, "admin/activity.html", context)


def _entry(document: Document) -> Entry:
    kind, subject = document["kind"], document["subject"]
    label = Subject(subject).label if subject in Subject.values else subject
    return Entry(
        at=document["timestamp"],
        who=document["actor"],
        who_number="" if document["actor_id"] is None else f"#{document['actor_id']}",
        what=Kind(kind).label if kind in Kind.values else kind,
        about=f"{label}: {document['subject_name'] or 'unknown account'}",
        url=_url(kind, subject, document["subject_id"]),
        note=document.get("note", ""),
        changes=[f"{_words(name)}: {_told(old)} → {_told(new)}" for name, (old, new) in _changes(document)],
    )


def _changes(document: Document) -> list[tuple[str, list[Any]]]:
    return list(document.get("changes", {}).items())


def _url(kind: str, subject: str, subject_id: int | None) -> str:
    if kind == Kind.DELETED or subject not in PAGES or subject_id is None:
        return ""
    return reverse(PAGES[Subject(subject)], args=[subject_id])


def _words(name: str) -> str:
    return name.removeprefix("is_").replace("_", " ")


def _told(value: Any) -> str:
    if value in (None, "", [], {}):
        return "none"
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(str(each) for each in value)
        case dict():
            return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)
