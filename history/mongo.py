"""The only door to MongoDB: clients, collections, their indexes and validator.

Writes are acknowledged by a majority and journaled; every call ends within a time set in settings (raising
pymongo.errors.PyMongoError), because pymongo's own default is to wait for ever.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
from functools import cache
from typing import Any

import pymongo
from bson.codec_options import CodecOptions
from django.conf import settings
from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

logger = logging.getLogger(__name__)

Document = dict[str, Any]

ORDER_HISTORY = "order_history"
ACTIVITY_LOG = "activity_log"
# Derived from PostgreSQL, read by the reports.
ROLLUPS = "rollups"

# An index over a collection that is large already takes as long as it takes.
INDEX_BUILD_MS = 600_000

# Seconds in which a server that is there answers, even at work on a long report, and for which an answer holds.
PRESENCE, KNOWN = 3.0, 0.5

NAMESPACE_EXISTS = 48
INDEX_EXISTS_OTHERWISE = (85, 86)

# Times come back aware.
CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True)
MAJORITY = WriteConcern(w="majority", j=True)
# What a majority has is not rolled back; only such a read confirms a delivery.
CONFIRMED = ReadConcern("majority")

INDEXES = [
    IndexModel([("order_id", ASCENDING)], name="order_id", unique=True),
    # A customer's history and spending.
    IndexModel([("user_id", ASCENDING)], name="user_id"),
    # Reports by status.
    IndexModel([("status", ASCENDING)], name="status"),
    # Every report begins with a range of created_at.
    IndexModel([("created_at", DESCENDING)], name="created_at"),
]

# What a document must have. The fields beyond are free, so that one release can add what the next one reads.
VALIDATOR: Document = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": [
            "order_id",
            "user_id",
            "products",
            "total_amount",
            "status",
            "created_at",
            "events",
            "rev",
            "digest",
        ],
        "properties": {
            "order_id": {"bsonType": ["int", "long"]},
            "user_id": {"bsonType": ["int", "long", "null"]},
            "total_amount": {"bsonType": "decimal"},
            "status": {"bsonType": "string"},
            "created_at": {"bsonType": ["date", "null"]},
            "rev": {"bsonType": ["int", "long"]},
            "digest": {"bsonType": "string"},
            "products": {
                "bsonType": "array",
                "items": {
                    "bsonType": "object",
                    "required": ["product_id", "name", "price", "quantity"],
                    "properties": {
                        "product_id": {"bsonType": ["int", "long"]},
                        "name": {"bsonType": "string"},
                        "price": {"bsonType": "decimal"},
                        "quantity": {"bsonType": ["int", "long"]},
                    },
                },
            },
            "events": {
                "bsonType": "array",
                "minItems": 1,
                "items": {
                    "bsonType": "object",
                    "required": ["status", "timestamp", "rev"],
                    "properties": {
                        "status": {"bsonType": "string"},
                        "timestamp": {"bsonType": "date"},
                        "rev": {"bsonType": ["int", "long"]},
                    },
                },
            },
        },
    }
}

NEWEST_FIRST = [("timestamp", DESCENDING), ("_id", DESCENDING)]
ACTIVITY_INDEXES = [
    # All that was done lately.
    IndexModel(NEWEST_FIRST, name="newest"),
    # The history of one product, user or category.
    IndexModel([("subject", ASCENDING), ("subject_id", ASCENDING), *NEWEST_FIRST], name="subject"),
    # What somebody did.
    IndexModel([("actor_id", ASCENDING), *NEWEST_FIRST], name="actor"),
    # What somebody without a number did, such as "system".
    IndexModel([("actor", ASCENDING), *NEWEST_FIRST], name="actor_name"),
    # All of one kind, such as failed sign-ins.
    IndexModel([("kind", ASCENDING), *NEWEST_FIRST], name="kind"),
]
# Days or months of a report.
ROLLUP_INDEXES = [IndexModel([("kind", ASCENDING), ("span", ASCENDING), ("piece", ASCENDING)], name="span")]
EXPIRY = "expiry"  # the index by which MongoDB forgets activity

ACTIVITY_VALIDATOR: Document = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["event_id", "kind", "subject", "subject_id", "subject_name", "actor_id", "actor", "timestamp"],
        "properties": {
            "event_id": {"bsonType": ["int", "long"]},
            "kind": {"bsonType": "string"},
            "subject": {"bsonType": "string"},
            "subject_id": {"bsonType": ["int", "long", "null"]},
            "subject_name": {"bsonType": "string"},
            "actor_id": {"bsonType": ["int", "long", "null"]},
            "actor": {"bsonType": "string"},
            "timestamp": {"bsonType": "date"},
            "changes": {"bsonType": "object"},
        },
    }
}


@cache  # never evicted: one that is dropped while open leaves its threads behind
def _client(url: str, timeout_ms: int, pid: int) -> MongoClient[Document]:
    # A client does not survive a fork: the process is part of the key.
    client: MongoClient[Document] = MongoClient(
        url,
        # Not timeoutMS: with it pymongo would also look for a lost server that long, where a page wants the answer
        # "away" at once.
        socketTimeoutMS=timeout_ms,
        waitQueueTimeoutMS=timeout_ms,
        serverSelectionTimeoutMS=settings.MONGODB_CONNECT_TIMEOUT_MS,
        # It is the heartbeat's too: with a shorter one, a server busy with a long report counts as lost, and pymongo
        # cancels the report.
        connectTimeoutMS=max(timeout_ms, settings.MONGODB_WRITE_TIMEOUT_MS),
        # The relay tries again by itself, and a page had better say what is wrong.
        retryReads=False,
        retryWrites=False,
        appname="user-order-system",
    )
    atexit.register(client.close)
    return client


def _database(timeout_ms: int) -> Database[Document]:
    client = _client(settings.MONGODB_URL, timeout_ms, os.getpid())
    return client.get_default_database().with_options(codec_options=CODEC, write_concern=MAJORITY)


def for_reading(name: str = ORDER_HISTORY) -> Collection[Document]:
    """A collection, order_history unless told otherwise, with the patience of a page.

    Source: MongoDB, behind PostgreSQL by the relay's lag. Raises ConnectionFailure where the server says nothing: a
    report may take its time, but nobody waits that long for one that is not there.
    """
    _expect_an_answer()
    return _database(settings.MONGODB_READ_TIMEOUT_MS)[name]


# When each address, of each process, answered last.
_answered_at: dict[tuple[str, int], float] = {}


def _expect_an_answer() -> None:
    key = settings.MONGODB_URL, os.getpid()
    if time.monotonic() - _answered_at.get(key, -KNOWN) < KNOWN:
        return
    try:
        ping(PRESENCE)
    except PyMongoError as error:
        raise ConnectionFailure(f"MongoDB does not answer: {error}") from error
    _answered_at[key] = time.monotonic()


def for_writing(name: str = ORDER_HISTORY) -> Collection[Document]:
    """A collection with the patience of the relay, which alone writes it; reads are confirmed ones."""
    return _database(settings.MONGODB_WRITE_TIMEOUT_MS).get_collection(name, read_concern=CONFIRMED)


def ping(seconds: float | None = None) -> None:
    """Return where MongoDB answers within so many seconds; unless said, in the time of MONGODB_CONNECT_TIMEOUT_MS.

    Raises pymongo.errors.PyMongoError where it does not.
    """
    with pymongo.timeout(seconds or settings.MONGODB_CONNECT_TIMEOUT_MS / 1000):
        _database(settings.MONGODB_READ_TIMEOUT_MS).command("ping")


def prepare() -> None:
    """Make the collections with their validators and indexes, or bring older ones up to date."""
    database = _database(settings.MONGODB_WRITE_TIMEOUT_MS)
    _prepare(database, ORDER_HISTORY, VALIDATOR, INDEXES)
    _prepare(database, ACTIVITY_LOG, ACTIVITY_VALIDATOR, ACTIVITY_INDEXES)
    database[ROLLUPS].create_indexes(ROLLUP_INDEXES)
    _keep_activity(database, days=settings.ACTIVITY_LOG_DAYS)


def _prepare(database: Database[Document], name: str, validator: Document, indexes: list[IndexModel]) -> None:
    try:
        database.create_collection(name, validator=validator, check_exists=False)
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise
        database.command("collMod", name, validator=validator)
    held = database[name].index_information()
    for index in indexes:
        if index.document["name"] in held:
            continue
        try:
            _database(INDEX_BUILD_MS)[name].create_indexes([index])
        except DuplicateKeyError as error:
            # Somebody wrote a second document by hand; delivery goes on and removes it when its order is repaired.
            logger.error("Not unique in the mirror, run `manage.py reconcile --repair`: %s", error.details)


def _keep_activity(database: Database[Document], *, days: int) -> None:
    """Have MongoDB expire activity after so many days, 0: never; whatever the index said before."""
    if not days:
        if EXPIRY in database[ACTIVITY_LOG].index_information():
            database[ACTIVITY_LOG].drop_index(EXPIRY)
        return
    seconds = days * 86_400
    expiry = IndexModel([("timestamp", ASCENDING)], name=EXPIRY, expireAfterSeconds=seconds)
    try:
        database[ACTIVITY_LOG].create_indexes([expiry])
    except OperationFailure as error:
        if error.code not in INDEX_EXISTS_OTHERWISE:
            raise
        database.command("collMod", ACTIVITY_LOG, index={"name": EXPIRY, "expireAfterSeconds": seconds})
