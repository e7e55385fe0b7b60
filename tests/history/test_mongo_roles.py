"""The web reads MongoDB and writes nothing there, so its role may be one that only reads."""

from __future__ import annotations

import ast
from datetime import timedelta

import pytest

from history.archive import back
from history.mirror import relay
from history.mirror.documents import document_id
from orders.services import change_status
from tests.config.processes import ROOT
from tests.factories import StaffFactory
from tests.history.archived import archive

# Relays and commands write. `held` and `compare` read what was confirmed; so does `back`, which a page may call too: it
# takes the archive's mark off a document if it may, and leaves that to a relay if not.
WRITERS = {
    "history/archive/back.py",
    "history/archive/marks.py",
    "history/backup/load.py",
    "history/erasure/mirrored.py",
    "history/management/commands/archive_orders.py",
    "history/management/commands/erase_user.py",
    "history/management/commands/relay.py",
    "history/mirror/activity.py",
    "history/mirror/activity_compare.py",
    "history/mirror/held.py",
    "history/mirror/rebuild.py",
    "history/mirror/relay.py",
    "history/mirror/runs.py",
    "history/rollups/archived.py",
    "history/rollups/compare.py",
    "history/rollups/keeper.py",
}


def test_nothing_that_answers_a_page_writes_to_mongodb():
    found = set()
    for app in ("core", "config", "users", "catalog", "orders", "history"):
        for path in (ROOT / app).rglob("*.py"):
            called = {
                (getattr(node.func.value, "id", ""), node.func.attr)
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            }
            if called & {("mongo", "for_writing"), ("mongo", "prepare")}:
                found.add(str(path.relative_to(ROOT)))

    assert found == WRITERS


@pytest.mark.django_db(transaction=True)
def test_a_mark_that_the_web_may_not_take_off_is_taken_off_by_a_relay(mirror, place, now):
    order = place(at=now - timedelta(days=3))
    for hours, status in enumerate(("paid", "shipped", "delivered"), start=1):
        change_status(order, to=status, by=StaffFactory(), at=now + timedelta(hours=hours))
    archive(order)
    wanted = {"_id": document_id(order.pk)}
    marked_at = mirror.find_one(wanted)["archived_at"]

    back.restore(order.pk, by=None, at=now)
    mirror.update_one(wanted, {"$set": {"archived_at": marked_at}})  # as if it had not been allowed
    relay.drain()

    assert mirror.find_one(wanted)["archived_at"] is None
