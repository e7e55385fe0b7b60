"""What the product writes about people is for its owner alone, and is there whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest
from django.core.management import CommandError, call_command

from core import private_files
from history.backup import files
from history.management.commands import export_user
from tests.factories import UserFactory
from tests.history.order_book import OrderBook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


def test_every_file_of_every_command_is_private(mirror, place, tmp_path):
    backup = tmp_path / "backup"
    user = UserFactory()
    book = OrderBook(tmp_path / "book")
    book.add("orders", "R3,nobody,pending,2024-02-02T10:00:00Z")
    old = tmp_path / "backup-of-yesterday"
    old.write_text("")

    call_command("dump_archive", backup / "archive.jsonl.gz", pg_dump=backup / "shop.dump")
    call_command("export_user", user.email, backup / "person.json")
    call_command("import_orders", tmp_path / "book", skip_bad=True, rejects=backup / "rejects.csv")
    files.append(backup / "lost.jsonl", [])
    files.append(old, [])

    assert oct(stat.S_IMODE(backup.stat().st_mode)) == "0o700"
    assert modes(backup) == dict.fromkeys(
        ("archive.jsonl.gz", "shop.dump", "person.json", "rejects.csv", "lost.jsonl"), "0o600"
    )
    assert oct(stat.S_IMODE(old.stat().st_mode)) == "0o600"


def test_what_fails_leaves_the_file_before_it(tmp_path):
    path = tmp_path / "person.json"
    path.write_text("before")

    def fail_half_way():
        with private_files.replacing(path) as draft:
            draft.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with pytest.raises(CommandError, match="not complete"):
        call_command("dump_archive", tmp_path / "a.jsonl", pg_dump=tmp_path / "a.jsonl" / "shop.dump")

    assert path.read_text() == "before"
    assert {each.name for each in tmp_path.iterdir()} == {"person.json", "a.jsonl"}


def test_a_device_is_written_to(mirror):
    call_command("export_user", UserFactory().email, "/dev/null")

    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert export_user.Command.help
