"""Carrying out what was asked for and confirmed: somebody is erased from both stores, step by step, and certified.

Each step may be run again, by anybody, after a crash at any point: it finds what is left to do. An erasure is finished
when a whole pass has found nothing: what came in meanwhile, an order that was restored or a sign-out that was just
being written down, is taken by the next one.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from allauth.account.models import EmailAddress
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pymongo.errors import ConnectionFailure, PyMongoError

from core import row_isolation
from history import faults
from history.activity import Actor
from history.erasure import certificate, clearing, mirrored, tables
from history.erasure.person import Person, telling, telling_lines
from history.models import Event
from users.models import Address, Erasure, User

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pass:
    """changed: rows and documents, by table and collection; behind: orders that a relay has still to deliver."""

    changed: Counter[str]
    behind: list[int]
    is_finished: bool = False


def advance(erasure: Erasure, *, at: datetime) -> Pass:
    """Go through both stores once. Another pass has to follow, after a relay has delivered, until it is finished.

    at: aware datetime of what is written. Raises django.db.Error or PyMongoError where a store fails; what is done by
    then stays done.
    """
    person = Person(erasure.user_id, _words(erasure, words_of(erasure.user_id)))
    faults.point("erase: after words")
    by = Actor(erasure.confirmed_by, erasure.confirmed_by_name)
    cleared = clearing.clear(
        person, by=by, at=at, keep=lambda done: _keep(erasure, done.counts, done.orders, done.events)
    )
    faults.point("erase: after tables")
    cleaned = mirrored.clean(person, _found(erasure)["events"], _Intents(erasure))
    _keep(erasure, cleaned.counts)
    _words(erasure, telling(person.wiped, person))  # what orders of others had, for the next pass
    for order_id in cleaned.damaged:
        logger.warning("Archived order %s was erased; its document was damaged before, and is.", order_id)
    behind = sorted({*cleaned.behind, *_pending(_found(erasure)["orders"])})
    changed = cleared.counts + cleaned.counts
    if changed or behind:
        return Pass(changed, behind)
    faults.point("erase: before certificate")
    _finish(erasure)
    return Pass(changed, behind, is_finished=True)


def attempt(erasure: Erasure, *, at: datetime) -> Pass | None:
    """advance(), or None where it fails because of this erasure: that is on record then, and others can go on.

    Raises django.db.Error or PyMongoError where a store is unavailable.
    """
    try:
        done, error = row_isolation.attempt(lambda each: advance(each, at=at), erasure)
    except (DatabaseError, PyMongoError) as of_store:
        # A statement or a document that fails, while the stores answer.
        if isinstance(of_store, ConnectionFailure) or not connection.is_usable():
            raise
        done, error = None, of_store
    if error is not None:
        reason = _described(error)
        logger.error("The erasure of account %s fails: %s", erasure.user_id, reason)
        Erasure.objects.filter(pk=erasure.pk).update(error=reason, failed_at=at)
        return None
    Erasure.objects.failing().filter(pk=erasure.pk).update(error="", failed_at=None)
    return done


def _described(error: Exception) -> str:
    """The kind of a failure and what PostgreSQL names, without values: they may be the person's."""
    cause = error.__cause__
    if isinstance(cause, psycopg.Error):
        diagnosis = cause.diag
        names = (diagnosis.table_name, diagnosis.column_name, diagnosis.constraint_name)
        return " ".join(filter(None, (type(error).__name__, cause.sqlstate, *names)))
    return type(error).__name__


def words_of(user_id: int) -> list[str]:
    """Return what is to be looked for in the notes of others: names, mail addresses and lines that a store still has.

    Raises PyMongoError where MongoDB cannot be asked.
    """
    person = Person(user_id)
    for _ in (*tables.find(person), *mirrored.find(person, others=False)):
        pass  # it collects what it wipes
    user = User.objects.filter(pk=user_id).first()
    own = [user.name, user.email] if user else []
    own += EmailAddress.objects.filter(user_id=user_id).values_list("email", flat=True)
    for address in Address.objects.filter(customer_id=user_id):
        own += telling_lines(address.lines())
    return telling([*own, *person.wiped], person)


def _words(erasure: Erasure, now_there: Iterable[str]) -> list[str]:
    """Add to the words, retained until it is finished: half-way through, neither store has all of them any more."""
    with transaction.atomic():
        kept = Erasure.objects.select_for_update().get(pk=erasure.pk)
        words = sorted({*now_there, *kept.found.get("words", [])})
        if not kept.finished_at:
            kept.found["words"] = words
            kept.save(update_fields=["found"])
    return words


def _found(erasure: Erasure) -> dict[str, list[int]]:
    found = Erasure.objects.get(pk=erasure.pk).found
    return {name: found.get(name, []) for name in ("orders", "events")}


def _keep(erasure: Erasure, counts: Counter[str], orders: Iterable[int] = (), events: Iterable[int] = ()) -> None:
    """Add what was done to the record, in the transaction at hand if there is one."""
    if not counts:
        return
    with transaction.atomic():
        kept = Erasure.objects.select_for_update().get(pk=erasure.pk)
        kept.counts = dict(sorted((Counter(kept.counts) + counts).items()))
        for name, numbers in (("orders", orders), ("events", events)):
            kept.found[name] = sorted({*kept.found.get(name, []), *numbers})
        kept.save(update_fields=["counts", "found"])


class _Intents:
    """Kept with the erasures, each digest as [order, digest]."""

    def __init__(self, erasure: Erasure) -> None:
        self._erasure = erasure

    def read(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        for each in Erasure.objects.under_way():
            for order_id, sha256 in each.found.get("documents", ()):
                found[order_id].add(sha256)
        return found

    def write(self, digests: Mapping[int, str]) -> None:
        kept = Erasure.objects.select_for_update().get(pk=self._erasure.pk)
        kept.found["documents"] = [*kept.found.get("documents", ()), *digests.items()]
        kept.save(update_fields=["found"])


def _pending(order_ids: list[int]) -> set[int]:
    waiting = Event.objects.pending().filter(order_id__in=order_ids).values_list("order_id", flat=True)
    return {order_id for order_id in waiting if order_id is not None}


@transaction.atomic
def _finish(erasure: Erasure) -> None:
    kept = Erasure.objects.select_for_update().get(pk=erasure.pk)
    if kept.finished_at:
        return
    kept.finished_at, kept.found = timezone.now(), {}
    kept.sha256 = certificate.sha256(kept)
    kept.save(update_fields=["finished_at", "found", "sha256"])
