"""Pages timed in this process, template and all."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.conf import settings
from django.test import Client

from history.imports.progress import peak_megabytes
from tests.bench.figures import Figure, p95
from users.models import User


def signed_in(user: User) -> Client:
    if "testserver" not in settings.ALLOWED_HOSTS:
        settings.ALLOWED_HOSTS.append("testserver")
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(user)
    return client


def times(client: Client, path: str, runs: int) -> tuple[list[float], int]:
    """Milliseconds of each run after the first, and the last status."""
    took, status = [], 200
    for _ in range(runs + 1):
        began = time.perf_counter()
        status = client.get(path).status_code
        took.append((time.perf_counter() - began) * 1000)
    return took[1:], status


def slowest(what: str, client: Client, paths: Iterable[str], runs: int, *, limit: int = 0) -> Figure:
    """The page with the highest p95. limit: milliseconds, 0 for none."""
    found = []
    for path in paths:
        took, status = times(client, path, runs)
        # With fewer rows there is no such page of a list.
        assert status == 200 or "?p=" in path, (path, status)
        found.append((p95(took), path))
    ms, path = max(found)
    which = f", slowest of {len(found)}" if len(found) > 1 else ""
    told = f"at most {limit:,} ms" if limit else ""
    ratio = ms / limit if limit else None
    return Figure(f"{what}{which}, p95", f"{ms:,.0f} ms", f"`{path}`", ratio, told, not limit or ms <= limit)


def memory() -> Figure:
    """What this process needed at most, which made the pages; a web process that shows the same keeps as much."""
    return Figure("memory of the process that made these pages", f"{peak_megabytes():,} MB at most")


def every(what: str, clients: Iterable[tuple[Client, str]]) -> Figure:
    """p95 of many pages of one kind, each fetched once after the first; by whom, and where."""
    asked = [*clients]
    client, path = asked[0]
    client.get(path)
    took = []
    for client, path in asked:
        found, status = times(client, path, 1)
        assert status == 200, (path, status)
        took += found
    return Figure(f"{what}, p95 of {len(took)}", f"{p95(took):,.0f} ms")
