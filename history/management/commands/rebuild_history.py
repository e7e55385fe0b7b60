"""manage.py rebuild_history: make the whole mirror anew from PostgreSQL, while the shop runs."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from history.mirror import rebuild
from orders.models import Order


class Command(BaseCommand):
    help = "Write every document of the mirror that is missing or differs, in place, from PostgreSQL."

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(total=Order.objects.count(), unit=" orders", disable=None) as bar:
            done = rebuild.rebuild(progress=bar.update)
        self.stdout.write(
            f"{done.orders:,} orders: {done.written:,} documents written, {done.removed:,} removed; "
            f"rollups of {done.days:,} days counted anew."
        )
        for order_id, reason in done.refused.items():
            self.stderr.write(f"order {order_id}: {reason}")
        for event_id, reason in done.refused_events.items():
            self.stderr.write(f"event {event_id}: {reason}")
        if done.refused or done.refused_events:
            sys.exit(1)
