"""Passwords are not guessed, nobody learns who has an account, and a session is its owner's until it ends."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import pytest

from tests.factories import PASSWORD
from tests.security import places
from tests.security.visitor import CSRF_COOKIE, TOKEN, Answer, Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

LOGIN, SIGNUP, RESET = "/account/login/", "/account/signup/", "/account/password/reset/"
ACCOUNT = "/account/"
# Of each kind; the shortest of so many holds still. Where a busy machine had no quiet moment for one of them, more are
# asked: who takes longer always takes longer however often.
OFTEN, MOST = 8, 48
# How much longer the one may take than the other.
ALIKE = 1.5
NEW = "a-new-password-2024"


@pytest.fixture(scope="module")
def emails(scratch) -> dict[str, str]:
    rows = dict(scratch.rows("SELECT user_id, email FROM users"))
    return {name: rows[user_id] for name, user_id in scratch.people.items()}


@pytest.fixture
def known(scratch, emails) -> list[str]:
    """Addresses with an account, of all kinds of people, each for one question: who asks again is answered sooner."""
    more = [f"{uuid4()}@shop.example" for _ in range(MOST)]
    scratch.rows(
        "INSERT INTO users (name, email, password)"
        " SELECT 'Ada', email, (SELECT password FROM users WHERE user_id = %s) FROM unnest(%s::text[]) AS email",
        scratch.people["a customer"],
        more,
    )
    return [*(email for name, email in emails.items() if name != "an analyst"), *more]


def sign_in(visitor: Visitor, email: str, password: str = PASSWORD) -> Answer:
    return visitor.post(LOGIN, {"login": email, "password": password})


def is_in(visitor: Visitor) -> bool:
    return visitor.get(ACCOUNT).status == 200


# --- Guessing ---


def test_a_password_is_not_guessed_from_one_place(scratch):
    """Whatever the guesser says of where the questions come from: the proxy adds the true address last."""
    visitor = scratch.visitor(place=places.of(10, 0))

    answers = [
        visitor.post(LOGIN, {"login": f"guess{n}@shop.example", "password": f"guess-{n}"},
                     X_Forwarded_For=f"198.51.100.{n}, {places.of(10, 0)}", X_Real_IP=f"198.51.100.{n}",
                     Forwarded=f"for=198.51.100.{n}", True_Client_IP=f"198.51.100.{n}", Client_IP=f"198.51.100.{n}")
        for n in range(35)
    ]  # fmt: skip

    assert [answer.status for answer in answers[-3:]] == [429] * 3


def test_a_password_is_not_guessed_and_its_owner_not_locked_out(scratch, customer):
    email = customer
    owner = scratch.visitor(place=places.of(11, 200))
    [device] = [each.partition(";")[0] for each in sign_in(owner, email).cookies if each.startswith("__Host-device=")]
    owner.post("/account/logout/", {})
    assert not is_in(owner)

    tried = [sign_in(scratch.visitor(place=places.of(11, 0)), email, f"guess-{n}") for n in range(21)]
    right = scratch.visitor(place=places.of(11, 0))
    sign_in(right, email)
    sent = {"login": email, "password": PASSWORD}
    owner.post(LOGIN, sent, Cookie=f"{CSRF_COOKIE}={TOKEN}; {device}")

    assert [answer.status for answer in tried][:3] == [tried[0].status] * 3
    assert "Too many" in tried[-1].text
    assert [is_in(right), is_in(owner)] == [False, True]


@pytest.mark.parametrize(("path", "sent"), [
    (SIGNUP, {"name": "x", "password1": PASSWORD}),
    (RESET, {}),
])  # fmt: skip
def test_nobody_has_the_shop_send_mails_by_the_hundred(scratch, path, sent):
    place = places.of(12, len(path))
    before = len(places.mails(scratch))

    answers = [scratch.visitor(place=place).post(path, sent | {"email": f"many{n}@shop.example"}) for n in range(25)]

    assert answers[-1].status == 429
    assert len(places.mails(scratch)) - before <= 20


# --- Who has an account ---


def without_names(answer: Answer, email: str) -> str:
    """The page, the address that was typed and what is drawn by lot aside."""
    body = answer.text.replace(email, "").replace(email.lower(), "")
    return re.sub(r'value="[\w-]{20,}"', "", body)


def asked_alike(scratch, path: str, known: list[str], fields: dict[str, str], net: int) -> None:
    """Ask for addresses with an account and without, in turn, each from a place of its own, and compare."""
    field = "login" if path == LOGIN else "email"
    quickest, numbers = {True: float("inf"), False: float("inf")}, iter(range(1000))
    for n, one in enumerate(known):
        said = {}
        for email in (one, f"unknown{net}-{n}@shop.example"):
            visitor = scratch.visitor(place=places.of(net, next(numbers)))
            visitor.get(path)
            began = time.perf_counter()
            answer = visitor.post(path, {field: email, **fields})
            if n:  # the first of each warms up
                quickest[email == one] = min(quickest[email == one], time.perf_counter() - began)
            shown = answer if answer.status != 302 else visitor.get(answer.location)
            said[email == one] = (answer.status, answer.location, without_names(shown, email))
        assert said[True] == said[False]
        if n >= OFTEN and are_alike(quickest):
            break
    assert are_alike(quickest), quickest


def are_alike(seconds: dict[bool, float]) -> bool:
    return max(seconds.values()) < min(seconds.values()) * ALIKE


def test_a_sign_in_does_not_tell_who_has_an_account(scratch, known):
    asked_alike(scratch, LOGIN, known, {"password": "wrong-password-1"}, 20)


def test_a_forgotten_password_does_not_tell_who_has_an_account(scratch, known):
    asked_alike(scratch, RESET, known, {}, 21)


def test_a_sign_up_does_not_tell_who_has_an_account(scratch, known):
    asked_alike(scratch, SIGNUP, known, {"name": "Ada", "password1": NEW}, 22)


# --- Sessions ---


@pytest.fixture
def customer(scratch) -> str:
    """The address of somebody new, whose password is PASSWORD."""
    email = f"{uuid4()}@shop.example"
    [(user_id,)] = scratch.rows(
        "INSERT INTO users (name, email, password) SELECT 'Ada', %s, password FROM users WHERE user_id = %s"
        " RETURNING user_id",
        email,
        scratch.people["a customer"],
    )
    scratch.rows(
        'INSERT INTO account_emailaddress (user_id, email, verified, "primary") VALUES (%s, %s, true, true)',
        user_id,
        email,
    )
    return email


def test_a_session_that_an_attacker_chose_is_nobodys(scratch, customer):
    chosen = "a" * 32
    visitor = scratch.visitor(place=places.of(30, 0))
    visitor.session = chosen
    sign_in(visitor, customer)
    attacker = scratch.visitor()
    attacker.session = chosen

    assert is_in(visitor)
    assert visitor.session != chosen
    assert not is_in(attacker)


def test_a_guests_session_is_not_the_customers(scratch, customer):
    planted = "a" * 32
    visitor, attacker = scratch.visitor(place=places.of(30, 1)), scratch.visitor()
    visitor.session = attacker.session = planted

    sign_in(visitor, customer)

    assert is_in(visitor)
    assert visitor.session not in ("", planted)
    assert not is_in(attacker)


def test_a_session_ends_with_its_sign_out(scratch, customer):
    visitor = scratch.visitor(place=places.of(30, 2))
    sign_in(visitor, customer)
    kept = visitor.session
    visitor.post("/account/logout/")
    visitor.session = kept

    assert not is_in(visitor)
    assert visitor.get("/orders/").status == 302


def test_other_sessions_end_with_a_new_password(scratch, customer):
    here, there = (scratch.visitor(place=places.of(30, n)) for n in (3, 4))
    for visitor in (here, there):
        sign_in(visitor, customer)
    assert is_in(there)

    sent = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    changed = here.post("/account/password/change/", sent)

    assert changed.status == 302
    assert is_in(here)
    assert not is_in(there)
    assert sign_in(scratch.visitor(place=places.of(30, 5)), customer).status != 302


def test_a_link_for_a_new_password_works_once_and_ends_all_sessions(scratch, customer):
    there = scratch.visitor(place=places.of(30, 6))
    sign_in(there, customer)
    here = scratch.visitor(place=places.of(30, 7))
    here.post(RESET, {"email": customer})
    [link] = re.findall(r"https://shop\.example(/account/password/reset/key/\S+)", places.mails(scratch)[-1])

    form = here.get(link).location
    done = here.post(form, {"password1": NEW, "password2": NEW})
    again = scratch.visitor(place=places.of(30, 8)).get(link)

    assert done.status == 302
    assert not is_in(there)
    assert again.status == 200
    assert 'name="password1"' not in again.text
    assert sign_in(here, customer, NEW).status == 302


def test_sessions_end_when_staff_shut_an_account(scratch, customer):
    visitor = scratch.visitor(place=places.of(30, 9))
    sign_in(visitor, customer)
    assert is_in(visitor)
    [(user_id,)] = scratch.rows("SELECT user_id FROM users WHERE email = %s", customer)

    action = {"action": "deactivate_selected", "_selected_action": user_id}
    scratch.visitor("a superuser").post("/admin/users/user/", action)

    assert not is_in(visitor)
    sign_in(visitor, customer)
    assert not is_in(visitor)
