"""Asking the activity log who did what, to what, and when.

Source: MongoDB activity_log, behind PostgreSQL by the relay's lag. Raises pymongo's errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Page
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils import timezone
from pymongo.cursor import Cursor

from catalog.forms import search_text
from config.paging import AtLeast
from core.number_fields import WholeNumberField
from core.pagination import page_of
from history import mongo
from history.models import Kind, Subject
from history.mongo import Document
from users.models import User

PAGE_SIZE = 50
LARGEST = 2**63 - 1
# So many entries are counted and leafed through; beyond that one filters. A count of all would grow with the log.
MOST = 1000
# So many people may be meant by a part of a name.
PEOPLE = 1000

ORDERS_OWN = {Kind.PLACED, Kind.STATUS, Kind.ITEMS, Kind.EDITED, Kind.NOTE, Kind.REPAIRED}
KINDS = [("", "Anything"), *((kind.value, kind.label) for kind in Kind if kind not in ORDERS_OWN)]
SUBJECTS = [("", "Anything"), *((subject.value, subject.label) for subject in Subject if subject != Subject.ORDER)]


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        # Far from the ends of the calendar, where a day has no next one.
        validators=[MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class ActivityForm(forms.Form):
    """The filters. What is not valid is left out and told by notes(), so that any URL shows the log."""

    who = forms.CharField(
        label="Who", required=False, max_length=200, help_text="Name, e-mail or number; “system”, “visitor”."
    )
    kind = forms.ChoiceField(label="What", required=False, choices=KINDS)
    subject = forms.ChoiceField(label="About", required=False, choices=SUBJECTS)
    id = WholeNumberField(label="Its number", required=False, min_value=0, max_value=LARGEST)
    since = _day("From")
    until = _day("To")

    def valid(self) -> dict[str, Any]:
        """Return what can be used; days in order."""
        self.is_valid()
        asked = {name: self.cleaned_data.get(name) for name in self.fields}
        if asked["since"] and asked["until"] and asked["since"] > asked["until"]:
            asked["since"], asked["until"] = asked["until"], asked["since"]
        return asked

    def notes(self) -> list[str]:
        return [
            f"“{search_text(str(self.data.get(name, '')))[:40]}” was ignored under “{self.fields[name].label}”."
            for name in self.errors
            if name in self.fields
        ]


def search(asked: Mapping[str, Any], page: str | None) -> tuple[Page[Any], list[str]]:
    """Return a page of documents, newest first, and what of the page's number was ignored.

    asked: as ActivityForm.valid() gives it.
    """
    entries = _Entries(_condition(asked))
    return page_of(entries, page, PAGE_SIZE, count=entries.count())


class _Entries:
    """The documents that fit a condition: looked for once, as keys, which an index has; read a slice at a time."""

    def __init__(self, condition: Document) -> None:
        self._log = mongo.for_reading(mongo.ACTIVITY_LOG)
        keys = self._find(condition, {"_id": True}).limit(MOST + 1)
        self._ids = [document["_id"] for document in keys]

    def count(self) -> int:
        return AtLeast(MOST) if len(self._ids) > MOST else len(self._ids)

    def __getitem__(self, part: slice) -> list[Document]:
        return list(self._find({"_id": {"$in": self._ids[part]}}))

    def _find(self, condition: Document, fields: Document | None = None) -> Cursor[Document]:
        found = self._log.find(condition, fields, max_time_ms=settings.MONGODB_READ_TIMEOUT_MS)
        return found.sort(mongo.NEWEST_FIRST)


def _condition(asked: Mapping[str, Any]) -> Document:
    condition: Document = {}
    for name, key in (("kind", "kind"), ("subject", "subject"), ("id", "subject_id")):
        if asked[name] not in (None, ""):
            condition[key] = asked[name]
    if asked["since"]:
        condition.setdefault("timestamp", {})["$gte"] = _start(asked["since"])
    if asked["until"]:
        condition.setdefault("timestamp", {})["$lt"] = _start(asked["until"] + timedelta(days=1))
    if asked["who"]:
        condition["$or"] = _who(asked["who"])
    return condition


def _start(day: date) -> datetime:
    """When a day of the shop's zone begins."""
    return timezone.make_aware(datetime.combine(day, time()), timezone.get_default_timezone())


def _who(text: str) -> list[Document]:
    """Conditions for somebody by number, by today's name or e-mail, or by the very name the log has; "#12" is nobody
    but number 12."""
    if text.startswith("#") and text[1:].isascii() and text[1:].isdigit() and int(text[1:]) <= LARGEST:
        return [{"actor_id": int(text[1:])}]
    people = User.objects.filter(Q(name__icontains=text) | Q(email__icontains=text)).order_by("pk")
    ids = list(people.values_list("pk", flat=True)[:PEOPLE])
    if text.isascii() and text.isdigit() and int(text) <= LARGEST:
        ids.append(int(text))
    return [{"actor_id": {"$in": ids}}, {"actor": text}]
