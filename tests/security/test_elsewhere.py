"""Nobody is led to another site, by no address and no form; and no link in a mail goes where a request says."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.factories import PASSWORD
from tests.security import asking, places
from tests.security.hostile import ELSEWHERE, quoted
from tests.security.pages import Page
from tests.security.visitor import HOST

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

LINK = re.compile(r"https?://[^\s\"'<>]+")
OUR = f"https://{HOST}/"
FORMS = {
    "/cart/add/": {"product": "1", "quantity": "1"},
    "/language/": {"language": "de"},
    "/account/logout/": {},
    "/account/password/reset/": {"email": "nobody@shop.example"},
}


def leads_away(address: str) -> bool:
    """Whether a browser would go to another site, or run something; it drops tabs and turns slashes."""
    read = re.sub(r"[\t\r\n]", "", address.strip()).replace("\\", "/")
    read = re.sub(r"^(https?:)?/{2,}", r"\1//", read)
    parts = urlsplit(urljoin(OUR, read))
    return bool(read) and (parts.scheme, parts.netloc) != ("https", HOST)


@pytest.fixture
def product(shop):
    return shop.samples["product_id"]


def test_leading_away_is_recognised():
    assert [each for each in ELSEWHERE if not leads_away(each)] == ["https:evil.example"]
    assert not any(map(leads_away, ["/orders/", "", "?page=2", "#main", f"https://{HOST}/x"]))


def test_no_page_leads_to_where_next_says(shop, every_address):
    """Pages for guests, customers and staff alike; what needs no sign-in is looked at with and without one."""
    pages = asking.pages(shop, every_address)
    wrong = []
    for number, page in enumerate(pages):
        visitor = shop.visitor(page.who)
        for each in ELSEWHERE[number % 5 :: 5]:
            answer = visitor.get(f"{page.path}?next={quoted(each)}&REDIRECT={quoted(each)}&url={quoted(each)}")
            links = Page(answer.text, page.path)
            led = [answer.location, *links.links, *(form.action for form in links.forms)]
            # Webhooks do lead elsewhere.
            new = {*led} - {*page.page.links}
            wrong += [f"{page.path}?next={each}: {link}" for link in new if leads_away(link)]

    assert wrong == []


@pytest.mark.parametrize("path", FORMS)
def test_no_form_leads_to_where_next_says(shop, product, path):
    for each in ELSEWHERE:
        visitor = shop.visitor()
        fields = FORMS[path] | {"next": each} | ({"product": str(product)} if path == "/cart/add/" else {})
        for target in (path, f"{path}?next={quoted(each)}"):
            answer = visitor.post(target, fields, Referer=f"{OUR}account/")
            assert not leads_away(answer.location), (target, each, answer.location)
            assert "evil" not in answer.location


def test_no_sign_in_leads_to_where_next_says(scratch):
    [(email,)] = scratch.rows("SELECT email FROM users WHERE user_id = %s", scratch.people["a customer"])
    for number, each in enumerate(ELSEWHERE):
        visitor = scratch.visitor(place=places.of(1, number))
        sent = {"login": email, "password": PASSWORD, "next": each}
        answer = visitor.post(f"/account/login/?next={quoted(each)}", sent)
        assert answer.status == 302, answer.text
        assert not leads_away(answer.location), (each, answer.location)
        assert "evil" not in answer.location
        # Whoever is signed in already is led on at once.
        assert not leads_away(visitor.get(f"/account/login/?next={quoted(each)}").location)


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/", "//evil.example/%2e%2e", "/%5cevil.example/..",
                                  "/%2f%2fevil.example", "///evil.example//", "/%0d%0aLocation:%20//evil.example",
                                  "//evil.example/admin", "//evil.example/orders"])  # fmt: skip
def test_no_address_leads_to_the_site_that_it_names(shop, path):
    for who in ("", "a superuser"):
        for sent in ({}, {"X-Forwarded-Proto": "http"}):
            answer = shop.visitor(who).get(path, **sent)

            # Whoever asks over http is led to the same address over https.
            assert not leads_away(answer.headers.get("Location", "")), answer.headers["Location"]
            assert asking.wrong(answer) == ""


HOSTS = ["evil.example", "shop.example.evil.example", "shop.example@evil.example", "evil.example:443", "shop.example:x",
         "shop.example/evil.example", "[::1]", "127.0.0.1", "localhost", "shop.example,evil.example", "shop..example",
         "-", "\xff"]  # fmt: skip


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_host_that_is_not_ours_gets_nothing(shop, scheme):
    for path in ("/", "/account/login/", "/orders/", "/api/v1/products", "/admin/login/", "/nowhere/"):
        for host in HOSTS:
            answer = shop.visitor().get(path, Host=host, **{"X-Forwarded-Proto": scheme})

            assert answer.status in ((400, 401) if path.startswith("/api/") else (400,)), (path, host)
            assert host not in answer.location
            assert asking.wrong(answer) == ""


def test_what_a_proxy_is_told_to_say_names_no_host(shop):
    names = ("X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Server")
    told = dict.fromkeys((*names, "X-Forwarded-Port", "X-Forwarded-Prefix"), "evil.example")
    lamp = f"/p/{shop.samples['slug']}/"

    for path in ("/", lamp, "/orders/", "/account/login/", "/admin/"):
        answer = shop.visitor().get(path, **told)

        assert "evil.example" not in answer.location
        assert b"evil.example" not in answer.body


def test_mails_lead_to_the_shop_whatever_host_is_asked(scratch):
    [(email,)] = scratch.rows("SELECT email FROM users WHERE user_id = %s", scratch.people["a customer"])
    hostile = [
        {"Host": f"{HOST}:6666", "Origin": f"{OUR[:-1]}:6666"},
        {"Host": HOST.upper(), "Origin": f"https://{HOST.upper()}"},
        {"X-Forwarded-Host": "evil.example"},
    ]
    for number, headers in enumerate(hostile):
        before = places.mails(scratch)
        visitor = scratch.visitor(place=places.of(2, number))
        visitor.post("/account/password/reset/", {"email": email}, **headers)
        visitor.post("/account/password/reset/", {"email": "nobody@shop.example"}, **headers)
        visitor.post("/account/signup/", {"email": email, "name": "x", "password1": PASSWORD}, **headers)
        new = places.mails(scratch)[len(before) :]
        links = [link for mail in new for link in LINK.findall(mail)]

        # Nobody is told of their account by every sign-up of a few seconds.
        assert len(new) == len(links) >= 2
        assert [link for link in links if not link.startswith(OUR)] == []
