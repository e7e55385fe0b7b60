"""manage.py reconcile: prove that both stores say the same of every order, or name what differs."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from history import mongo
from history.mirror import reconcile, relay, repair
from orders.models import Order

SHOWN = 100


class Command(BaseCommand):
    help = "Compare every order with its document; exit 0 when equal, 1 when not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Have the relay write what differs, and wait for it.")
        parser.add_argument("--since", help="Only orders changed since then, such as 2024-05-01T00:00:00Z.")

    def handle(self, *args: Any, since: str | None, **options: Any) -> None:
        moment = _moment(since)
        findings = self._reconcile(moment)
        self._report(findings)
        if findings.differences and options["repair"]:
            findings = self._repair(findings, moment)
        if findings.differences:
            sys.exit(1)

    def _reconcile(self, since: datetime | None) -> reconcile.Findings:
        total = None if since else Order.objects.count()
        with tqdm(total=total, unit=" orders", disable=None) as bar:
            return reconcile.reconcile(since=since, progress=bar.update)

    def _report(self, findings: reconcile.Findings) -> None:
        for (day, status), totals in sorted(findings.totals.items()):
            if not totals.is_equal:
                self.stdout.write(
                    f"{day} {status}: {totals.orders} orders, {totals.amount} in PostgreSQL; "
                    f"{totals.mirrored_orders} orders, {totals.mirrored_amount} in MongoDB"
                )
        for difference in findings.differences[:SHOWN]:
            self.stdout.write(str(difference))
        more = len(findings.differences) - SHOWN
        if more > 0:
            self.stdout.write(f"and {more:,} more")
        way = f", {findings.on_their_way:,} on their way" if findings.on_their_way else ""
        self.stdout.write(f"{findings.compared:,} orders compared, {len(findings.differences):,} differ{way}.")

    def _repair(self, findings: reconcile.Findings, since: datetime | None) -> reconcile.Findings:
        count = repair.repair(findings.differences, at=timezone.now())
        relay.drain()
        mongo.prepare()  # the unique index, where a duplicate that is gone now had kept it from being made
        self.stdout.write(f"{count:,} orders repaired; comparing again.")
        again = self._reconcile(since)
        self._report(again)
        return again


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"--since {text} is not a time with its zone; write it like 2024-05-01T00:00:00Z.")
    return moment
