"""Every command, option and operator that is sent to MongoDB during the tests is one that MongoDB documents.

The embedded server of the tests is not MongoDB: what only one of the two has would be found in production.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo import monitoring

# Pages of https://www.mongodb.com/docs/manual/, and the options of each command that are used.
COMMANDS: Mapping[str, tuple[str, set[str]]] = {
    "aggregate": ("reference/command/aggregate/", {"pipeline", "cursor"}),
    "collMod": ("reference/command/collMod/", {"index", "validator"}),
    "create": ("reference/command/create/", {"validator"}),
    "createIndexes": ("reference/command/createIndexes/", {"indexes"}),
    "delete": ("reference/command/delete/", {"deletes", "ordered"}),
    "distinct": ("reference/command/distinct/", {"key", "query"}),
    "drop": ("reference/command/drop/", set()),
    "dropDatabase": ("reference/command/dropDatabase/", set()),
    "dropIndexes": ("reference/command/dropIndexes/", {"index"}),
    "endSessions": ("reference/command/endSessions/", set()),
    "explain": ("reference/command/explain/", set()),
    "find": ("reference/command/find/", {"filter", "projection", "sort", "skip", "limit", "batchSize", "singleBatch"}),
    "findAndModify": ("reference/command/findAndModify/", {"query", "new", "remove", "update", "fields", "upsert"}),
    "getMore": ("reference/command/getMore/", {"collection", "batchSize"}),
    "hello": ("reference/command/hello/", set()),
    "insert": ("reference/command/insert/", {"documents", "ordered"}),
    "killCursors": ("reference/command/killCursors/", {"cursors"}),
    "listCollections": ("reference/command/listCollections/", {"cursor", "filter", "nameOnly"}),
    "listIndexes": ("reference/command/listIndexes/", {"cursor"}),
    "ping": ("reference/command/ping/", set()),
    "update": ("reference/command/update/", {"updates", "ordered"}),
}
# What every command may carry: reference/command/, reference/read-concern/, reference/write-concern/, core/causal-
# consistency-read-write-concerns/, and the driver's own view of the cluster.
COMMON = {
    "$clusterTime",
    "$db",
    "$readPreference",
    "comment",
    "lsid",
    "maxTimeMS",
    "readConcern",
    "txnNumber",
    "writeConcern",
}
# reference/operator/query/, /update/, /aggregation/, and core/schema-validation/.
OPERATORS = {
    "$and", "$currentDate", "$exists", "$group", "$gt", "$gte", "$in", "$inc", "$jsonSchema", "$limit", "$lt", "$lte",
    "$match", "$ne", "$nin", "$not", "$options", "$or", "$pop", "$project", "$push", "$regex", "$set", "$setOnInsert",
    "$sort", "$sum", "$type", "$unset",
}  # fmt: skip


class Recorder(monitoring.CommandListener):
    """unknown: what was sent and is not listed above, as "command", "command.option" or "command $operator"."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name not in COMMANDS:
            self.unknown.add(name)
            return
        _, options = COMMANDS[name]
        for option, value in event.command.items():
            if option in COMMON or option == name:
                continue
            if option not in options:
                self.unknown.add(f"{name}.{option}")
            self.unknown |= {
                f"{name} {operator}" for operator in _operators(option, value) if operator not in OPERATORS
            }

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def _operators(option: str, value: Any) -> Iterator[str]:
    if option == "documents":
        return
    if option == "updates":
        for each in value:
            yield from _in_value(each["q"])
            # A replacement is a document as it is stored; anything else begins with operators.
            yield from (key for key in each["u"] if key.startswith("$"))
        return
    yield from _in_value(value)


def _in_value(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.startswith("$"):
                yield key
            yield from _in_value(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _in_value(inner)


recorder = Recorder()
monitoring.register(recorder)
