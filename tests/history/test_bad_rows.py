"""One bad row does not stop the others: every page, list, report, feed, webhook and command goes on without it."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from history import parked_rows
from history.mirror import relay
from history.models import Endpoint, Event, EveryOrder, ParkedRow
from history.reports.periods import EARLIEST, LATEST
from history.reports.views import REPORTS
from history.rollups import read
from history.webhooks import endpoints
from history.webhooks.deliverer import Deliverer
from orders import mails
from orders.models import Mail, Order
from orders.services import RequestedItem, change_status, place_order
from tests import bad_rows
from tests.config.processes import wait_until
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.pages import text
from tests.security import addresses, seed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(mirror, settings, tmp_path):
    """A shop with a good row of everything, and with a bad one of each kind."""
    settings.MEDIA_ROOT = tmp_path
    night_shift = Group.objects.create(name="Night shift")
    people = seed._people()
    orders = seed._orders(people)
    keys = seed._keys(people)
    made = SimpleNamespace(
        people=people,
        orders=orders,
        keys=keys,
        objects=seed._objects(people, orders),
        samples=seed._samples(people, orders),
    )
    with bad_rows.unguarded():
        made.bad = spoiled(people["the owner"])
        yield made
    night_shift.delete()


def spoiled(owner):
    """Numbers of bad rows by what is wrong; each kind of order twice, once with an event and once without."""
    found = {}
    boss = StaffFactory()
    for is_recorded in (True, False):
        for table, kinds in (("orders", bad_rows.ORDERS), ("order_items", bad_rows.ITEMS)):
            for kind, change in kinds.items():
                product = ProductFactory(price=Decimal("3.00"))
                items = [RequestedItem(product, 1)]
                order = place_order(customer=owner, items=items, key=f"{kind} {is_recorded}"[:60], at=timezone.now())
                change_status(order, to="paid", by=boss, at=timezone.now())
                bad_rows.spoil(table, change, order.pk, is_recorded=is_recorded)
                found[kind, is_recorded] = order.pk
    for kind, change in bad_rows.PRODUCTS.items():
        product = ProductFactory(name=f"Bad {kind}")
        bad_rows.spoil("products", change, product.pk, is_recorded=False)
        found[kind] = product.pk
    for kind, change in bad_rows.CUSTOMERS.items():
        customer = UserFactory()
        place_order(customer=customer, items=[RequestedItem(ProductFactory(), 1)], key=kind[:60], at=timezone.now())
        bad_rows.spoil("users", change, customer.pk, is_recorded=False)
        found[kind] = customer.pk
    return found


def broken(client, paths, **extra):
    """Which of the paths fail, each with the error."""
    found = {}
    for path in paths:
        try:
            answer = client.get(path, **extra)
            if hasattr(answer, "streaming_content"):
                b"".join(answer.streaming_content)
        except Exception as error:  # noqa: BLE001 - every error of every page is collected
            found[path] = f"{type(error).__name__}: {error}"[:300]
        else:
            if answer.status_code >= 500:
                found[path] = answer.status_code
    return found


def test_every_page_shows_the_other_rows(shop):
    relay.drain()
    paths = {address.path for address in addresses.addresses(shop) if not address.is_api}
    csv = {f"{path}?format=csv" for path in paths if path.startswith("/reports/")}
    past = {f"{path}?as_of=2026-01-01T00:00:00Z" for path in paths if path.startswith("/reports/")}

    staff, owner, guest = Client(), Client(), Client()
    staff.force_login(shop.people["a superuser"])
    owner.force_login(shop.people["the owner"])
    found = {
        "guest": broken(guest, paths),
        "owner": broken(owner, paths),
        "staff": broken(staff, sorted(paths | csv | past)),
    }

    assert found == {"guest": {}, "owner": {}, "staff": {}}


def everything(client, path, key):
    """All pages of a list of the API."""
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    pages, following = [], ""
    while following is not None:
        answer = client.get(path, {"limit": 7} | ({"cursor": following} if following else {}), **headers)
        assert answer.status_code == 200, answer.content
        json.loads(answer.content, parse_constant=pytest.fail)
        pages.append(answer.json())
        following = answer.json()["next"]
        assert len(pages) < 100
    return pages


def test_lists_of_the_api_have_the_other_rows_and_name_the_bad_ones(shop, client):
    relay.drain()

    orders = everything(client, "/api/v1/orders", shop.keys["all"])
    products = everything(client, "/api/v1/products", shop.keys["all"])

    shown = {order["order_id"] for page in orders for order in page["orders"]}
    left_out = {number for page in orders for number in page["left_out"]}
    assert {shop.orders[name] for name in ("pending", "delivered", "archived")} <= shown
    assert shop.bad["an address that is a text", False] in left_out
    assert shop.bad["a total that is no number", True] in left_out
    assert shown | left_out == set(EveryOrder.objects.values_list("pk", flat=True))
    assert shop.bad["a product whose price is no number"] in {n for page in products for n in page["left_out"]}
    assert shop.samples["product_id"] in {each["product_id"] for page in products for each in page["products"]}
    named = set(ParkedRow.objects.filter(purpose="API").values_list("table_name", "row_key"))
    assert ("orders", shop.bad["an address that is a text", False]) in named
    assert ("products", shop.bad["a product whose price is no number"]) in named
    answer = client.get(
        f"/api/v1/orders/{shop.bad['a status that is none', True]}",
        headers={"authorization": f"Bearer {shop.keys['all']}"},
    )
    assert answer.json()["type"].endswith("unreadable")


def test_every_other_path_of_the_api_answers(shop, client):
    relay.drain()
    headers = {"HTTP_AUTHORIZATION": f"Bearer {shop.keys['all']}"}
    reports = [f"/api/v1/reports/{name}" for name in REPORTS]
    past = [f"{path}?as_of=2026-01-01T00:00:00Z" for path in reports]
    own = [f"/api/v1/orders/{pk}{end}" for pk in shop.bad.values() for end in ("", "/history")]

    assert broken(client, [*reports, *past, "/api/v1/events"], **headers) == {}
    for path in own:
        answer = client.get(path, **headers)
        assert answer.status_code in (200, 404) or answer.json()["type"].endswith("unreadable"), path


def test_deliveries_go_on_and_what_is_left_out_is_named(shop, client):
    """Reports, feed and webhooks have the other orders; the mirror's page and the metrics name the bad ones."""
    relay.drain()
    delivered = set(Event.objects.filter(delivered_at__isnull=False).values_list("order_id", flat=True))
    parked = set(Event.objects.parked().values_list("order_id", flat=True))

    assert {shop.orders[name] for name in ("pending", "paid", "shipped")} <= delivered
    for kind in (
        "a total that is no number",
        "placed at infinity",
        "an address over 16 MB",
    ):
        assert shop.bad[kind, True] in parked
    left_out = set(ParkedRow.objects.filter(purpose="Reports").values_list("row_key", flat=True))
    assert shop.bad["a total that is no number", False] in left_out
    assert shop.bad["a status that is none", True] in left_out
    counted = {number for day in read.orders(EARLIEST, LATEST) for number in day.order_ids}
    assert {shop.orders[name] for name in ("pending", "paid", "delivered", "archived")} <= counted
    client.force_login(shop.people["a superuser"])
    page = text(client.get(reverse("admin:history_mirror")))
    assert f"orders {shop.bad['a status that is none', True]}" in page
    assert f"#{shop.bad['placed at infinity', True]} rev" in page
    metrics = client.get("/metrics").content.decode()
    assert f"shop_rows_parked {float(len(ParkedRow.objects.all()))}" in metrics


def test_a_row_that_was_set_right_is_counted_again(shop):
    relay.drain()
    number = shop.bad["a total that is no number", False]
    Order.objects.filter(pk=number).update(total_amount=Decimal("3.00"), change_note="set right")
    relay.drain()

    parked_rows.recheck(at=timezone.now())
    relay.drain()

    assert not ParkedRow.objects.filter(purpose="Reports", table_name="orders", row_key=number).exists()
    assert number in {number for day in read.orders(EARLIEST, LATEST) for number in day.order_ids}
    assert ParkedRow.objects.filter(row_key=shop.bad["a status that is none", False]).exists()


@pytest.mark.parametrize(
    "command",
    [
        ["check_stock"],
        ["relay_status"],
        ["reconcile"],
        ["reconcile", "--repair"],
        ["rebuild_history"],
        ["archive_orders", "--before", "2026-12-31"],
        ["export_user"],
        ["dump_archive"],
        ["database_roles", "--web", "a", "--relay", "b"],
    ],
    ids=" ".join,
)
def test_every_command_goes_on(shop, command, tmp_path, capsys):
    relay.drain()
    arguments = {"export_user": [shop.people["the owner"].email], "dump_archive": [str(tmp_path / "dump")]}

    with suppress(SystemExit):
        call_command(*command, *arguments.get(command[0], []))

    said = capsys.readouterr().out
    if command[0] == "reconcile":
        assert f"order {shop.bad['placed at infinity', False]}: cannot be a document" in said
    if command[0] == "check_stock":
        assert "differ" in said


def test_mails_and_webhooks_of_other_orders_are_sent(shop, receiver, settings):
    endpoint = Endpoint(name="Other", url=receiver.url)
    endpoints.add(endpoint)
    Endpoint.objects.filter(pk=endpoint.pk).update(position=0)
    Endpoint.objects.exclude(pk=endpoint.pk).update(kinds=[])
    good = shop.orders["pending"]
    sender, deliverer = mails.Sender(), Deliverer()

    at = timezone.now()
    while Mail.objects.filter(due_at__lte=at).exists():
        sender.send_next(at=at)
    assert wait_until(lambda: not deliverer.turn(at=timezone.now()), 60)
    deliverer.finish()

    assert Mail.objects.filter(order_id=good, sent_at__isnull=False).exists()
    told = {json.loads(request.body)["order_id"] for request in receiver.requests}
    assert good in told
    assert shop.bad["placed at infinity", True] in told
    assert {kind for kind, number in shop.bad.items() if number not in told and kind[1:] == (True,)} == set()
