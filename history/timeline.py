"""An order's life as its customer is shown it: the steps of its way and every event, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.templatetags.money import money
from core.row_isolation import attempt
from history.models import Event, Kind
from orders.models import Order
from orders.status import USUAL_WAY, Status

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Where a way ends apart from the usual one.
ENDS = (Status.CANCELLED, Status.RETURNED)

# What is shown to its customer; of their own also a note. A kind that is not named here is for staff.
FOR_CUSTOMERS = {Kind.PLACED, Kind.STATUS, Kind.ITEMS, Kind.EDITED}

# What a note to the customer changes of an order.
TOLD = "told_customer_at"


class State(models.TextChoices):
    """Of a step, seen from where the order is."""

    DONE = "done", gettext_lazy("done")
    CURRENT = "current", gettext_lazy("now")
    UPCOMING = "upcoming", gettext_lazy("upcoming")


class Who(models.TextChoices):
    """Who did something, as the customer is told: never somebody's name."""

    YOU = "You", gettext_lazy("You")
    STORE = "Store", gettext_lazy("Store")
    SYSTEM = "System", gettext_lazy("System")


@dataclass(frozen=True)
class Step:
    """at: when it was reached, None where nobody knows."""

    name: StrOrPromise
    state: State
    at: datetime | None = None
    is_end: bool = False


@dataclass(frozen=True)
class Told:
    """One event in words; then: what its order's address asks for to be shown as it was after the event."""

    what: str
    details: list[str]
    who: Who
    at: datetime | None
    then: str


def steps(order: Order, events: Sequence[Event]) -> list[Step]:
    """The way of an order: what is behind it, where it is, what usually comes."""
    reached = _reached(events)
    if order.status in USUAL_WAY:
        here = USUAL_WAY.index(Status(order.status))
        return [_step(order, status, _state(at, here), reached) for at, status in enumerate(USUAL_WAY)]
    # The way ends here: only what was really passed stands before.
    passed = [status for status in USUAL_WAY if status in reached or status == Status.PENDING]
    done = [_step(order, status, State.DONE, reached) for status in passed]
    return [*done, Step(_label(order.status), State.CURRENT, reached.get(order.status), is_end=True)]


def told(events: Sequence[Event], *, customer_id: int) -> list[Told]:
    """The events of the order that its customer is told of, newest first."""
    shown = [event for event in events if is_for_customer(event.kind, event.actor_id, customer_id)]
    newest_first = sorted(shown, key=lambda event: event.rev or 0, reverse=True)
    details_of = partial(_details, customer_id=customer_id)
    return [
        Told(
            what=_what(event),
            details=details,
            who=who_did(event.actor_id, customer_id),
            at=event.occurred_at if event.is_time_known else None,
            then=event.then,
        )
        for event, details in ((event, attempt(details_of, event)[0] or []) for event in newest_first)
        # An edit of which there is nothing to say, as of a column that no page shows, is none to its customer.
        if details or event.kind != Kind.EDITED
    ]


def _reached(events: Sequence[Event]) -> dict[str, datetime | None]:
    """When each status was reached, the last time it was."""
    entering = [event for event in events if event.kind in (Kind.PLACED, Kind.STATUS)]
    return {event.status: event.occurred_at if event.is_time_known else None for event in entering}


def _state(at: int, here: int) -> State:
    if at == here:
        return State.CURRENT
    return State.DONE if at < here else State.UPCOMING


def _step(order: Order, status: Status, state: State, reached: dict[str, datetime | None]) -> Step:
    if status == Status.PENDING:
        return Step(status.label, state, order.created_at)
    return Step(status.label, state, reached.get(status) if state != State.UPCOMING else None)


def _what(event: Event) -> str:
    if event.kind == Kind.PLACED:
        return _("Order placed")
    if event.kind == Kind.STATUS:
        return _("Status is now {status}").format(status=_label(event.status))
    if TOLD in (event.changes or ()):
        return _("Note")
    return _("Items changed") if event.kind == Kind.ITEMS else _("Order updated")


def _details(event: Event, *, customer_id: int) -> list[str]:
    details = []
    if old_and_new := event.changes.get("total_amount"):
        details.append(before_and_now(*map(_amount, old_and_new)))
    if "shipping_address" in event.changes:
        details.append(_("Delivery address changed"))
    if event.note and is_note_for_customer(event.kind, event.actor_id, customer_id):
        details.append(event.note)
    return details


def is_for_customer(kind: str, actor_id: int | None, customer_id: int) -> bool:
    """Whether an event is shown to the customer: changes of the order, and their own notes."""
    return kind in FOR_CUSTOMERS or (kind == Kind.NOTE and actor_id == customer_id)


def is_note_for_customer(kind: str, actor_id: int | None, customer_id: int) -> bool:
    """Who edits an order says why to its customer, and a note to them is an edit (orders.notes); any other note of
    the store may be for its own eyes."""
    return actor_id == customer_id or kind in (Kind.ITEMS, Kind.EDITED)


def who_did(actor_id: int | None, customer_id: int) -> Who:
    if actor_id is None:
        return Who.SYSTEM
    return Who.YOU if actor_id == customer_id else Who.STORE


def before_and_now(old: Decimal | None, new: Decimal | None) -> str:
    """A change of an order's total, in words."""
    return _("Total: {before} before, {now} now").format(before=money(old), now=money(new))


def _label(status: str) -> StrOrPromise:
    return Status(status).label if status in Status.values else status


def _amount(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
