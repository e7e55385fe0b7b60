"""Archived orders in the back office: in the list, on their page, as CSV; nothing can be done with them but restore."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import mongo
from history.archive import reading
from history.models import Event, Kind
from orders.models import Order
from orders.notes import add_note
from orders.returns import Returned, return_items
from orders.services import change_status
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.archived import archive
from tests.orders.back_office import LIST, page_of
from tests.pages import breaks_csp, text
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = "mongodb://127.0.0.1:9/shop"
MARK = re.compile(r'\s*<p class="archived">.*?</p>|\s*<span class="badge-archived">Archived</span>', re.DOTALL)


@pytest.fixture(autouse=True)
def _awake(monkeypatch):
    """Nothing was seen dead yet, and a busy machine is waited for."""
    reading.PATIENCE.away_until.clear()
    monkeypatch.setattr(reading.PATIENCE, "seconds", 10)
    monkeypatch.setattr(reading.PATIENCE, "rest", 60)


@pytest.fixture
def boss():
    return StaffFactory(name="Bo Boss")


@pytest.fixture
def looker(client):
    """Staff who may look and export, but change nothing."""
    user = UserFactory(name="Lou", is_staff=True)
    may = ["view_order", "export_order", "view_user"]
    user.user_permissions.set(Permission.objects.filter(codename__in=may))
    client.force_login(user)
    return client


@pytest.fixture
def finish(place, boss, now):
    def make(*products, at=now, **kwargs) -> Order:
        order = place(*products, at=at, **kwargs)
        for minutes, status in enumerate(["paid", "shipped", "delivered"], start=1):
            change_status(order, to=status, by=boss, at=now + timedelta(minutes=minutes), note="to Fort Knox")
        return order

    return make


def body(response) -> str:
    """What is sent, without what differs at every look and the archive's mark."""
    assert response.status_code == 200
    sent = b"".join(response.streaming_content) if response.streaming else response.content
    return re.sub(r"\s+", " ", MARK.sub("", re.sub(r"csrf[^>]*>|nonce=\S+", "", sent.decode())))


def listed(response) -> list[int]:
    return [order.pk for order in response.context["cl"].result_list]


def test_staff_who_look_see_no_difference_but_the_mark(mirror, looker, boss, finish, place, now):
    ada = UserFactory(name="Ada", email="ada@shop.example")
    lamp = ProductFactory(name="Brass lamp", sku="LAMP-1", price=Decimal("19.90"))
    old = finish(lamp, ProductFactory(), customer=ada, quantity=3, at=now - timedelta(days=400))
    other, live = finish(at=now - timedelta(days=30)), place(lamp, customer=ada)
    Order.objects.filter(pk=old.pk).update(external_ref="R-77", shipping_address={"name": "Ada", "city": "Ely"})
    [item, _] = old.items.order_by("pk")
    rev = Order.objects.get(pk=old.pk).rev
    return_items(old, {item.pk: Returned(1, restock=True)}, seen_rev=rev, reason="A dent", by=boss, at=now)
    add_note(old, text="Rings twice", to_customer=True, seen_rev=rev + 1, by=boss, at=now)
    queries = ["", "?q=ada", "?q=ada@shop.example", "?q=LAMP-1", "?q=brass+ada", f"?q=%23{old.pk}", "?q=R-77",
               "?status__exact=delivered", "?total=middle", f"?created_at__year={old.created_at.year}", "?o=5", "?o=-5",
               "?q=nobodylikethis"]  # fmt: skip
    paths = [LIST + query for query in queries] + [f"{LIST}export/{query}" for query in queries]
    paths += [page_of(old), page_of(other), page_of(live), f"/admin/users/user/{ada.pk}/change/", "/admin/users/user/"]
    before = {path: body(looker.get(path)) for path in paths}

    archive(old, other)

    assert list(Order.objects.all()) == [live]
    assert {path: body(looker.get(path)) for path in paths} == before
    assert text(looker.get(LIST)).count("Archived") == 2
    assert "Archived It can only be looked at." in text(looker.get(page_of(old)))
    assert listed(looker.get(f"{LIST}?q=R-77")) == [old.pk]
    assert listed(looker.get(f"{LIST}?q=brass")) == [live.pk, old.pk]


def test_an_archived_order_has_no_button_and_takes_no_step(mirror, client, boss, finish, place):
    old, live = finish(), place()
    archive(old)
    client.force_login(boss)

    page = client.get(page_of(old))
    assert page.status_code == 200
    assert "Take items back" not in text(page)
    assert "Add a note" not in text(page)
    assert "Next step" not in text(page)
    assert breaks_csp(page) == []
    for name in ("status", "note", "edit", "return"):
        answer = client.post(f"{LIST}{old.pk}/{name}/", {"rev": 4, "to": "returned", "text": "x"})
        assert answer.status_code == 404

    for action in ("mark_paid", "mark_cancelled"):
        chosen = {"action": action, "_selected_action": [old.pk, live.pk], "confirmed": "1"}
        told = text(client.post(LIST, chosen, follow=True))
        assert "1 skipped (archived)" in told
        assert f"Order #{old.pk} is archived." in told
    assert Order.objects.get().status == "cancelled"


def test_selected_orders_are_exported_live_or_not(mirror, looker, finish, place):
    old, live = finish(), place()
    chosen = {"action": "export_selected", "_selected_action": [old.pk, live.pk]}
    before = body(looker.post(LIST, chosen))

    archive(old)

    assert body(looker.post(LIST, chosen)) == before


def test_with_mongodb_away_the_desk_knows_what_the_stub_knows(mirror, looker, finish, settings):
    old = finish(ProductFactory(name="Brass lamp", price=Decimal("19.90")))
    archive(old)
    settings.MONGODB_URL = DEAD

    page = looker.get(page_of(old))
    assert page.status_code == 503
    assert "What was in this order cannot be shown. MongoDB is not reachable." in text(page)
    assert "Total $19.90" in text(page)
    for query in ("", "?q=brass", f"?q={old.pk}"):
        found = looker.get(LIST + query)
        assert listed(found) == [old.pk]
        assert "temporarily unavailable" in text(found)
    assert "temporarily unavailable" in body(looker.get(f"{LIST}export/"))


def test_a_document_that_is_not_what_was_archived_is_told_to_staff(mirror, looker, finish):
    old, gone = finish(ProductFactory(name="Brass lamp")), finish(ProductFactory(name="Kettle"))
    archive(old, gone)
    mongo.for_writing().update_one({"order_id": old.pk}, {"$set": {"products.0.name": "Gold lamp"}})
    mongo.for_writing().delete_one({"order_id": gone.pk})

    changed, missing = looker.get(page_of(old)), looker.get(page_of(gone))

    assert changed.status_code == missing.status_code == 503
    assert "is not what was archived" in text(changed)
    assert "Its document is missing in MongoDB" in text(missing)
    assert "lamp" not in text(changed)
    assert "lamp" not in text(looker.get(LIST))


def test_a_customer_who_is_gone_hides_no_order(mirror, looker, finish):
    old = finish()
    archive(old)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cart_items; DELETE FROM account_emailaddress WHERE user_id = %s", [old.customer_id])
        cursor.execute("DELETE FROM users WHERE user_id = %s", [old.customer_id])

    assert listed(looker.get(LIST)) == [old.pk]
    assert f"number {old.customer_id}, not here any more" in text(looker.get(page_of(old)))
    assert "not here any more" in body(looker.get(f"{LIST}export/"))


def test_more_archived_orders_need_no_more_queries(mirror, looker, finish):
    products = ProductFactory.create_batch(3)
    counts = []
    for number in (2, 9):
        orders = [finish(*products) for _ in range(number)]
        archive(*orders[1:])
        for path in (LIST, f"{LIST}?q=product", page_of(orders[1])):
            with CaptureQueriesContext(connection) as asked:
                looker.get(path)
            counts.append(len(asked))

    assert counts[:3] == counts[3:]
    assert max(counts) <= 20


def test_those_allowed_restore_an_order(mirror, looker, client, boss, finish):
    old = finish(ProductFactory(name="Brass lamp"))
    before = body(looker.get(page_of(old)))
    archive(old)
    restore = f"{LIST}{old.pk}/restore/"
    assert looker.get(restore).status_code == looker.post(restore).status_code == 403
    assert restore not in looker.get(page_of(old)).content.decode()
    client.force_login(boss)
    assert restore in client.get(page_of(old)).content.decode()

    question = client.get(restore)
    assert f"Restore order #{old.pk}?" in text(question)
    assert breaks_csp(question) == []
    assert not Order.objects.exists()
    answer = client.post(restore, follow=True)

    assert f"Order #{old.pk} is back from the archive." in text(answer)
    assert "Take items back" in text(answer)
    [activity] = Event.objects.filter(kind=Kind.RESTORED)
    assert (activity.actor_id, activity.subject_id) == (boss.pk, old.pk)
    assert "is not archived any more" in text(client.post(restore, follow=True))
    assert client.get(restore)["Location"] == page_of(old)
    assert client.get(f"{LIST}999999/restore/").status_code == client.post(f"{LIST}999999/restore/").status_code == 404
    client.force_login(User.objects.get(name="Lou"))
    assert body(client.get(page_of(old))) == before


def test_what_cannot_be_restored_says_why_and_stays(mirror, client, boss, finish, settings):
    changed, unreachable = finish(), finish()
    archive(changed, unreachable)
    mongo.for_writing().update_one({"order_id": changed.pk}, {"$set": {"status": "returned"}})
    client.force_login(boss)

    told = text(client.post(f"{LIST}{changed.pk}/restore/", follow=True))
    assert "stays archived" in told
    settings.MONGODB_URL = DEAD
    told = text(client.post(f"{LIST}{unreachable.pk}/restore/", follow=True))
    assert "MongoDB is not reachable, so the order stays archived." in told
    assert not Order.objects.exists()
