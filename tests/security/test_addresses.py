"""Who may what: everybody at every address of the site, by every method."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from config.roles import PERMISSIONS, ROLES
from tests.config import back_office
from tests.config.back_office import NOBODY, STAFF
from tests.security.addresses import PUBLIC, Address
from tests.security.shops import Shop
from tests.security.tours import CUSTOMERS, INSIDE, OUTSIDE, VISITOR, Tour
from tests.security.visitor import FORM, Answer

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

# No order, no address has this number, and it is as long as theirs.
MISSING = 999_999
# What is drawn anew for each page, or is the time.
DRAWN = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")\w+|(?<="X-CSRFToken": ")\w+')
OF_THE_MOMENT = {"Date", "Expires", "Set-Cookie", "X-Request-Id", "RateLimit-Remaining", "RateLimit-Reset"}
REPORTS = "history.view_reports"
# Whoever asks for these goes; it is done by a test of its own.
LEAVING = {*(f"admin:{name}" for name in back_office.DOORS), "account_logout", "account_login"}


def test_every_address_answers_everybody(tour: Tour, every_address: list[Address]):
    assert [str(look) for look in tour.looks if look.answer.status >= 500] == []
    assert len(every_address) > 150
    assert {address.name for address in every_address} >= PUBLIC


def test_who_is_not_signed_in_sees_what_is_public_and_nothing_else(
    shop: Shop, every_address: list[Address], tour: Tour
):
    visitor = shop.visitor()
    asked = [(look.address, look.answer) for look in tour.looks if look.who == VISITOR]
    asked += [(address, visitor.post(address.path)) for address in every_address]

    wrong = [
        f"{address.path}: {answer.status} {answer.location}"
        for address, answer in asked
        if address.name not in PUBLIC and not is_sent_away(address, answer)
    ]

    assert wrong == []


def test_anothers_order_is_like_one_that_there_is_not(shop: Shop, every_address: list[Address]):
    customer, key = shop.visitor("a customer"), shop.client("a customer's")
    anothers = [shop.orders[name] for name in ("pending", "shipped", "delivered", "archived")]
    taking = [address for address in every_address if "order_id" in address.takes]
    assert len(taking) >= 14

    wrong = [
        f"{way} {address.of(order_id=number)}"
        for address in taking
        for way in ("GET", "POST")
        for number in anothers
        if told(key if address.is_api else customer, way, address, "order_id", number)
        != told(key if address.is_api else customer, way, address, "order_id", MISSING)
    ]

    assert wrong == []
    own = shop.orders["the customer's"]
    assert [customer.get(f"/orders/{number}/").status for number in (own, anothers[0])] == [200, 404]


def test_anothers_saved_address_is_like_one_that_there_is_not(shop: Shop, every_address: list[Address]):
    customer = shop.visitor("a customer")
    taking = [address for address in every_address if "address_id" in address.takes]
    assert len(taking) >= 3
    assert shop.visitor("the owner").get(taking[0].path).status == 200
    before = shop.rows("SELECT * FROM addresses ORDER BY address_id")

    wrong = [
        f"{way} {address.path}"
        for address in taking
        for way in ("GET", "POST")
        if told(customer, way, address, "address_id", shop.samples["address_id"])
        != told(customer, way, address, "address_id", MISSING)
    ]

    assert wrong == []
    assert shop.rows("SELECT * FROM addresses ORDER BY address_id") == before


def test_nothing_that_a_customer_sees_names_another(shop: Shop, tour: Tour):
    [(email, name)] = shop.rows("SELECT email, name FROM users WHERE user_id = %s", shop.people["the owner"])

    named = [
        look
        for look in tour.looks
        for word in (email, name)
        if re.search(rb"(?<![\w])" + re.escape(word.encode()) + rb"(?![\w])", look.answer.body)
    ]

    assert {look.who for look in named} & {VISITOR, "a customer"} == set(), [str(look) for look in named]
    # It would be found: who they are stands on their own pages, and on those for staff.
    assert {look.who for look in named} >= {"the owner", "a superuser"}


def test_each_role_has_the_pages_that_the_table_says(tour: Tour):
    wrong = [
        str(look)
        for look in tour.looks
        for permission in asks_for(look.address, back_office.pages())
        if look.answer.is_let_in != may(look.who, permission)
    ]

    assert wrong == []


def test_each_role_sends_the_forms_that_the_table_says(shop: Shop, every_address: list[Address]):
    """Empty ones, which do as good as nothing where they are let in."""
    wrong = []
    # Whoever could get in by mistake where no role may.
    some = ("a customer", "no second factor", "Manager", "a superuser")
    for who in ("a customer", "no second factor", *INSIDE):
        visitor = shop.visitor(who)
        for address in every_address:
            for permission in asks_for(address, back_office.forms()):
                if permission not in PERMISSIONS and who not in some:
                    continue
                answer = visitor.post(address.path)
                if answer.is_let_in != may(who, permission):
                    wrong.append(f"{who} {address.path}: {answer.status}, asks for {permission}")

    assert wrong == []


def test_the_reports_are_for_whom_they_are(shop: Shop, every_address: list[Address], tour: Tour):
    asked = [(look.who, look.address, look.answer) for look in tour.looks if look.address.name.startswith("reports:")]
    repair = next(address for address in every_address if address.name == "reports:trust-repair")
    repairs = [(who, shop.visitor(who).post(repair.path)) for who in (*CUSTOMERS, "Analyst", "Order desk", "Manager")]

    wrong = [
        f"{who} {address.path}: {answer.status}"
        for who, address, answer in asked
        if address != repair and answer.is_let_in != may(who, REPORTS)
    ]

    assert wrong == []
    assert {address.name for _, address, _ in asked} >= {"reports:home", "reports:sales", "reports:trust-day"}
    assert [who for who, answer in repairs if answer.is_let_in] == ["Manager"]


def test_looking_changes_nothing(tour: Tour):
    changed, before = [], tour.before
    for who, after in tour.after.items():
        changed += [f"{who or 'a visitor'} changed {table}" for table in before if after[table] != before[table]]
        before = after

    assert changed == []


def test_no_form_is_taken_without_its_token(shop: Shop, every_address: list[Address]):
    owner, boss = shop.visitor("the owner"), shop.visitor("a superuser")
    ways = {"none": {"X-CSRFToken": ""}, "from elsewhere": owner.token() | {"Origin": "https://evil.example"}}
    before, taken = shop.digests(), []
    for address in every_address:
        is_staffs = address.path.startswith("/admin/")
        for way in ("none",) if is_staffs else ways:
            who = boss if is_staffs else owner
            answer = who.ask("POST", address.path, b"", {"Content-Type": FORM} | ways[way])
            # The API knows no sessions: what a browser brings along without being asked is nobody there.
            if answer.status not in ((401, 405) if address.is_api and address.name not in PUBLIC else (403, 405)):
                taken.append(f"{way} {address.path}: {answer.status}")

    assert taken == []
    assert shop.digests() == before


def test_what_is_neither_asked_nor_sent_changes_nothing(shop: Shop, every_address: list[Address]):
    owner, boss = shop.visitor("the owner"), shop.visitor("a superuser")
    before, broken = shop.digests(), []
    for address in every_address:
        is_staffs = address.path.startswith("/admin/")
        who = boss if is_staffs else owner
        for method in ("DELETE",) if is_staffs else ("PUT", "DELETE"):
            answer = who.ask(method, address.path, b"", {"Content-Type": FORM} | who.token())
            if answer.status >= 500:
                broken.append(f"{method} {address.path}: {answer.status}")

    assert broken == []
    assert shop.digests() == before


def is_sent_away(address: Address, answer: Answer) -> bool:
    if address.is_api:
        # Of an address that takes another method, anybody may know that.
        return answer.status in (401, 405)
    return answer.status == 302 and answer.location.startswith(("/account/login/", "/admin/login/"))


def told(visitor, way: str, address: Address, argument: str, number: int) -> tuple[int, dict[str, str], bytes]:
    """All that an answer tells, but for the number that was asked for and what is of the moment."""
    answer = visitor.ask(way, address.of(**{argument: number}), b"", {"Content-Type": FORM} | visitor.token())
    headers = {
        name: value.replace(str(number), "N") for name, value in answer.headers.items() if name not in OF_THE_MOMENT
    }
    body = DRAWN.sub(b"drawn", answer.body).replace(str(number).encode(), b"N")
    return answer.status, headers, body


def asks_for(address: Address, table: dict[str, str]) -> Iterator[str]:
    """What the table says of an address of the back office; nothing of the doors."""
    if address.name.startswith("admin:") and address.name not in LEAVING:
        name = address.name.removeprefix("admin:")
        if name in table:
            yield table[name]
    elif address.path.startswith("/admin/nowhere"):
        # What Django adds without a name.
        yield NOBODY


def may(who: str, permission: str) -> bool:
    if who in OUTSIDE or permission == NOBODY:
        return False
    return who == "a superuser" or permission == STAFF or permission in ROLES.get(who, ())
