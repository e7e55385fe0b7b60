from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from catalog.models import Product
from history.models import Event
from orders import admin as orders_admin
from orders import order_desk
from orders.models import Order, OrderItem
from orders.services import change_status
from orders.status import Status
from tests.factories import ProductFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/orders/order/"
PATHS = {
    Status.PENDING: [],
    Status.PAID: [Status.PAID],
    Status.SHIPPED: [Status.PAID, Status.SHIPPED],
    Status.DELIVERED: [Status.PAID, Status.SHIPPED, Status.DELIVERED],
    Status.RETURNED: [Status.PAID, Status.SHIPPED, Status.DELIVERED, Status.RETURNED],
    Status.CANCELLED: [Status.CANCELLED],
}


def page_of(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def step_of(order: Order) -> str:
    return reverse("admin:orders_order_status", args=[order.pk])


def status_of(order: Order) -> str:
    return Order.objects.values_list("status", flat=True).get(pk=order.pk)


def listed(response) -> set[int]:
    return {order.pk for order in response.context["cl"].result_list}


@pytest.fixture
def boss(client):
    boss = StaffFactory(name="Bo Boss")
    client.force_login(boss)
    return boss


@pytest.fixture
def order_in(place, now):
    """Place an order and take it to a status."""
    clerk = UserFactory(name="Clerk")

    def make(status: Status, **kwargs) -> Order:
        order = place(**kwargs)
        for to in PATHS[status]:
            order = change_status(order, to=to, by=clerk, at=now)
        return order

    return make


def staff_with(client: Client, *codenames: str):
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(clerk)
    return clerk


# --- Who may what ---


def test_a_visitor_is_sent_to_sign_in(client, place):
    for path in (LIST, page_of(order := place()), step_of(order)):
        assert client.get(path, follow=True).redirect_chain[-1][0].startswith("/account/login/?next=")


def test_staff_without_permission_see_no_orders(client, place):
    staff_with(client)
    order = place()

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(order)).status_code == 403
    assert client.post(step_of(order), {"to": "paid", "rev": 1}).status_code == 403
    assert status_of(order) == Status.PENDING


def test_staff_who_may_only_see_change_nothing(client, place):
    staff_with(client, "view_order")
    order = place()

    page = client.get(page_of(order))
    assertContains(page, "Product")
    assertNotContains(page, "Mark paid")
    assertNotContains(client.get(LIST), "Mark paid")
    assert client.post(step_of(order), {"to": "paid", "rev": 1}).status_code == 403
    client.post(LIST, {"action": "mark_paid", "_selected_action": [order.pk]})
    assert status_of(order) == Status.PENDING


def test_the_order_desk_needs_one_permission_to_change_a_status(client, place):
    staff_with(client, "change_order")
    order = place()

    client.post(step_of(order), {"to": "paid", "rev": 1})

    assert status_of(order) == Status.PAID


def test_orders_are_neither_added_nor_deleted_nor_edited_here(client, boss, place):
    order = place()

    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{order.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(page_of(order), {"status": "shipped", "total_amount": "0"}).status_code == 405
    client.post(LIST, {"action": "delete_selected", "_selected_action": [order.pk], "post": "yes"})
    assertNotContains(client.get(LIST), "delete_selected")
    assert status_of(order) == Status.PENDING


def test_a_step_needs_its_csrf_token(boss, place):
    order = place()
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(boss)

    assert careful.post(step_of(order), {"to": "paid", "rev": 1}).status_code == 403
    assert status_of(order) == Status.PENDING


# --- The list ---


def test_the_list_tells_what_matters(client, boss, place):
    products = [ProductFactory(name=name) for name in ("Lamp", "Desk", "Chair", "Mat")]
    order = place(*products, customer=UserFactory(name="Ada"), quantity=2)

    page = client.get(LIST)

    for text in (f"#{order.pk}", "Ada", "Pending", "2 × Lamp and 3 more", "$80.00"):
        assertContains(page, text)


def test_more_orders_need_no_more_queries(client, boss, place):
    def queries(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(path)
        return len(asked)

    first = place()
    paths = (LIST, f"{LIST}?q=product", page_of(first))
    one = [queries(path) for path in paths]
    for _ in range(12):
        place(ProductFactory(), ProductFactory())
    OrderItem.objects.bulk_create(
        OrderItem(order=first, product=ProductFactory(), quantity=1, price=1) for _ in range(10)
    )

    assert [queries(path) for path in paths] == one


def test_orders_are_searched_by_number_mail_and_product(client, boss, place):
    ada = UserFactory(name="Ada Lovelace", email="ada@shop.example")
    lamp = ProductFactory(name="Reading lamp", sku="LMP-7")
    order = place(lamp, ProductFactory(name="Lampshade"), customer=ada)
    place()
    Order.objects.filter(pk=order.pk).update(external_ref="EXT-9")

    texts = [
        str(order.pk),
        f"#{order.pk}",
        "ada@shop.example",
        "ADA@",
        "lovelace",
        "lamp",
        "lmp-7",
        "EXT-9",
        "ada lamp",
    ]
    assert {text: listed(client.get(LIST, {"q": text})) for text in texts} == {text: {order.pk} for text in texts}


@pytest.mark.parametrize(
    "text",
    ["nothing like it", "9" * 18, "9" * 40, "#", "-1", "²", "%", "_x_", "'; DROP TABLE orders; --", "\\"],
)
def test_odd_searches_find_nothing_and_break_nothing(client, boss, place, text):
    place()

    response = client.get(LIST, {"q": text})

    assert response.status_code == 200
    assert listed(response) == set()


def test_orders_are_filtered_by_status_and_date(client, boss, order_in, now):
    old = order_in(Status.PENDING, at=now - timedelta(days=400))
    paid = order_in(Status.PAID)

    assert listed(client.get(LIST, {"status__exact": "paid"})) == {paid.pk}
    assert listed(client.get(LIST, {"created_at__year": old.created_at.year})) == {old.pk}


def test_many_orders_are_marked_and_each_refusal_is_told(client, boss, order_in):
    paid = [order_in(Status.PAID), order_in(Status.PAID)]
    cancelled, pending = order_in(Status.CANCELLED), order_in(Status.PENDING)
    chosen = [order.pk for order in (*paid, cancelled, pending)]

    page = client.post(LIST, {"action": "mark_shipped", "_selected_action": chosen}, follow=True)

    assert [str(message) for message in page.context["messages"]] == [
        f"2 shipped, 2 skipped: Order #{cancelled.pk} is cancelled and cannot become shipped. Its way ends there. "
        f"Order #{pending.pk} is pending and cannot become shipped. Allowed now: paid, cancelled."
    ]
    assert [status_of(order) for order in (*paid, cancelled, pending)] == ["shipped", "shipped", "cancelled", "pending"]
    assert Event.objects.filter(status="shipped", actor_id=boss.pk, actor_name="Bo Boss").count() == 2


@pytest.mark.parametrize(
    ("before", "action"),
    [
        (Status.PENDING, "mark_paid"),
        (Status.PAID, "mark_shipped"),
        (Status.SHIPPED, "mark_delivered"),
        (Status.DELIVERED, "mark_returned"),
    ],
)
def test_each_action_does_its_step(client, boss, order_in, before, action):
    order = order_in(before)

    client.post(LIST, {"action": action, "_selected_action": [order.pk]})

    assert f"mark_{status_of(order)}" == action


def test_cancelling_many_is_asked_about_first(client, boss, order_in):
    product = ProductFactory(stock=10)
    order, shipped = order_in(Status.PENDING), order_in(Status.SHIPPED)
    held = order.items.get().product_id
    chosen = {"action": "mark_cancelled", "_selected_action": [order.pk, shipped.pk]}

    question = client.post(LIST, chosen)
    assertContains(question, "Cancel these orders?")
    assertContains(question, f'name="_selected_action" value="{order.pk}"')
    assert status_of(order) == Status.PENDING

    page = client.post(LIST, {**chosen, "confirmed": "1"}, follow=True)
    assertContains(page, "1 cancelled, 1 skipped")
    assert (status_of(order), status_of(shipped)) == (Status.CANCELLED, Status.SHIPPED)
    assert Product.objects.get(pk=held).stock == product.stock + 90


def test_too_many_at_once_change_nothing(client, boss, place, monkeypatch):
    monkeypatch.setattr(orders_admin, "MAX_AT_ONCE", 2)
    chosen = [place().pk for _ in range(3)]

    page = client.post(LIST, {"action": "mark_paid", "_selected_action": chosen}, follow=True)

    assertContains(page, "Choose 2 orders at most. Nothing was changed.")
    assert set(Order.objects.values_list("status", flat=True)) == {"pending"}


def test_refusals_beyond_the_first_few_are_counted(place, boss, now):
    orders = [place() for _ in range(order_desk.REFUSALS_TOLD + 2)]

    outcome = order_desk.take_each(orders, to=Status.DELIVERED, by=boss, at=now)

    assert str(outcome).startswith("0 delivered, 12 skipped: ")
    assert str(outcome).endswith(" And 2 more.")


def test_an_order_that_left_meanwhile_holds_up_no_other(place, boss, now):
    gone, here = place(), place()
    Order.objects.filter(pk=gone.pk).delete()

    outcome = order_desk.take_each([gone, here], to=Status.PAID, by=boss, at=now)

    assert str(outcome) == f"1 paid, 1 skipped: Order #{gone.pk} is not here any more."


# --- The page of one order ---


def test_the_page_tells_the_facts(client, boss, place):
    order = place(ProductFactory(name="Lamp", sku="LMP-7"), customer=UserFactory(name="Ada"), quantity=3)
    Order.objects.filter(pk=order.pk).update(shipping_address={"city": "London", "name": "Ada L.", "gate": "7"})

    page = client.get(page_of(order))

    for text in (f"Order #{order.pk}", "Ada", "Lamp", "LMP-7", "$30.00", "Ada L.<br>London<br>gate: 7", "Placed"):
        assertContains(page, text)


@pytest.mark.parametrize("status", Status)
def test_the_page_offers_the_steps_allowed_now(client, boss, order_in, status):
    page = client.get(page_of(order_in(status)))

    offered = {to for to in Status if f'name="to" value="{to}"' in page.text}
    assert offered == set(orders_admin.allowed_after(status))


def test_a_button_takes_the_order_a_step_further_and_says_who_did(client, boss, place):
    order = place()

    response = client.post(step_of(order), {"to": "paid", "rev": 1, "note": "Transfer\nof today"})

    assertRedirects(response, page_of(order), fetch_redirect_response=False)
    event = Event.objects.of_order(order.pk).last()
    assert (event.rev, event.status, event.actor_id, event.actor_name) == (2, "paid", boss.pk, "Bo Boss")
    assert event.note == "Transfer\nof today"
    page = client.get(page_of(order))
    assertContains(page, f"Order #{order.pk} is paid.")
    assertContains(page, "Transfer<br>of today")


def test_a_step_not_in_the_table_is_refused_in_words(client, boss, order_in):
    order = order_in(Status.CANCELLED)

    page = client.post(step_of(order), {"to": "shipped", "rev": order.rev}, follow=True)

    assertContains(page, "is cancelled and cannot become shipped. Its way ends there.")
    assertContains(page, 'class="error" role="alert"')
    assert (status_of(order), Event.objects.of_order(order.pk).count()) == ("cancelled", 2)


def test_the_second_of_two_is_told_what_the_first_did(client, boss, order_in):
    order = order_in(Status.PAID)
    colleague = StaffFactory(name="Cleo")
    change_status(order, to=Status.SHIPPED, by=colleague, at=timezone.now())

    page = client.post(step_of(order), {"to": "cancelled", "rev": order.rev, "confirmed": "1"}, follow=True)

    assertContains(page, "has moved on since you opened it: it is already shipped, last changed by Cleo at")
    assertContains(page, "Nothing was changed now.")
    assert status_of(order) == Status.SHIPPED


def test_a_step_that_would_be_allowed_is_refused_too_when_the_page_is_old(client, boss, order_in):
    order = order_in(Status.PENDING)
    Order.objects.filter(pk=order.pk).update(shipping_address={"city": "Elsewhere"})

    page = client.post(step_of(order), {"to": "paid", "rev": 1}, follow=True)

    assertContains(page, "it is already pending, last changed by database")
    assert status_of(order) == Status.PENDING


def test_a_double_click_does_one_thing(client, boss, place):
    order = place()

    client.post(step_of(order), {"to": "paid", "rev": 1})
    page = client.post(step_of(order), {"to": "paid", "rev": 1}, follow=True)

    assertContains(page, "it is already paid, last changed by you")
    assert Event.objects.of_order(order.pk).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_wins(place, now):
    order = place()
    staff = [StaffFactory(name="Ann"), StaffFactory(name="Bea")]
    together = threading.Barrier(2)
    told: list[str] = []

    def press(by) -> None:
        together.wait()
        try:
            order_desk.take_step(order, seen_rev=1, to=Status.PAID, by=by, at=timezone.now())
            told.append("done")
        except order_desk.MovedOn as error:
            told.append(str(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[by]) for by in staff]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(text == "done" for text in told) == [False, True]
    assert Event.objects.of_order(order.pk).count() == 2


def test_a_cancel_is_asked_about_first_and_keeps_its_note(client, boss, place):
    order = place()
    step = {"to": "cancelled", "rev": 1, "note": 'Says "no"'}

    question = client.post(step_of(order), step)
    assertContains(question, f"Cancel order #{order.pk}?")
    assertContains(question, 'name="note" value="Says &quot;no&quot;"')
    assert status_of(order) == Status.PENDING

    client.post(step_of(order), {**step, "confirmed": "1"})
    assert status_of(order) == Status.CANCELLED
    assert Event.objects.of_order(order.pk).last().note == 'Says "no"'


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"to": "paid"},
        {"to": "paid", "rev": "x"},
        {"to": "lost", "rev": 1},
        {"to": "paid", "rev": 1, "note": "x" * 1001},
        {"to": "paid", "rev": 1, "note": "a\x00b"},
        {"to": "paid", "rev": "9" * 30},
    ],
)
def test_a_malformed_step_changes_nothing_and_says_so(client, boss, place, step):
    order = place()

    page = client.post(step_of(order), step, follow=True)

    assertContains(page, 'class="error" role="alert"')
    assert status_of(order) == Status.PENDING


def test_unknown_orders(client, boss):
    assertRedirects(client.get(f"{LIST}999999/change/"), "/admin/")
    assertRedirects(client.get(f"{LIST}nonsense/change/"), "/admin/")
    assert client.post(f"{LIST}999999/status/", {"to": "paid", "rev": 1}).status_code == 404


def test_hostile_names_are_shown_as_text(client, boss, place):
    evil = "<script>alert(1)</script>"
    order = place(ProductFactory(name=evil, sku="<b>"), customer=UserFactory(name=evil))
    Order.objects.filter(pk=order.pk).update(shipping_address={"<i>": evil}, external_ref="<u>")
    client.post(step_of(order), {"to": "paid", "rev": 2, "note": evil})

    for response in (
        client.get(LIST),
        client.get(LIST, {"q": evil}),
        client.get(page_of(order)),
        client.post(LIST, {"action": "mark_cancelled", "_selected_action": [order.pk]}),
        client.post(step_of(order), {"to": "cancelled", "rev": 2, "note": evil}),
    ):
        assertContains(response, "&lt;script&gt;alert(1)")
        for raw in ("<script>alert(1)", "<b>", "<i>", "<u>"):
            assertNotContains(response, raw)


@pytest.mark.parametrize("address", [[], ["Main St"], "Main St", 7, {"lines": ["Main St", 1]}, {"city": None}])
def test_an_address_may_be_anything_that_plain_sql_put_there(client, boss, place, address):
    order = place()
    Order.objects.filter(pk=order.pk).update(shipping_address=address)

    page = client.get(page_of(order))

    assertContains(page, "Shipping address")
    assert ("Main St" in page.text) == ("Main St" in str(address))
