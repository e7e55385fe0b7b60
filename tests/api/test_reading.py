"""Orders and their histories through the API: live and archived alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from history import mongo
from history.models import ArchivedOrder
from orders.notes import add_note
from orders.services import change_status
from tests.api.keys import ApiClient, kind
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.archived import archive
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def orders(place, now, mirror):
    """Six orders, the oldest first, every second one archived; the third and fourth of one moment."""
    mug, pen = ProductFactory(sku="MUG", price=Decimal("12.50")), ProductFactory(sku="PEN")
    ada, bob, staff = UserFactory(email="Ada@shop.example"), UserFactory(), StaffFactory()
    days = [6, 5, 4, 4, 2, 1]
    made = [
        place(mug, pen, customer=bob if number % 3 else ada, quantity=2, at=now - timedelta(days=day))
        for number, day in enumerate(days)
    ]
    for order in made[1::2]:
        change_status(order, to="cancelled", by=staff, at=now - timedelta(hours=1), note="late")
    archive(*made[1::2])
    return made


def actor_in(order):
    return mongo.for_reading().find_one({"order_id": order.pk})["events"][1]["actor"]


def numbers(answer):
    assert answer.status_code == 200, answer.content
    return [order["order_id"] for order in answer.json()["orders"]]


def test_all_orders_are_listed_page_by_page_live_and_archived_alike(orders, django_assert_max_num_queries):
    client = ApiClient("orders:read")
    newest_first = [order.pk for order in reversed(orders)]

    assert numbers(client.get("/orders")) == newest_first
    for limit in (1, 2, 4):
        found, cursor = [], None
        while True:
            with django_assert_max_num_queries(6):
                page = client.get("/orders", {"limit": limit} | ({"cursor": cursor} if cursor else {}))
            found += numbers(page)
            cursor = page.json()["next"]
            if cursor is None:
                break
        assert found == newest_first

    told = {order["order_id"]: order for order in client.get("/orders").json()["orders"]}
    live, archived = told[orders[0].pk], told[orders[1].pk]
    assert (live["archived_at"], archived["archived_at"] is None) == (None, False)
    assert (archived["status"], archived["allowed_next"]) == ("cancelled", [])
    for one in (live, archived):
        assert [(item["sku"], item["quantity"], item["price"]) for item in one["items"]] == [
            ("MUG", 2, "12.50"),
            ("PEN", 2, "10.00"),
        ]
        assert (one["total_amount"], one["currency"]) == ("45.00", settings.CURRENCY)
        assert client.get(f"/orders/{one['order_id']}").json() == one
    archived_at = ArchivedOrder.objects.get(pk=orders[1].pk).archived_at
    assert datetime.fromisoformat(archived["archived_at"]) == archived_at
    before = orders[1].created_at.isoformat().replace("+00:00", "Z")
    assert archived["placed_at"] == before


def test_what_is_asked_for_is_found_and_nothing_else(orders, now):
    client = ApiClient("orders:read")
    ids = [order.pk for order in orders]
    ada = User.objects.get(email__iexact="ada@shop.example")
    own = ApiClient("orders:read", customer=ada)
    hour_ago = (now - timedelta(hours=2)).isoformat()
    day = orders[2].created_at.isoformat()
    cases = [
        ({"status": "cancelled"}, [5, 3, 1]),
        ({"status": ["cancelled", "pending"]}, [5, 4, 3, 2, 1, 0]),
        ({"status": "paid"}, []),
        ({"archived": "false"}, [4, 2, 0]),
        ({"archived": "true", "customer": ada.pk}, [3]),
        ({"customer_email": "ADA@shop.example"}, [3, 0]),
        ({"customer_email": "nobody@shop.example"}, []),
        ({"placed_from": day}, [5, 4, 3, 2]),
        ({"placed_to": day}, [1, 0]),
        ({"changed_since": hour_ago}, [5, 4, 3, 2, 1, 0]),  # written since
        ({"external_ref": "none"}, []),
    ]

    for asked, expected in cases:
        assert numbers(client.get("/orders", asked)) == [ids[place] for place in expected], asked
    assert numbers(own.get("/orders")) == [ids[3], ids[0]]
    assert numbers(own.get("/orders", {"customer": orders[1].customer_id})) == []
    for path in (f"/orders/{ids[1]}", f"/orders/{ids[1]}/history", "/orders/999999999"):
        assert kind(own.get(path)) == "not-found"
    for asked in (
        {"status": "lost"},
        {"status": "$ne"},
        {"status[$ne]": "paid"},
        {"customer": "1 OR 1=1"},
        {"placed_from": "yesterday"},
        {"placed_from": "2026-01-01"},
        {"placed_from": "0"},
        {"placed_to": "9999-12-31T23:59:59-23:59"},
        {"limit": "101"},
        {"order_by": "total"},
        {"archived": "1"},
    ):
        assert kind(client.get("/orders", asked)) == "invalid", asked
    for path in ("/orders/0", f"/orders/{2**63}"):
        assert client.get(path).status_code == 422
    for path in ("/orders/x", "/orders/-1", "/orders/1;drop"):
        assert kind(client.get(path)) == "not-found"


def test_a_history_tells_who_did_what_and_what_was_then(orders, now):
    client = ApiClient("orders:read", "status:write", name="Desk")
    live, archived = orders[4], orders[1]
    assert client.post(f"/orders/{live.pk}/status", {"status": "paid", "note": "card"}).status_code == 200

    for order, status, actor in ((live, "paid", "API key Desk"), (archived, "cancelled", actor_in(archived))):
        told = client.get(f"/orders/{order.pk}/history").json()
        assert [event["status"] for event in told["events"]] == ["pending", status]
        assert told["events"][1]["actor"] == actor
        assert told["events"][1]["changes"]["status"] == ["pending", status]
        assert (told["order"]["status"], told["rev"], told["as_of"]) == (status, 2, None)
        assert datetime.fromisoformat(told["order"]["placed_at"]) == order.created_at
        before = client.get(f"/orders/{order.pk}/history", {"as_of": (now - timedelta(hours=5)).isoformat()}).json()
        assert (before["order"]["status"], before["rev"], len(before["events"])) == ("pending", 1, 1)
        assert before["order"]["total_amount"] == "45.00"
        assert kind(client.get(f"/orders/{order.pk}/history", {"as_of": "2001-01-01T00:00:00Z"})) == "not-found"
    assert kind(client.get(f"/orders/{live.pk}/history", {"as_of": "then"})) == "invalid"
    add_note(live, text="Fort Knox", to_customer=False, seen_rev=2, by=StaffFactory(), at=now)
    noted, own = (
        [(event["kind"], event["note"]) for event in each.get(f"/orders/{live.pk}/history").json()["events"]]
        for each in (client, ApiClient("orders:read", customer=live.customer))
    )
    assert noted == [("placed", ""), ("status", "card"), ("note", "Fort Knox")]
    assert own == [("placed", ""), ("status", "")]


def test_a_status_is_changed_step_by_step(orders):
    client = ApiClient("status:write", "orders:read")
    live, archived = orders[0], orders[1]
    path = f"/orders/{live.pk}/status"

    refused = client.post(path, {"status": "delivered"})
    paid, again = (client.post(path, {"status": "paid"}) for _ in range(2))

    assert (refused.status_code, kind(refused)) == (409, "step-not-allowed")
    assert (refused.json()["order_status"], refused.json()["allowed"]) == ("pending", ["paid", "cancelled"])
    assert (paid.status_code, paid.json()["status"], paid.json()["rev"]) == (200, "paid", 2)
    assert again.json() == paid.json()
    for status in ("shipped", "delivered"):
        assert client.post(path, {"status": status}).json()["status"] == status
    returned = client.post(path, {"status": "returned"})
    assert (kind(returned), returned.json()["allowed"]) == ("step-not-allowed", [])
    assert kind(client.post(f"/orders/{archived.pk}/status", {"status": "paid"})) == "order-archived"
    assert kind(client.post("/orders/999999999/status", {"status": "paid"})) == "not-found"
    for body in ({"status": "lost"}, {}, {"status": "paid", "rev": 1}, {"status": ["paid"]}, {"status": None}):
        assert kind(client.post(path, body)) == "invalid", body
    assert ApiClient("orders:read", "orders:write").post(path, {"status": "paid"}).status_code == 403
    assert ApiClient("orders:write").get(f"/orders/{live.pk}").status_code == 403
    assert ApiClient("orders:write").get("/orders").status_code == 403
    assert ApiClient("orders:write").get(f"/orders/{live.pk}/history").status_code == 403


def test_without_mongodb_live_orders_are_read_and_archived_ones_are_said_to_be_away(orders, settings):
    client = ApiClient("orders:read", "reports:read")
    live, archived = orders[0], orders[1]
    settings.MONGODB_URL = "mongodb://127.0.0.1:1/away"
    settings.MONGODB_CONNECT_TIMEOUT_MS = 50

    assert numbers(client.get("/orders", {"archived": "false"})) == [orders[place].pk for place in (4, 2, 0)]
    assert client.get(f"/orders/{live.pk}").status_code == 200
    assert client.get(f"/orders/{live.pk}/history").status_code == 200
    for path in ("/orders", f"/orders/{archived.pk}", f"/orders/{archived.pk}/history", "/reports/sales"):
        answer = client.get(path)
        assert (answer.status_code, kind(answer)) == (503, "history-unreachable"), path
        assert answer["Retry-After"]


def test_a_document_that_somebody_changed_is_not_believed(orders):
    client = ApiClient("orders:read")
    archived = orders[1]
    mongo.for_writing().update_one({"order_id": archived.pk}, {"$set": {"status": "paid"}})

    for path in (f"/orders/{archived.pk}", f"/orders/{archived.pk}/history"):
        assert kind(client.get(path)) == "unreadable"
    assert client.get("/orders").json()["left_out"] == [archived.pk]
    assert ArchivedOrder.objects.filter(pk=archived.pk).exists()


@pytest.mark.parametrize("number", [0, 1])
def test_an_order_is_read_as_it_was(orders, now, number):
    """The first order is live, the second one archived."""
    client, order = ApiClient("orders:read"), orders[number]
    placed = client.get(f"/orders/{order.pk}/history").json()["events"][0]["at"]
    if not number:
        change_status(order, to="paid", by=StaffFactory(), at=now)

    past = client.get(f"/orders/{order.pk}?as_of={placed}").json()

    assert (past["status"], past["rev"], past["allowed_next"]) == ("pending", 1, [])
    assert past["changed_at"] == past["placed_at"] == placed
    assert past["total_amount"] == f"{order.total_amount:.2f}"
    assert [item["sku"] for item in past["items"]] == ["MUG", "PEN"]
    assert client.get(f"/orders/{order.pk}").json()["status"] != "pending"


def test_there_was_no_order_before_it_was_placed_and_no_unknown_parameter_is_passed_over(orders):
    client = ApiClient("orders:read")

    assert kind(client.get(f"/orders/{orders[0].pk}?as_of=2001-01-01T00:00:00Z")) == "not-found"
    for wrong in ("as_of=yesterday", "as_of=", "asof=2001-01-01T00:00:00Z", "x=1"):
        assert kind(client.get(f"/orders/{orders[0].pk}?{wrong}")) == "invalid"


def test_a_reference_of_an_archived_order_is_taken(orders):
    ArchivedOrder.objects.filter(pk=orders[1].pk).update(external_ref="old-1")
    items = [{"sku": "MUG", "quantity": 1}]
    address = {"name": "Ada", "line1": "1", "city": "Ely", "postcode": "CB7", "country": "England"}
    body = {"customer_id": UserFactory().pk, "items": items, "shipping_address": address, "external_ref": "old-1"}

    answer = ApiClient("orders:write").post("/orders", body, Idempotency_Key="k1")

    assert kind(answer) == "reference-taken"
