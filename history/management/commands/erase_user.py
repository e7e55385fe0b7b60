"""manage.py erase_user: take a person out of both stores, and certify it."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from pymongo.errors import PyMongoError

from history.erasure import certificate, erase, mirrored, tables
from history.erasure.person import Person
from history.mirror import relay
from orders import erasing
from users.models import Erasure, User

BY = "command line"
# Passes until what is in the way is told instead; each is followed by a delivery.
PASSES = 10
PAUSE = 0.5  # seconds, where another relay has the orders at hand


class Command(BaseCommand):
    help = "Erase what both stores hold about a person; figures stay. Prints the certificate as a line of JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", metavar="WHO", nargs="*", help="E-mail address or number of the account.")
        parser.add_argument("--dry-run", action="store_true", help="Count what would go, and change nothing.")
        parser.add_argument("--no-input", action="store_false", dest="asks", help="Ask nothing.")
        parser.add_argument("--certificates", action="store_true", help="Print all certificates, a line of JSON each.")
        parser.add_argument(
            "--again",
            metavar="FILE",
            nargs="?",
            const="",
            help="After a backup was restored: erase once more whom the certificates of the table, or of FILE, name.",
        )

    def handle(self, *args: Any, who: list[str], again: str | None, **options: Any) -> None:
        if options["certificates"]:
            self._print(Erasure.objects.finished())
            return
        wanted = list(dict.fromkeys([*map(_number_of, who), *_certified(again)]))
        if not wanted and again is None:
            raise CommandError("Say whom: an e-mail address or the number of an account.")
        refused = 0
        for user_id in wanted:
            try:
                self._erase(user_id, is_again=again is not None, **options)
            except erasing.Refused as reason:
                self.stderr.write(f"account {user_id}: {reason}")
                refused += 1
            except PyMongoError as error:
                raise CommandError(
                    f"MongoDB does not answer ({str(error)[:200]}). The erasure of account {user_id} is recorded: "
                    "run this again, or leave it to a relay."
                ) from error
        if refused:
            sys.exit(1)

    def _erase(self, user_id: int, *, is_again: bool, dry_run: bool, asks: bool, **options: Any) -> None:
        if dry_run or is_again:
            counts = _count(user_id)
            if dry_run or not counts:
                self.stdout.write(f"account {user_id}: {_told(counts)}")
                return
        elif (
            asks
            and sys.stdin.isatty()
            and input(f"Erase account {user_id} for good? Type its number: ") != str(user_id)
        ):
            raise CommandError("Nothing was erased.")
        erasure = _confirmed(user_id)
        for _ in range(PASSES):
            done = erase.advance(erasure, at=timezone.now())
            if done.is_finished:
                erasure.refresh_from_db()
                self._print([erasure])
                return
            if not relay.drain() and done.behind:
                time.sleep(PAUSE)
        raise CommandError(
            f"Account {user_id} is not erased from MongoDB yet: the documents of these orders are behind: "
            f"{', '.join(map(str, done.behind[:20]))}. See the mirror in the back office; a relay goes on with it."
        )

    def _print(self, erasures: Any) -> None:
        for erasure in erasures:
            self.stdout.write(json.dumps(certificate.of(erasure)))


def _number_of(who: str) -> int:
    if who.isascii() and who.isdigit() and len(who) < 19:
        return int(who)
    user = User.objects.filter(email__iexact=who).first()
    if user is None:
        raise CommandError(f"Nobody has an account with the address {who}. A closed one is named by its number.")
    return user.pk


def _certified(again: str | None) -> Iterator[int]:
    """The numbers of everybody whose erasure the table certifies, or the lines of a file do."""
    if again is None:
        return
    yield from Erasure.objects.finished().values_list("user_id", flat=True)
    try:
        for line in Path(again).read_text(encoding="utf-8").splitlines() if again else ():
            yield int(json.loads(line)["user_id"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{again} is not a file of certificates, a line of JSON each: {error}.") from error


def _confirmed(user_id: int) -> Erasure:
    """The erasure to carry out: the one under way, or a new one; who may run this command needs no second person."""
    at = timezone.now()
    if under_way := Erasure.objects.of_user(user_id).under_way().first():
        return under_way
    waiting = Erasure.objects.of_user(user_id).waiting(at).first()
    return erasing.confirm(waiting or erasing.ask(user_id, by=None, by_name=BY, at=at), by=None, by_name=BY, at=at)


def _count(user_id: int) -> Counter[str]:
    person = Person(user_id, erase.words_of(user_id))
    counts = Counter(table.name for table, _, _ in tables.find(person))
    counts += Counter(name for name, _, _ in mirrored.find(person))
    user = User.objects.filter(pk=user_id).exclude(email=person.email).first()
    if user is not None:
        counts["users"] = 1
    return counts


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "nothing to erase"
