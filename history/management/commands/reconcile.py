"""manage.py reconcile: prove that both stores say the same of every order, or name what differs."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from history.backup import keep
from history.mirror import reconcile, runs
from history.mirror.compare import summary
from history.models import ArchivedOrder
from orders import consistency
from orders.models import Order


class Command(BaseCommand):
    help = "Compare every order with its document; exit 0 when equal, 1 when not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Have the relay write what differs, and wait for it.")
        parser.add_argument(
            "--older-postgres",
            action="store_true",
            help="With --repair: PostgreSQL came back from an older copy. What people did since comes back into its "
            "log, and no number given since is given again.",
        )
        parser.add_argument(
            "--keep",
            metavar="FILE",
            type=Path,
            help="With --repair: first save what MongoDB has of orders that differ.",
        )
        parser.add_argument("--since", help="Only orders changed since then, such as 2024-05-01T00:00:00Z.")

    def handle(self, *args: Any, since: str | None, **options: Any) -> None:
        moment = _moment(since)
        done = runs.run(
            since=moment,
            mend=options["repair"],
            compare=lambda: self._compare(moment),
            is_postgres_older=options["older_postgres"],
            keep=lambda findings: self._keep(options["keep"], findings),
        )
        for table, number in done.moved.items():
            self.stdout.write(f"{table} go on at number {number:,}.")
        if done.repaired:
            self.stdout.write(f"{done.repaired:,} orders were repaired between the two.")
        if any(difference.is_archived for difference in done.last.differences):
            self.stdout.write(
                "Archived orders are not repaired: their document is the only copy. Bring it back by load_archive FILE."
            )
        if done.exit_code:
            sys.exit(done.exit_code)

    def _compare(self, since: datetime | None) -> reconcile.Findings:
        total = None if since else Order.objects.count() + ArchivedOrder.objects.count()
        with tqdm(total=total, unit=" orders", disable=None) as bar:
            findings = reconcile.reconcile(since=since, progress=bar.update)
        self._report(findings)
        return findings

    def _keep(self, path: Path | None, findings: reconcile.Findings) -> None:
        if path:
            kept = keep.documents(path, [difference.order_id for difference in findings.differences])
            self.stdout.write(f"{path}: {kept:,} documents kept as MongoDB had them.")

    def _report(self, findings: reconcile.Findings) -> None:
        """Every differing order in a line of its own, then what that comes to."""
        for difference in findings.differences:
            self.stdout.write(str(difference))
        for rollup in findings.rollups:
            self.stdout.write(str(rollup))
        for activity in findings.activity:
            self.stdout.write(str(activity))
        for unknown in findings.unknown:
            self.stdout.write(unknown)
        for order in findings.inconsistent:
            self.stdout.write(str(order))
        if findings.inconsistent:
            self.stdout.write(str(consistency.count(findings.inconsistent)))
        for day, status, total in findings.totals.differing():
            self.stdout.write(
                f"{day} {status}: {total.orders:,} orders, {total.amount:,} in PostgreSQL; "
                f"{total.mirrored_orders:,} orders, {total.mirrored_amount:,} in MongoDB"
            )
        for what, count in summary(findings.differences):
            self.stdout.write(f"{count:>9,}  {what}")
        way = f", {findings.on_their_way:,} on their way" if findings.on_their_way else ""
        self.stdout.write(f"{findings.compared:,} orders compared, {len(findings.differences):,} differ{way}.")
        if findings.rollups:
            self.stdout.write(f"{len(findings.rollups):,} days of the rollups differ.")
        if findings.activity:
            self.stdout.write(f"{len(findings.activity):,} events of people's activity differ.")


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
