"""Erasing somebody in MongoDB: archived orders, whose document is the only copy, and activity, which is written once.

Documents of live orders are written anew by the relays, from rows that are clean by then. Source and target: MongoDB
order_history and activity_log. Raises pymongo's errors; running it again is safe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from pymongo import UpdateOne

from core.db.transactions import waiting_transaction
from history import faults, mongo
from history.erasure.person import REFERENCES, Person, Whose
from history.mirror.documents import digest, document_id
from history.mirror.writer import LIST, chosen
from history.models import ArchivedOrder, Subject
from history.mongo import Document

# Stubs looked at together for what the notes of others say.
BATCH = 1000


@dataclass
class Cleaned:
    """counts: documents changed, by collection; behind: orders whose documents a relay has still to write;
    damaged: archived orders that were not what their stub says before, and are not now."""

    counts: Counter[str] = field(default_factory=Counter)
    behind: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)


class Intents(Protocol):
    """What is on record of documents that are to be written: the digests they had before, by order.

    read: of all erasures that are under way. write: adds to those of this one, in the transaction at hand.
    """

    def read(self) -> Mapping[int, Collection[str]]: ...
    def write(self, digests: Mapping[int, str]) -> None: ...


def find(
    person: Person, events: Iterable[int] = (), *, others: bool = True
) -> Iterator[tuple[str, Document, Document]]:
    """Yield each document that tells of the person with its collection, as it is and as it is to be.

    events: activity of others, by number, whose notes were found to name the person. others: whether the archived
    orders of others are read, too.
    """
    for document in _orders(person, others=others):
        clean = person.cleaned(document, _whose(person, document))
        if clean != document:
            yield mongo.ORDER_HISTORY, document, clean
    seen = set()
    for document in _activity(person, events):
        clean = person.cleaned_event(document, Whose.OTHERS)
        if clean != document and document["_id"] not in seen:
            seen.add(document["_id"])
            yield mongo.ACTIVITY_LOG, document, clean


def clean(person: Person, events: Iterable[int], intents: Intents) -> Cleaned:
    """Write what find() finds; raises django.db.Error or PyMongoError."""
    done = Cleaned()
    found = find(person, events)
    while some := list(islice(found, LIST)):
        orders = {document["order_id"] for name, document, _ in some if name == mongo.ORDER_HISTORY}
        _clean_archived(person, sorted(orders), intents, done)
        activity = [(old, new) for name, old, new in some if name == mongo.ACTIVITY_LOG]
        _replace(mongo.ACTIVITY_LOG, activity)
        done.counts[mongo.ACTIVITY_LOG] += len(activity)
        faults.point("erase: mid documents")
    done.counts = +done.counts
    return done


def _clean_archived(person: Person, order_ids: Sequence[int], intents: Intents, done: Cleaned) -> None:
    """Clean the documents of those of the orders that are archived, and note the others as behind.

    The stub goes first, and what its document was goes on record: so a document that is not written yet, because
    somebody died in between, is told from one that was damaged.
    """
    ready: list[tuple[Document, Document]] = []
    with _locked(order_ids) as stubs:
        done.behind += [order_id for order_id in order_ids if order_id not in stubs]
        unwritten, intended = intents.read(), {}
        for document in _held(sorted(stubs)):
            new = person.cleaned(document, _whose(person, document))
            stub, was, sha256 = stubs[document["order_id"]], digest(document), digest(new)
            # The last: what an old backup brought back.
            if was == stub.sha256 or was in unwritten.get(stub.pk, ()) or sha256 == stub.sha256:
                new["digest"] = sha256
                ArchivedOrder.objects.filter(pk=stub.pk).update(sha256=sha256, external_ref=new["external_ref"])
                intended[stub.pk] = was
            else:
                done.damaged.append(stub.pk)
            ready.append((document, new))
        intents.write(intended)
    faults.point("erase: after stubs")
    _write(ready, done)


def _write(ready: Sequence[tuple[Document, Document]], done: Cleaned) -> None:
    """Write documents whose stubs are set; those that somebody who erases another has set anew since are theirs."""
    with _locked([new["order_id"] for _, new in ready]) as stubs:
        expected = {stub.pk: stub.sha256 for stub in stubs.values()}
        written = [
            (old, new)
            for old, new in ready
            if new["order_id"] in done.damaged or new["digest"] == expected.get(new["order_id"])
        ]
        _replace(mongo.ORDER_HISTORY, written)
    done.counts[mongo.ORDER_HISTORY] += len(ready)


@contextmanager
def _locked(order_ids: Sequence[int]) -> Iterator[dict[int, ArchivedOrder]]:
    """The stubs of those of the orders that are archived, in a transaction in which nobody restores them."""
    with waiting_transaction():
        stubs = ArchivedOrder.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")
        yield {stub.pk: stub for stub in stubs}


def _replace(collection: str, documents: Sequence[tuple[Document, Document]]) -> None:
    if documents:
        # Guarded by what was read: what somebody has changed meanwhile is looked at the next time. Only what became
        # different is written: the mark of the archive may have been set meanwhile.
        guard = "digest" if collection == mongo.ORDER_HISTORY else "event_id"
        operations = [
            UpdateOne({"_id": old["_id"], guard: old[guard]}, {"$set": changed})
            for old, new in documents
            if (changed := {name: value for name, value in new.items() if value != old[name]})
        ]
        mongo.for_writing(collection).bulk_write(operations, ordered=False)


def _whose(person: Person, document: Document) -> Whose:
    if document["user_id"] == person.user_id:
        return Whose.OWN
    moves = (event.get("changes", {}).get("user_id", ()) for event in document["events"])
    return Whose.ONCE if any(person.user_id in move for move in moves) else Whose.OTHERS


def _orders(person: Person, *, others: bool) -> Iterator[Document]:
    """The person's documents, live and archived, and archived ones of others that may name the person."""
    collection = mongo.for_writing()
    yield from collection.find({"user_id": person.user_id}).sort("order_id")
    if not others:
        return
    # Each archived document is read, because no index finds every spelling; without a condition that is quickest.
    for order_ids in _archived():
        archived = {*order_ids}
        for condition in chosen(order_ids):
            for document in collection.find({"order_id": condition}):
                is_others = document["order_id"] in archived and document["user_id"] != person.user_id
                if is_others and _names(person, document):
                    yield document


def _names(person: Person, document: Document) -> bool:
    """Whether a document of somebody else tells of the person."""
    events = document["events"]
    if any(event.get("actor_id") == person.user_id for event in events) or _whose(person, document) != Whose.OTHERS:
        return True
    texts = [document.get(name) for name in ("change_note", *REFERENCES)]
    texts += [event.get("note") for event in events]
    texts += [text for event in events for name in REFERENCES for text in event.get("changes", {}).get(name, ())]
    texts += [refund.get("reason") for refund in document.get("refunds", ())]
    return person.is_named_in(*texts)


def _activity(person: Person, events: Iterable[int]) -> Iterator[Document]:
    collection = mongo.for_writing(mongo.ACTIVITY_LOG)
    for subject in (Subject.USER, Subject.SESSION):
        yield from collection.find({"subject": subject.value, "subject_id": person.user_id})
    yield from collection.find({"actor_id": person.user_id})
    wanted = iter(sorted(events))
    while some := list(islice(wanted, LIST)):
        yield from collection.find({"_id": {"$in": [document_id(event) for event in some]}})


def _archived() -> Iterator[list[int]]:
    """The numbers of all archived orders, in batches."""
    last = 0
    while True:
        later = ArchivedOrder.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        order_ids = list(later[:BATCH])
        if not order_ids:
            return
        yield order_ids
        last = order_ids[-1]


def _held(order_ids: Sequence[int]) -> Iterator[Document]:
    for start in range(0, len(order_ids), LIST):
        ids = [document_id(order_id) for order_id in order_ids[start : start + LIST]]
        yield from mongo.for_writing().find({"_id": {"$in": ids}})
