"""Buttons, forms and bulk actions beside the change forms: each carries what its page showed, or may be sent twice."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from catalog.models import Product
from history.models import Delivery, Endpoint
from history.webhooks import endpoints
from orders.models import Order
from tests.config import back_office
from tests.config.back_office import NOBODY
from tests.config.two_browsers import Browser
from tests.factories import ProductFactory, UserFactory
from tests.pages import confirm_password, text, told
from tests.security.pages import Page
from users.models import Erasure, User

pytestmark = pytest.mark.django_db

# They add something, or set what they say: sent twice they do nothing else than sent once.
NEEDS_NOTHING = {
    "catalog_product_import",  # adds a file
    "catalog_product_import_sheet",  # of one person; each line compares its product
    "users_apikey_revoke",
    "users_user_keys",  # names its key, which is not found once somebody else has it
    "history_requeue",
    "orders_order_note",  # adds a note
    "orders_order_restore",
}


@pytest.fixture
def ann():
    return Browser("Ann Ashe")


@pytest.fixture
def bob():
    return Browser("Bob Birch")


def url(name, row) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def both_open(ann, bob, address):
    return ann.open(address), bob.open(address)


def words(response, browser) -> str:
    """What a refused form says, on its page or on the one it leads to."""
    return text(response) if response.status_code != 302 else " ".join(told(response))


def warehouse() -> Endpoint:
    endpoint = Endpoint(name="Warehouse", url="https://shop.example/", kinds=[])
    endpoints.add(endpoint)
    return endpoint


def set_password(ann, bob, place):
    for browser in (ann, bob):
        browser.open(reverse("admin:index"))
        confirm_password(browser.client)
    mine, theirs = both_open(ann, bob, url("auth_user_password_change", UserFactory()))
    theirs.send("shown", password1="their-own-word-9", password2="their-own-word-9", usable_password="true")
    before = User.objects.order_by("pk").values_list("password", flat=True)
    before = list(before)
    refused = mine.send("shown", password1="my-other-word-9", password2="my-other-word-9", usable_password="true")
    assert list(User.objects.order_by("pk").values_list("password", flat=True)) == before
    return words(refused, ann)


def count_stock(ann, bob, place, name="correct"):
    lamp = ProductFactory(stock=10)
    mine, theirs = both_open(ann, bob, url(f"catalog_product_{name}", lamp))
    theirs.send("seen", number="7", note="counted")
    left = Product.objects.get(pk=lamp.pk).stock
    refused = mine.send("seen", number="6", note="counted")
    assert Product.objects.get(pk=lamp.pk).stock == left
    return words(refused, ann)


def restock(ann, bob, place):
    return count_stock(ann, bob, place, "restock")


def take_step(ann, bob, place):
    order = place()
    mine, theirs = both_open(ann, bob, url("orders_order_change", order))
    theirs.send("note", to="paid")
    refused = mine.send("note", to="cancelled", confirmed="1")
    assert Order.objects.get(pk=order.pk).status == "paid"
    return words(refused, ann)


def edit_order(ann, bob, place):
    order = place()
    mine = ann.open(url("orders_order_edit", order))
    bob.open(url("orders_order_change", order)).send("note", to="paid")
    return words(mine.send("rev", confirmed="1"), ann)


def take_back(ann, bob, place):
    order = place()
    for to in ("paid", "shipped", "delivered"):
        bob.open(url("orders_order_change", order)).send("note", to=to)
    mine = ann.open(url("orders_order_return", order))
    item = order.items.get().pk
    theirs = bob.open(url("orders_order_return", order))
    theirs.response = theirs.send("rev", **{f"quantity_{item}": "1", "reason": "broken"})
    theirs.send("rev", confirmed="1")
    return words(mine.send("rev", **{f"quantity_{item}": "1", "reason": "too bright"}), ann)


def erase(ann, bob, place):
    person = UserFactory()
    bob.open(url("users_user_erase", person)).send("erasure", step="ask")
    mine, theirs = both_open(ann, bob, url("users_user_erase", person))
    theirs.send("erasure", step="withdraw")
    bob.open(url("users_user_erase", person)).send("erasure", step="ask")
    refused = mine.send("erasure", step="withdraw")
    assert Erasure.objects.latest("pk").withdrawn_at is None
    return words(refused, ann) + "by Bob Birch"


def rotate(ann, bob, place):
    endpoint = warehouse()
    mine, theirs = both_open(ann, bob, url("history_endpoint_change", endpoint))
    theirs.send("shown")
    salt = Endpoint.objects.get().salt
    refused = mine.send("shown")
    assert Endpoint.objects.get().salt == salt
    return words(refused, ann)


def redeliver(ann, bob, place):
    endpoint = Endpoint.objects.create(name="Warehouse", url="https://hooks.example/", position=0)
    delivery = Delivery.objects.create(endpoint=endpoint, event_id=1, order_id=1, rev=1, kind="placed", body="{}")
    mine, theirs = both_open(ann, bob, url("history_delivery_change", delivery))
    theirs.send("shown")
    due = Delivery.objects.get().due_at
    refused = mine.send("shown")
    assert Delivery.objects.get().due_at == due
    return words(refused, ann) + "by Bob Birch"


SCENES = {
    "auth_user_password_change": set_password,
    "catalog_product_correct": count_stock,
    "catalog_product_restock": restock,
    "orders_order_status": take_step,
    "orders_order_edit": edit_order,
    "orders_order_return": take_back,
    "users_user_erase": erase,
    "history_endpoint_rotate": rotate,
    "history_delivery_redeliver": redeliver,
}


def test_every_form_of_the_back_office_is_tried():
    reverse("admin:index")
    pages = {f"{of.model_name}_{page}" for of in models() for page in ("add", "change", "delete")}
    own = {name for name, may in back_office.FORMS.items() if may != NOBODY and name.split("_", 1)[1] not in pages}

    assert own == {*SCENES} | NEEDS_NOTHING


def models():
    return [model._meta for model in admin.site._registry]


@pytest.mark.parametrize("name", SCENES)
def test_what_somebody_else_decided_meanwhile_is_not_undone(name, ann, bob, place):
    assert "by Bob Birch" in SCENES[name](ann, bob, place)


# --- Deleting one row ---


def test_what_was_changed_since_is_not_deleted(ann, bob):
    lamp = ProductFactory(name="Lamp")
    mine = ann.open(url("catalog_product_delete", lamp))
    bob.open(url("catalog_product_change", lamp)).send("csrfmiddlewaretoken", name="Desk lamp")

    refused = mine.send("shown_states")

    assert "Desk lamp was changed by Bob Birch on" in told(refused)[0]
    assert Product.objects.exists()
    assert ann.open(url("catalog_product_delete", lamp)).send("shown_states").status_code == 302
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("make", "name", "change"),
    [
        (ProductFactory, "catalog_product", {"description": "Hours of work"}),
        (warehouse, "history_endpoint", {"kinds": ["placed"]}),
        (lambda: Group.objects.create(name="Night shift"), "auth_group", {"permissions": ["1"]}),
    ],
)
def test_what_lists_do_not_show_counts_for_deleting_too(ann, bob, make, name, change):
    row = make()
    mine = ann.open(url(f"{name}_delete", row))
    bob.open(url(f"{name}_change", row)).send("csrfmiddlewaretoken", **change)

    refused = mine.send("shown_states")

    assert "was changed by Bob Birch on" in told(refused)[0]
    assert type(row).objects.filter(pk=row.pk).exists()


# --- Actions on many rows ---


def tick(page, action, *rows, **more):
    """Tick rows of a list and run an action on them."""
    form = next(form for form in Page(page.response.content.decode(), page.url).forms if "action" in form.fields)
    data = {**form.fields, "action": action, "index": "0", "_selected_action": [str(row.pk) for row in rows], **more}
    return page.client.post(page.url, data)


def confirm(page, response):
    page.response = response
    return page.send("action")


@pytest.mark.parametrize("to", ["paid", "cancelled"])
def test_orders_that_changed_since_the_list_are_left_and_named(ann, bob, place, to):
    changed, other = place(), place()
    mine = ann.open(reverse("admin:orders_order_changelist"))
    bob.open(url("orders_order_change", changed)).send(
        "note", to="cancelled" if to == "paid" else "paid", confirmed="1"
    )

    response = tick(mine, f"mark_{to}", changed, other)
    messages = " ".join(told(response))
    if to == "cancelled":
        response = confirm(mine, response)

    assert Order.objects.get(pk=changed.pk).status != to
    assert Order.objects.get(pk=other.pk).status == to
    assert f"Order #{changed.pk} has moved on" in messages
    assert "by Bob Birch" in messages


def test_an_order_that_changed_since_the_question_is_left_and_named(ann, bob, place):
    order, other = place(), place()
    mine = ann.open(reverse("admin:orders_order_changelist"))
    question = tick(mine, "mark_cancelled", order, other)
    bob.open(url("orders_order_change", order)).send("note", to="paid")

    done = confirm(mine, question)

    assert set(Order.objects.values_list("status", flat=True)) == {"paid", "cancelled"}
    assert f"Order #{order.pk} has moved on" in " ".join(told(done))


def test_a_row_that_left_the_filtered_list_is_named(ann, bob, place):
    order, other = place(), place()
    mine = ann.open(reverse("admin:orders_order_changelist") + "?status__exact=pending")
    bob.open(url("orders_order_change", order)).send("note", to="cancelled", confirmed="1")

    response = tick(mine, "mark_paid", order, other)

    assert f"Order #{order.pk} has moved on" in " ".join(told(response))
    assert Order.objects.get(pk=other.pk).status == "paid"


@pytest.mark.parametrize(
    ("make", "name", "action", "change"),
    [
        (ProductFactory, "catalog_product", "retire", {"price": "99.00"}),
        (lambda: ProductFactory(is_active=False), "catalog_product", "activate", {"price": "99.00"}),
        (UserFactory, "users_user", "deactivate_selected", {"name": "Renamed"}),
        (lambda: UserFactory(is_active=False), "users_user", "activate_selected", {"name": "Renamed"}),
        (UserFactory, "users_user", "deactivate_selected", {"is_staff": "on"}),
    ],
)
def test_rows_that_changed_since_the_list_are_left_and_named(ann, bob, make, name, action, change):
    row, other = make(), make()
    mine = ann.open(reverse(f"admin:{name}_changelist"))
    bob.open(url(f"{name}_change", row)).send("csrfmiddlewaretoken", **change)
    before = type(row).objects.get(pk=row.pk).is_active

    response = tick(mine, action, row, other)

    assert type(row).objects.get(pk=row.pk).is_active == before
    assert type(row).objects.get(pk=other.pk).is_active != before
    assert "was changed by Bob Birch on" in " ".join(told(response))


def test_a_sale_does_not_hold_up_an_action(ann, place):
    lamp = ProductFactory(stock=5)
    mine = ann.open(reverse("admin:catalog_product_changelist"))
    place(lamp)

    tick(mine, "retire", lamp)

    assert not Product.objects.get(pk=lamp.pk).is_active


def test_addresses_are_not_deleted_or_verified_unseen(ann, bob):
    address, other = (EmailAddress.objects.get(user=UserFactory()) for _ in range(2))
    mine = ann.open(reverse("admin:account_emailaddress_changelist"))
    bob.open(url("account_emailaddress_change", address)).send("csrfmiddlewaretoken", email="new@shop.example")

    question = tick(mine, "delete_selected", address, other)
    confirm(mine, question)

    assert EmailAddress.objects.filter(pk=address.pk).exists()
    assert not EmailAddress.objects.filter(pk=other.pk).exists()


def test_no_more_are_deleted_at_once_than_a_form_may_carry(ann):
    people = User.objects.bulk_create(User(name=f"P {n}", email=f"p{n}@shop.example") for n in range(501))
    EmailAddress.objects.bulk_create(EmailAddress(user=person, email=person.email) for person in people)
    mine = ann.open(reverse("admin:account_emailaddress_changelist"))

    refused = tick(mine, "delete_selected", EmailAddress.objects.first(), select_across="1")

    assert told(refused) == ["Choose 500 rows at most. Nothing was changed."]


def test_all_that_match_are_shown_before_anything_happens_to_them(ann, bob):
    ProductFactory.create_batch(55)
    mine = ann.open(reverse("admin:catalog_product_changelist"))

    question = tick(mine, "retire", Product.objects.first(), select_across="1")

    assert Product.objects.filter(is_active=True).count() == 55
    changed, added = Product.objects.first(), ProductFactory()
    Product.objects.filter(pk=changed.pk).update(price="99.00")
    done = confirm(mine, question)
    assert set(Product.objects.filter(is_active=True)) == {changed, added}
    assert "2 not touched, because this page showed something else" in told(done)[0]


def test_every_action_is_tried():
    tried = {"retire", "activate", "activate_selected", "deactivate_selected", "delete_selected", "make_verified"}
    tried |= {"mark_paid", "mark_shipped", "mark_delivered", "mark_cancelled", "export_selected"}

    assert {each.split(": ")[1] for each in back_office.ACTIONS} == tried
