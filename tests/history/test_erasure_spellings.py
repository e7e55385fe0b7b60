"""Whatever spelling a person has in the notes of others and in references, nothing of it is left in either store."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from datetime import timedelta
from urllib.parse import quote_plus

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from core.text import fold, replace_folded
from history.erasure.person import ERASED, Person, telling
from history.mirror import reconcile
from history.models import ParkedRow
from orders.notes import add_note
from orders.services import RequestedItem as Requested
from orders.services import change_status, place_order
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.history.archived import archive
from tests.history.traces import in_mongodb, in_postgresql
from users.addresses import keep_address
from users.models import AccountEmail, ApiAnswer, ApiKey

NAME, STREET, EMAIL = "Zoë O'Brien-Müller", "Weißdornstraße 12-b", "zoe_obrien-m@priv.example"
SPELLINGS = {
    "as it is": lambda text: text,
    "upper case": str.upper,
    "lower case": str.lower,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "marks are lost": lambda text: unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode(),
    "two blanks": lambda text: text.replace(" ", "  "),
    "no-break blank": lambda text: text.replace(" ", "\u00a0"),
    "narrow blank and line end": lambda text: text.replace(" ", "\u202f\n"),
    "underscores": lambda text: text.replace(" ", "_"),
    "underscores for hyphens": lambda text: text.replace("-", "_"),
    "no-break hyphen": lambda text: text.replace("-", "\u2011"),
    "dash": lambda text: text.replace("-", "\u2013"),
    "minus": lambda text: text.replace("-", " \u2212 "),
    "soft hyphen": lambda text: text[:2] + "\u00ad" + text[2:],
    "zero width": lambda text: text[:2] + "\u200b" + text[2:],
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "typographic apostrophe": lambda text: text.replace("'", "\u2019"),
    "no apostrophe": lambda text: text.replace("'", ""),
    "further marks": lambda text: "".join(f"{c}\u0323" if c.isalpha() else c for c in text),
    "zero width for the blank": lambda text: text.replace(" ", "\u200b"),
    "in one word": lambda text: text.replace(" ", ""),
    "letter by letter": lambda text: " ".join(text.replace(" ", "")),
    "modifier apostrophe": lambda text: text.replace("'", "\u02bc"),
    "slashes": lambda text: text.replace(" ", "/"),
    "the last part first": lambda text: ", ".join(reversed(text.rsplit(" ", 1))),
    "read out": lambda text: text.replace("@", " (at) ").replace(".", " [dot] "),
    "short street": lambda text: text.replace("straße", "str."),
    "as JSON": lambda text: json.dumps(text)[1:-1],
    "as HTML": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "in an address": quote_plus,
    "sharp s": lambda text: text.replace("ß", "ss").replace("ẞ", "SS"),
    "umlauts as two letters": lambda text: text.replace("ü", "ue"),
}
# Spellings that lose letters of these words are of others.
LOSSY = {("marks are lost", STREET)}


def written():
    return [
        f"[{number}] said {spell(word)}, he did."
        for number, (name, spell) in enumerate(SPELLINGS.items())
        for word in (NAME, STREET, EMAIL)
        if (name, word) not in LOSSY
    ]


def left(text: str) -> list[str]:
    folded = fold(text)
    return [word for word in (NAME, STREET, EMAIL, "muller", "mueller", "weissdorn", "obrien") if fold(word) in folded]


@pytest.mark.parametrize("note", written())
def test_every_spelling_goes_and_nothing_else(note):
    person = Person(7, telling([NAME, STREET, EMAIL], Person(7)))

    cleaned = person.without(note)

    assert re.sub(r"^\[\d+\]", "", cleaned) == f" said {ERASED}, he did."
    assert person.without(cleaned) == cleaned


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("Joerg Mueller", "Jörg Müller"),
        ("Jörg Müller", "JOERG MUELLER"),
        ("Ann\u200bBerry", "Ann Berry"),
        ("Ann Berry", "AnnBerry"),
        ("Søren Å Ødegård", "Soeren Aa Oedegaard"),
        ("王小明", "王小明"),
        ("김민준", "김민준"),
        ("Нина Чайка", "ЧАЙКА Нина"),
        ("12 Main Street", "12 Main St."),
        ("ann.berry@priv.example", "7ann.berry@priv.example7"),
    ],
)
def test_names_of_other_kinds_go_too(name, note):
    assert re.sub(r"[7.]", "", Person(7, telling([name], Person(7))).without(f"x {note}, y")) == f"x {ERASED}, y"


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_for_a_while_goes_too(mirror, now):
    user = UserFactory(name=NAME, email=EMAIL)
    key = ApiKey.objects.create(name=f"Key of {NAME}", prefix="p", digest="d", scopes="orders:read", customer=user)
    other = ApiKey.objects.create(name="Till", prefix="q", digest="e", scopes="orders:read")
    for number, idempotency_key, body in ((1, f"{EMAIL.upper()}/1", b""), (2, "2", NAME.encode()), (3, "3", b"{}")):
        ApiAnswer.objects.create(key=other, idempotency_key=idempotency_key, request=str(number), body=body)
    for recipient, body in ((EMAIL.upper(), "a"), ("old@priv.example", f"Hello {NAME}"), ("else@priv.example", "b")):
        AccountEmail.objects.create(recipient=recipient, subject="x", body=body, expires_at=now)
    ParkedRow.objects.create(
        purpose="API", table_name="orders", row_key=1, reason=f"KeyError: '{NAME}'", failed_at=now, checked_at=now
    )

    call_command("erase_user", str(user.pk))

    key.refresh_from_db()
    assert key.name == f"Key of {ERASED}"
    assert [answer.idempotency_key for answer in ApiAnswer.objects.all()] == ["3"]
    assert [email.recipient for email in AccountEmail.objects.all()] == ["else@priv.example"]
    assert [row.reason for row in ParkedRow.objects.all()] == [f"KeyError: '{ERASED}'"]


@pytest.mark.parametrize("note", ["Zoë rang", "Müller", "Weißdornstraße", "zoe@priv.example", "", "the O'Brien family"])
def test_single_words_stay(note):
    assert Person(7, telling([NAME, STREET, EMAIL], Person(7))).without(note) == note


@pytest.mark.django_db(transaction=True)
def test_nothing_is_left_in_either_store(mirror, now):
    staff, user, other = StaffFactory(name="Sam Staff"), UserFactory(name=NAME, email=EMAIL), UserFactory()
    lamp, at = ProductFactory(stock=99), now - timedelta(days=40)
    address = {"name": NAME, "line1": STREET, "city": "Springfield", "country": "Utopia"}
    keep_address(user, address, at=at)
    orders = [
        place_order(customer=buyer, items=[Requested(lamp, 1)], key=key, at=at, shipping_address={"name": buyer.name})
        for buyer, key in ((user, f"{EMAIL}/1"), (user, "plain"), (other, "of another"), (other, f"for {EMAIL}"))
    ]
    with connection.cursor() as cursor:
        for order, reference in zip(orders, (EMAIL.upper(), "A-2", f"{EMAIL}-9", f"REF {NAME}"), strict=True):
            cursor.execute("UPDATE orders SET external_ref = %s WHERE order_id = %s", [reference, order.pk])
    for order in orders:
        for hours, status in enumerate(("paid", "shipped", "delivered"), start=1):
            order.refresh_from_db()
            change_status(order, to=status, by=staff, at=at + timedelta(hours=hours))
    for order in orders[2:]:
        for number, note in enumerate(written()):
            order.refresh_from_db()
            seen = {"to_customer": False, "seen_rev": order.rev, "by": staff}
            add_note(order, text=note, at=now - timedelta(days=1, seconds=-number), **seen)
    archive(orders[0], orders[2])
    assert left(in_postgresql())
    assert left(in_mongodb())

    call_command("erase_user", str(user.pk))

    assert left(in_postgresql()) == []
    assert left(in_mongodb()) == []
    found = reconcile.reconcile()
    assert (found.differences, found.rollups) == ([], [])
    with connection.cursor() as cursor:
        cursor.execute("SELECT external_ref FROM orders WHERE external_ref IS NOT NULL")
        assert cursor.fetchall() == [("A-2",)]


@given(st.text(), st.text(), st.text(min_size=1))
def test_what_stands_around_a_word_stays(before, after, word):
    pattern = re.compile(rf"(?<!\w){re.escape(fold(word))}(?!\w)")
    text = f"{before} {word} {after}"

    replaced = replace_folded(text, pattern, "") if fold(word) else text

    assert len(replaced) <= len(text)
    assert fold(word) == "" or not pattern.search(fold(replaced)) or fold(word) in fold(before + " " + after)


def test_the_fold_of_a_fold_is_itself():
    for letter in map(chr, range(0x3000)):
        assert fold(fold(f"a{letter}b")) == fold(f"a{letter}b"), hex(ord(letter))
