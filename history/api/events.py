"""The feed of events for other systems; docs/webhooks.md tells how it is followed.

Source: PostgreSQL feed_events, numbered by `manage.py deliver_webhooks`.
"""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query, Router
from pydantic import BeforeValidator, Field

from config.api.description import may_refuse
from config.api.problems import Problem
from config.api.scopes import ORDERS_READ, ApiRequest, Scope
from config.api.types import LARGEST, Answer, Moment, Parameters, whole
from history.feed import reading
from orders.status import Status

router = Router(tags=["Events"])

# Seconds after which whoever could not wait here may ask again.
PAUSE = 5

Position = Annotated[int, Field(ge=0, le=LARGEST), BeforeValidator(whole)]


class EventAnswer(Answer):
    id: Annotated[int, Field(description="The event's own number: the same in the feed, in a webhook, in a repeat.")]
    position: int
    type: Annotated[str, Field(description="More may come.", examples=["order.placed", "order.status"])]
    order_id: int
    rev: Annotated[int, Field(description="The order's revision after it; rises within an order.")]
    status: Annotated[str, Field(examples=[Status.PAID])]
    occurred_at: Moment


class EventPage(Answer):
    events: list[EventAnswer]
    next: Annotated[int, Field(description="The `after` to go on with.")]
    latest: Annotated[int, Field(description="The position of the feed's last event.")]
    has_more: Annotated[bool, Field(description="Whether there are more events already.")]


class EventParameters(Parameters):
    after: Annotated[Position | None, Field(description="A position; left out: from the oldest event kept.")] = None
    limit: Annotated[int, Field(ge=1, le=reading.LARGEST_PAGE), BeforeValidator(whole)] = 100
    wait: Annotated[
        int,
        Field(ge=0, le=reading.LONGEST_WAIT, description="Seconds to wait for an event where there is none after it."),
        BeforeValidator(whole),
    ] = 0


def _extra() -> dict[str, Any]:
    extra = may_refuse("position-unknown")
    headers = {"Retry-After": {"schema": {"type": "integer"}, "description": "Too many wait already: pause that long."}}
    extra["responses"][200] = {"headers": headers}
    return extra


@router.get("", response=EventPage, auth=Scope(ORDERS_READ), openapi_extra=_extra(), summary="Follow events")
def list_events(request: ApiRequest, asked: Query[EventParameters], response: HttpResponse) -> EventPage:
    """What happened to orders, in the order in which it was committed, complete. Not for keys of one customer."""
    if request.auth.customer_id is not None:
        raise Problem("scope-missing", "The feed is of all customers, this key of one.", scope=ORDERS_READ)
    try:
        page = reading.read(asked.after, asked.limit)
        if asked.wait and asked.after is not None and not page.events:
            if reading.wait(asked.after, asked.wait):
                page = reading.read(asked.after, asked.limit)
            else:
                response["Retry-After"] = str(PAUSE)
    except reading.UnknownPosition as error:
        raise Problem("position-unknown", str(error), oldest=error.oldest) from error
    events = [EventAnswer(**event.told()) for event in page.events]
    return EventPage(events=events, next=page.next, latest=page.latest, has_more=page.has_more)
