"""What attackers typed into names, notes, addresses and files comes back as text, wherever it is shown."""

from __future__ import annotations

import csv
import email
import io
import re
from email.policy import default
from functools import partial

import pymongo
import pytest

from history.reports.views import REPORTS
from tests.security import asking, places
from tests.security.addresses import addresses
from tests.security.hostile_shop import DOLLARS, FORMULAS, file_name, fill_up, html, run
from tests.security.pages import Page, text

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

NUMBER = re.compile(r"-?\d+(\.\d+)?")
ALL = "?period=all"
# Where each is to be seen; {live} and {archived} are orders, {product} is the hostile one.
SEEN = {
    "product": ["/", "/search/?q=product", "/p/x-{product}/", "/c/hostile/", "/orders/", "/orders/{live}/",
                "/orders/{live}/receipt/", "/orders/{archived}/", "/orders/{archived}/receipt/",
                "/checkout/done/{live}/", "/admin/catalog/product/", "/admin/catalog/product/{product}/change/",
                "/admin/orders/order/", "/admin/orders/order/{live}/change/", "/admin/orders/order/{archived}/change/",
                "/admin/orders/order/{live}/edit/", f"/reports/products/{ALL}", "/reports/orders/{live}/",
                "/reports/orders/{archived}/", "/admin/history/event/activity/"],
    "sku": ["/p/x-{product}/", "/admin/catalog/product/"],
    "description": ["/p/x-{product}/"],
    "value": ["/p/x-{product}/"],
    "category": ["/", "/c/hostile/", "/admin/catalog/category/", f"/reports/sales/{ALL}"],
    "customer": ["/account/", "/", "/admin/users/user/?q=customer0@shop.example", "/admin/orders/order/",
                 "/admin/orders/order/{live}/change/", f"/reports/customers/{ALL}", f"/reports/orders/{ALL}",
                 "/reports/orders/{archived}/"],
    "address": ["/account/", "/checkout/done/{live}/", "/orders/{live}/", "/orders/{archived}/",
                "/orders/{archived}/receipt/", "/admin/orders/order/{live}/change/"],
    "note": ["/orders/{live}/", "/orders/{archived}/", "/admin/orders/order/{live}/change/",
             "/admin/orders/order/{archived}/change/", "/reports/orders/{archived}/"],
    "movement": ["/admin/catalog/product/{lamp}/change/"],
    "apikey": ["/admin/users/apikey/"],
    "webhook": ["/admin/history/endpoint/"],
    "group": ["/admin/auth/group/"],
    "person": ["/admin/users/user/", "/admin/history/event/activity/"],
    "agent": ["/account/sessions/", "/admin/usersessions/usersession/"],
    "upload": ["/admin/catalog/product/import/"],
}  # fmt: skip


@pytest.fixture(scope="module")
def orders(scratch) -> dict[str, int]:
    return fill_up(scratch)


@pytest.fixture(scope="module")
def filled(scratch, orders):
    """Fills in the numbers of an address."""
    [(product,)] = scratch.rows("SELECT product_id FROM products WHERE sku = %s", html("sku"))
    lamp = scratch.samples["product_id"]
    return partial(str.format, product=product, lamp=lamp, live=orders["live"], archived=orders["archived"])


def owner_of(path: str) -> str:
    return "a superuser" if path.startswith(("/admin/", "/reports/")) else "the owner"


def test_it_is_seen_as_text_where_it_is_shown(scratch, filled):
    visitors = {who: scratch.visitor(who) for who in ("a superuser", "the owner")}
    shown, wrong = {}, []
    for place, paths in SEEN.items():
        for path in map(filled, paths):
            if path not in shown:
                answer = visitors[owner_of(path)].get(path)
                if answer.location.startswith("/p/"):
                    answer = visitors["the owner"].get(answer.location)
                shown[path] = answer
            wanted = file_name(place) if place == "upload" else html(place)
            if wanted not in text(shown[path].text.replace("<mark>", "").replace("</mark>", "")):
                wrong.append(f"{path}: {place} is not there, {shown[path].status}")

    assert wrong == []
    assert [path for path, answer in shown.items() if asking.wrong(answer)] == []


def test_no_page_takes_it_for_html(scratch, orders):
    """Every address, about whatever it is about, and what it links to."""
    pages = asking.pages(scratch, addresses(scratch))
    more = [f"/reports/{name}/{ALL}" for name in REPORTS] + [f"/orders/{number}/" for number in orders.values()]
    questions = [asking.Question(page.who, page.path) for page in pages]
    questions += [asking.Question(owner_of(path), path) for path in more]

    assert asking.faults(scratch, questions) == []


def test_no_mail_takes_it_for_html(scratch, orders):
    mails = [email.message_from_string(mail, policy=default) for mail in places.mails(scratch)]
    of_orders = [mail for mail in mails if mail.get_body(("html",)) is not None]

    # Plain SQL sends none.
    assert len(of_orders) >= 3
    for mail in of_orders:
        page = mail.get_body(("html",)).get_content()
        assert Page(page).escaped == []
        assert set(mail.keys()) <= {"Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID",
                                    "Auto-Submitted"}  # fmt: skip
    assert any(html("product") in mail.get_body(("plain",)).get_content() for mail in of_orders)
    assert any(html("address") in text(mail.get_body(("html",)).get_content()) for mail in of_orders)


def exports(scratch) -> list[str]:
    """Whatever a page of staff offers as a file."""
    boss = scratch.visitor("a superuser")
    lists = ["/admin/orders/order/", "/admin/catalog/product/", *(f"/reports/{name}/{ALL}" for name in REPORTS)]
    links = {link for path in lists for link in Page(boss.get(path).text, path.partition("?")[0]).links}
    return sorted(link for link in links if "format=csv" in link or "/export/" in link)


def test_no_export_has_a_formula(scratch, orders):
    boss = scratch.visitor("a superuser")
    found, cells = exports(scratch), []
    for link in found:
        answer = boss.get(link)
        assert answer.headers["Content-Type"].startswith("text/csv"), link
        assert answer.headers["Content-Disposition"].startswith("attachment")
        sheet = io.StringIO(answer.text.removeprefix("\ufeff"), newline="")
        cells += [cell for row in csv.reader(sheet) for cell in row]

    assert len(found) > len(REPORTS)
    # Behind a tab or a line break too, which some spreadsheets take for the beginning of a cell.
    escaped = {f"'{formula[0]}'{formula[1:]}" if formula[0].isspace() else f"'{formula}" for formula in FORMULAS}
    assert escaped <= {*cells}
    dangerous = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))]
    assert [cell for cell in dangerous if not NUMBER.fullmatch(cell)] == []


def test_neither_store_reckons_with_what_looks_like_a_program(scratch, orders):
    """Documents have the very text, reports read it back, and both stores are equal to the last letter."""
    boss = scratch.visitor("a superuser")
    with pymongo.MongoClient(scratch.environment["MONGODB_URL"]) as client:
        document = client.get_default_database()["order_history"].find_one({"order_id": orders["dollars"]})

    assert document["products"][0]["name"] == DOLLARS["name"]
    assert document["products"][0]["sku"] == DOLLARS["sku"]
    assert document["events"][-1]["note"] == "$$ROOT"
    assert "$where" in str(document["shipping_address"])
    assert DOLLARS["name"] in text(boss.get(f"/reports/products/{ALL}").text)
    for path in (f"/orders/{orders['dollars']}/", f"/admin/orders/order/{orders['dollars']}/change/"):
        page = text(scratch.visitor(owner_of(path)).get(path).text)
        assert "$$ROOT" in page
        assert "$where" in page
    run(scratch, "import django; django.setup(); from django.core.management import call_command as c; c('reconcile')")
