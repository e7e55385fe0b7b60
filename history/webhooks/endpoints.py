"""Making endpoints and changing them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.db.batches import delete_in_batches
from history import activity
from history.feed import positions
from history.models import Kind, Subject
from history.webhooks import deliveries, signing
from history.webhooks.models import Endpoint


def add(endpoint: Endpoint) -> None:
    """Save a new endpoint, with a secret of its own; it is told of what happens from now on."""
    endpoint.salt = signing.new_salt()
    endpoint.has_standard_signature = True
    endpoint.position = positions.ends().last
    endpoint.save()


@transaction.atomic
def change(endpoint: Endpoint, *, at: datetime) -> None:
    """Save a changed endpoint; one that is switched on again goes on where it was."""
    was_active = Endpoint.objects.select_for_update().values_list("is_active", flat=True).get(pk=endpoint.pk)
    endpoint.save(update_fields=["name", "url", "kinds", "is_active"])
    if endpoint.is_active and not was_active:
        deliveries.go_on(endpoint, at=at)


class RotatedAlready(Exception):
    """Somebody made a new secret since the page was shown."""


@transaction.atomic
def rotate(endpoint: Endpoint, *, at: datetime, shown: str | None = None) -> None:
    """Give it a new secret; for a day both sign, so that the receiver changes over without losing anything.

    shown: when its secret was made, as the page had it (Endpoint.rotated). Raises RotatedAlready.
    """
    kept = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    if shown is not None and shown != kept.rotated:
        raise RotatedAlready
    Endpoint.objects.filter(pk=kept.pk).update(salt=signing.new_salt(), previous_salt=kept.salt, rotated_at=at)
    activity.record(
        Kind.CHANGED,
        subject=Subject.WEBHOOK,
        subject_id=kept.pk,
        subject_name=kept.name,
        actor=activity.current_actor(),
        note="A new secret was made.",
        at=at,
    )


def delete(endpoint: Endpoint) -> None:
    """Delete an endpoint with its deliveries; switched off first, so that no more of them are written."""
    Endpoint.objects.filter(pk=endpoint.pk).update(is_active=False)
    delete_in_batches(endpoint.deliveries.all())
    endpoint.delete()


def has_gap(endpoint: Endpoint) -> bool:
    """Whether events that it was never told of are no longer kept."""
    return endpoint.position < positions.ends().forgotten
