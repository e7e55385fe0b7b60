"""manage.py erase_user: take people out of both stores, and certify it."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from pymongo.errors import PyMongoError
from tqdm import tqdm

from history import mongo
from history.erasure import certificate, erase, mirrored, tables
from history.erasure.person import Person
from history.mirror import relay
from history.rollups import keeper
from orders import erasing
from users.models import Erasure, User

BY = "command line"
# Passes until what is in the way is told; each is followed by a delivery.
PASSES = 10
PAUSE = 0.5  # seconds, where another relay has the orders at hand


class Command(BaseCommand):
    help = "Erase what both stores hold about people; figures stay. Prints each certificate as a line of JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", metavar="WHO", nargs="*", help="E-mail address or number of the account.")
        parser.add_argument("--dry-run", action="store_true", help="Count what would go, and change nothing.")
        parser.add_argument("--no-input", action="store_true", help="Ask nothing.")
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
        try:
            if options["dry_run"] or again is not None:
                wanted = [user_id for user_id in wanted if self._tell_count(user_id)]
            if options["dry_run"] or not wanted:
                return
            if sys.stdin.isatty() and not options["no_input"]:
                _ask(wanted)
            self._erase_all(wanted)
        except PyMongoError as error:
            raise CommandError(
                f"MongoDB does not answer ({str(error)[:200]}). Erasures that have begun are recorded: run this again, "
                "or leave them to a relay."
            ) from error

    def _erase_all(self, user_ids: list[int]) -> None:
        mongo.prepare()
        begun = [erasure for user_id in user_ids if (erasure := self._confirmed(user_id))]
        self._erase(begun)
        keeper.drain()
        if len(begun) < len(user_ids):
            sys.exit(1)

    def _tell_count(self, user_id: int) -> bool:
        counts = _count(user_id)
        told = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
        self.stdout.write(f"account {user_id}: {told or 'nothing to erase'}")
        user = User.objects.filter(pk=user_id).first()
        if user and (reason := erasing.reason_against(user)):
            self.stdout.write(f"account {user_id} would be refused: {reason}")
        return bool(counts)

    def _confirmed(self, user_id: int) -> Erasure | None:
        """The erasure to carry out: the one under way, or a new one; who may run this command needs no second."""
        at = timezone.now()
        if under_way := Erasure.objects.of_user(user_id).under_way().first():
            return under_way
        waiting = Erasure.objects.of_user(user_id).waiting(at).first()
        try:
            request = waiting or erasing.ask(user_id, by=None, by_name=BY, at=at)
            return erasing.confirm(request, by=None, by_name=BY, at=at)
        except erasing.Refused as reason:
            self.stderr.write(f"account {user_id}: {reason}")
            return None

    def _erase(self, left: list[Erasure]) -> None:
        """Go through both stores, with a delivery after each pass; then name those whose erasure fails."""
        failed: list[int] = []
        for _ in range(PASSES):
            behind: list[int] = []
            going_on = []
            for erasure in tqdm(left, unit=" people", disable=None):
                done = erase.attempt(erasure, at=timezone.now())
                if done is None:
                    failed.append(erasure.user_id)
                    continue
                if done.is_finished:
                    self._print(Erasure.objects.filter(pk=erasure.pk))
                    continue
                going_on.append(erasure)
                behind += done.behind
            left = going_on
            if not left and failed:
                raise CommandError(
                    f"Not erased: account {', '.join(map(str, failed))}. Erasures in the back office say why."
                )
            if not left:
                return
            if not sum(batch.delivered for batch in relay.batches()) and behind:
                time.sleep(PAUSE)
        raise CommandError(
            f"Not all is erased from MongoDB yet, the documents of these orders are behind: "
            f"{', '.join(map(str, behind[:20]))}. See the mirror in the back office; a relay goes on with it."
        )

    def _print(self, erasures: Iterable[Erasure]) -> None:
        for erasure in erasures:
            self.stdout.write(json.dumps(certificate.of(erasure)))


def _number_of(who: str) -> int:
    if who.isascii() and who.isdigit() and len(who) < 19:
        return int(who)
    user = User.objects.filter(email=who).first()
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


def _ask(user_ids: list[int]) -> None:
    told = ", ".join(map(str, user_ids))
    if input(f"This cannot be undone. Erase account {told}? Type yes: ") != "yes":
        raise CommandError("Nothing was erased.")


def _count(user_id: int) -> Counter[str]:
    person = Person(user_id, erase.words_of(user_id))
    counts = Counter(table.name for table, _, _ in tables.find(person))
    counts += Counter(name for name, _, _ in mirrored.find(person))
    counts["users"] += User.objects.filter(pk=user_id).exclude(name=person.label).count()
    return +counts
