"""Every command and option that the driver sends to MongoDB during the tests is one that MongoDB documents.

The embedded server of the tests is not MongoDB: what only one of the two has would be found in production.
"""

from __future__ import annotations

from collections.abc import Mapping

from pymongo import monitoring

REFERENCE = "https://www.mongodb.com/docs/manual/reference/"
# What every command may carry: sessions, cluster time, read and write concern, API and topology of the driver.
COMMON = {
    "$clusterTime", "$db", "$readPreference", "autocommit", "comment", "lsid", "maxTimeMS", "readConcern", "txnNumber",
    "writeConcern",
}  # fmt: skip
COMMANDS: Mapping[str, set[str]] = {}


class Recorder(monitoring.CommandListener):
    """unknown: what was sent and stands in none of the lists, as "command" or "command.option"."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name not in COMMANDS:
            self.unknown.add(name)
            return
        for option in event.command:
            if option != name and option not in COMMANDS[name] and option not in COMMON:
                self.unknown.add(f"{name}.{option}")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


recorder = Recorder()
