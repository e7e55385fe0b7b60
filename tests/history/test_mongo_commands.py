"""What the tests send to MongoDB is compared with its manual (tests/mongo_commands.py)."""

from __future__ import annotations

from history import mongo
from tests.mongo_commands import recorder


def sent() -> set[str]:
    unknown, recorder.unknown = recorder.unknown, set()
    return unknown


def test_commands_options_and_operators_that_are_not_listed_are_found(mirror):
    assert mirror.find_one({"order_id": {"$in": [1]}}) is None
    assert sent() == set()

    list(mirror.find({"order_id": {"$mod": [4, 0]}}, hint="_id_", allow_disk_use=True))
    list(mirror.aggregate([{"$sample": {"size": 1}}]))
    mirror.estimated_document_count()

    assert sent() == {"find $mod", "find.hint", "find.allowDiskUse", "aggregate $sample", "count"}


def test_what_is_stored_is_no_operator(mirror):
    mongo.for_writing().database["scratch"].insert_one({"_id": 1, "text": {"$looks": "like one"}})
    mongo.for_writing().database["scratch"].replace_one({"_id": 1}, {"text": {"$looks": "like one"}})
    mongo.for_writing().database["scratch"].drop()

    assert sent() == set()
