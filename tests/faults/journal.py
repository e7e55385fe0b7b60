"""What a client did and was told, line by line, so that a killed client's log still says how far it had come.

One JSON object a line: {"op", "do": invoke | ok | fail | unknown, "kind", "order", "rev", "status"}. The op is a text
that the operation also leaves in the database, so that each event can be traced to who asked for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Journal:
    """The log of one client; each line is with the system before the next step is taken."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, op: str, do: str, **what: Any) -> None:
        os.write(self._file, (json.dumps({"op": op, "do": do, **what}) + "\n").encode())


@dataclass
class Operation:
    """What became of one operation; revs: (order, rev, status) of each acknowledgement."""

    op: str
    kind: str = ""
    ends: list[str] = field(default_factory=list)
    revs: list[tuple[int, int, str]] = field(default_factory=list)
    invoked: int = 0

    @property
    def outcome(self) -> str:
        """ok, fail (certainly not done) or unknown: its client died or lost the database before it was told."""
        if "ok" in self.ends:
            return "ok"
        return "fail" if self.ends and set(self.ends) == {"fail"} and len(self.ends) == self.invoked else "unknown"

    @property
    def was_unknown(self) -> bool:
        """Whether at some time its client could not know, even if asking again gave the answer."""
        return "unknown" in self.ends or len(self.ends) < self.invoked


def read(paths: Iterable[Path]) -> dict[str, Operation]:
    """Return every operation of the logs by its op."""
    operations: dict[str, Operation] = {}
    for path in paths:
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            operation = operations.setdefault(entry["op"], Operation(entry["op"]))
            if entry["do"] == "invoke":
                operation.invoked += 1
                operation.kind = entry["kind"]
                continue
            operation.ends.append(entry["do"])
            if entry["do"] == "ok" and entry["order"] is not None:
                operation.revs.append((entry["order"], entry["rev"], entry["status"]))
    return operations


def last(path: Path) -> dict[str, Any] | None:
    """Return the latest line of a log, None where there is none yet."""
    if not path.exists():
        return None
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 2000))
        lines = log.read().splitlines()
    return json.loads(lines[-1]) if lines else None
