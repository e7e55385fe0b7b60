"""What is left to say after a load: whether both stores have exactly what was acknowledged, and what it took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from django.db import connection

from catalog import stock
from history import mongo
from history.feed.models import FeedEvent
from history.mirror import reconcile
from history.models import Event
from history.webhooks.models import Delivery, Endpoint
from orders.models import Mail, Order
from tests.config.processes import wait_until
from tests.load.outside import Outside
from tests.load.visitors import Seen, Sight

# Seconds until everything that waits is delivered.
DRAINS_WITHIN = 120.0


@dataclass
class Verdict:
    """figures: by name; problems: everything that is wrong, each in words."""

    figures: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, what: str, number: int, *, but: int = 0) -> None:
        """Keep a figure that has to be a certain number."""
        self.figures[what] = number
        if number != but:
            self.problems.append(f"{what}: {number:,}, not {but:,}")


def last_order() -> int:
    return Order.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def judge(seen: Seen, *, since: int, outside: Outside) -> Verdict:
    """Wait until all is delivered, then compare what was acknowledged with both stores, and these with each other.

    since: the last order before the load.
    """
    verdict = Verdict()
    verdict.add("never answered", seen.open)
    assert wait_until(_is_drained, DRAINS_WITHIN), "not everything is delivered"
    placed, acknowledged = set(Order.objects.filter(pk__gt=since).values_list("pk", flat=True)), Counter(seen.placed)
    found = mongo.for_reading().find({"order_id": {"$gt": since}}, {"order_id": 1})
    mirrored = Counter(document["order_id"] for document in found)
    verdict.figures["orders"] = len(placed)
    verdict.add("orders acknowledged and not in PostgreSQL", len(set(acknowledged) - placed))
    verdict.add("orders in PostgreSQL that nobody knows of", len(placed - set(acknowledged)))
    verdict.add("orders acknowledged twice", sum(times > 1 for times in acknowledged.values()))
    verdict.add("orders in MongoDB", mirrored.total(), but=len(placed))
    verdict.add("of them others than in PostgreSQL", len(set(mirrored) ^ placed))
    _reconcile(verdict)
    _told(verdict, outside)
    connection.close()
    return verdict


def _reconcile(verdict: Verdict) -> None:
    findings = reconcile.reconcile()
    verdict.figures["orders reconciled"] = findings.compared
    verdict.add("orders that differ", len(findings.differences))
    verdict.add("days of rollups that differ", len(findings.rollups))
    verdict.add("people's events that differ", len(findings.activity))
    verdict.add("events parked", Event.objects.parked().count())
    verdict.add("products whose stock is not the sum of its movements", len(stock.differences()))


def _told(verdict: Verdict, outside: Outside) -> None:
    """Each mail and each webhook came, and came once; staff take steps of the orders there were before, too."""
    outside.count()
    verdict.add("mails received", len(outside.mails), but=Mail.objects.count())
    verdict.add("webhooks received", len(outside.hooks), but=Delivery.objects.count())
    verdict.add("mails and webhooks received twice", len(outside.doubled()))


def _is_drained() -> bool:
    """Whether nothing waits, of the feed neither a number, nor a webhook's look at it, nor the telling."""
    mirror_or_mails = Event.objects.pending().exists() or Mail.objects.filter(due_at__isnull=False).exists()
    numbers = FeedEvent.objects.unnumbered().exists()
    looks = any(FeedEvent.objects.after(endpoint.position).exists() for endpoint in Endpoint.objects.active())
    return not (mirror_or_mails or numbers or looks or Delivery.objects.waiting().exists())


def wrong(sights: Sequence[Sight]) -> list[str]:
    """Say of each kind of wrong answer how often it came, with one of them."""
    kinds: dict[tuple[str, int], list[Sight]] = defaultdict(list)
    for sight in sights:
        if sight.wrong:
            kinds[sight.what, sight.status].append(sight)
    return [f"{what}: {status}, {len(each):,} times, such as {each[0].wrong}" for (what, status), each in kinds.items()]


def table(sights: Sequence[Sight]) -> str:
    """How long each kind of request took, in milliseconds from when it was due."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for sight in sights:
        kinds[sight.what].append(sight.seconds * 1000)
        kinds["all"].append(sight.seconds * 1000)
    lines = [f"{'request':<16}{'times':>9}{'p50':>8}{'p95':>8}{'p99':>8}{'longest':>9}  ms"]
    for what, took in sorted(kinds.items(), key=lambda kind: (kind[0] == "all", kind[0])):
        p50, p95, p99 = (percentile(took, share) for share in (50, 95, 99))
        lines.append(f"{what:<16}{len(took):>9,}{p50:>8.0f}{p95:>8.0f}{p99:>8.0f}{max(took):>9.0f}")
    return "\n".join(lines)


def percentile(values: Sequence[float], share: int) -> float:
    return quantiles(values, n=100, method="inclusive")[share - 1] if len(values) > 1 else max(values, default=0.0)
