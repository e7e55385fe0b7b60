"""Every form of every page, sent with hostile texts in its fields: a sensible answer, and nothing broken for others."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.security import asking, shops
from tests.security.addresses import addresses
from tests.security.asking import Question
from tests.security.hostile import ROWS
from tests.security.pages import Form

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

# They would end the sessions that the others are sent with.
LEFT_OUT = ("/logout/", "/account/sessions/", "/account/close/", "/erase/")
ROWS_OF_FORMS = ("operators", "sql", "no text", "numbers", "brackets", "lines")
TOKEN = "csrfmiddlewaretoken"


@pytest.fixture(scope="module")
def fuzzed(django_db_setup, django_db_blocker, tmp_path_factory):
    """A shop of which nothing stays as it was."""
    with shops.opened(tmp_path_factory.mktemp("fuzzed"), django_db_blocker.unblock, "fuzzed") as shop:
        yield shop


@pytest.fixture(scope="module")
def forms(fuzzed) -> list[tuple[str, Form]]:
    """Each form that posts, once, with who is shown it."""
    found = {}
    for page in asking.pages(fuzzed, addresses(fuzzed)):
        for form in page.page.forms:
            if form.method == "post" and not any(part in form.action for part in LEFT_OUT):
                found[page.who, form.action, *sorted(form.fields)] = (page.who, form)
    return list(found.values())


def filled(form: Form, texts: tuple[str | bytes, ...], number: int) -> Iterator[dict[str, object]]:
    """What the form sends with hostile texts in all of its fields, of few ones two, and in one alone."""
    names = [name for name in form.fields if name != TOKEN]
    for shift in (number, number + 2) if len(texts) < 5 else (number,):
        yield {name: texts[(shift + at) % len(texts)] for at, name in enumerate(names)}
    shown = {name: values for name, values in form.fields.items() if name != TOKEN}
    if names:
        yield shown | {names[number % len(names)]: texts[number % len(texts)]}


@pytest.mark.parametrize("row", ROWS_OF_FORMS)
def test_a_form_is_answered_whatever_its_fields_hold(fuzzed, forms, row):
    questions = [
        Question(who, form.action, fields)
        for number, (who, form) in enumerate(forms)
        for fields in filled(form, ROWS[row], number)
    ]

    assert len(forms) > 25
    assert asking.faults(fuzzed, questions) == []


def test_the_pages_are_still_there_after_all_that(fuzzed, forms):
    """Whatever was taken from the forms before is shown without harm, and the shop sells."""
    still = [Question(asking.who_sees(address), address.path) for address in addresses(fuzzed) if not address.is_api]
    shop = [page.path for page in asking.pages(fuzzed, addresses(fuzzed)) if page.who == ""]

    assert asking.faults(fuzzed, still) == []
    assert {"/", "/cart/", "/search/"} <= {urlsplit(path).path for path in shop}
