"""`python -m tests.faults.consumer URL KEY FILE`: a client that follows the feed of events and may be killed anywhere.

What it got and where to go on from is one line of its file, so both are kept or neither; a line that was not ended is
asked for again. It needs nothing but Python, like somebody else's client.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def pages(file: Path) -> list[dict[str, Any]]:
    """Return the answers that were kept whole."""
    kept = file.read_bytes() if file.exists() else b""
    return [json.loads(line) for line in kept.splitlines(keepends=True) if line.endswith(b"\n")]


def follow(url: str, key: str, file: Path) -> None:
    kept = pages(file)
    after = kept[-1]["next"] if kept else 0
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
    with file.open("ab", buffering=0) as log:
        while True:
            page, pause = ask(f"{url}?after={after}&limit=20&wait=5", key)
            if page and page["events"]:
                log.write(json.dumps(page).encode() + b"\n")
                after = page["next"]
            time.sleep(pause)


def ask(url: str, key: str) -> tuple[dict[str, Any] | None, float]:
    """Return the answer and the seconds to pause; no answer where the shop did not give one."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            # Others may wait longer than a test may take.
            return json.load(response), min(0.1, float(response.headers.get("Retry-After", 0)))
    except urllib.error.HTTPError as error:
        if error.code < 500:
            raise
        return None, 0.1
    except OSError:
        return None, 0.1


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
