"""Two members of staff change the same thing: neither undoes what the other did, on any page of the back office."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from catalog.models import Category, Product
from history.models import Endpoint
from history.webhooks import endpoints
from orders.models import Order
from tests.config.two_browsers import Browser, picture
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.pages import text, told
from users.models import User

pytestmark = pytest.mark.django_db


def endpoint() -> Endpoint:
    made = Endpoint(name="Warehouse", url="https://shop.example/", kinds=[])
    endpoints.add(made)
    return made


MAKE = {
    User: UserFactory,
    Category: CategoryFactory,
    Product: ProductFactory,
    Group: lambda: Group.objects.create(name="Night shift"),
    Endpoint: endpoint,
    EmailAddress: lambda: EmailAddress.objects.get(user=UserFactory()),
}


@pytest.fixture(autouse=True)
def _pictures(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def ann():
    return Browser("Ann Ashe")


@pytest.fixture
def bob():
    return Browser("Bob Birch")


def changeable(rf) -> list[type]:
    """The models whose rows a superuser changes in a form."""
    request = rf.get("/")
    request.user = User(is_active=True, is_superuser=True, is_staff=True)
    return [model for model, of in admin.site._registry.items() if of.has_change_permission(request)]


def make(model):
    Group.objects.filter(name="Night shift").delete()
    Endpoint.objects.all().delete()
    return MAKE[model]()


def change_url(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def fields(browser, url) -> dict[str, forms.Field]:
    form = browser.open(url).bound
    return {name: field for name, field in form.fields.items() if not field.disabled}


def stored(browser, url, name) -> object:
    field = browser.open(url).bound[name]
    return sorted(map(str, field.initial)) if isinstance(field.initial, list) else field.initial


def test_every_form_of_the_back_office_is_tried(rf):
    reverse("admin:index")  # registers them
    assert {*changeable(rf)} - {Order} == {*MAKE}
    for of in admin.site._registry.values():
        assert not of.inlines
        assert not of.list_editable


@pytest.mark.parametrize("model", MAKE)
def test_what_a_colleague_changed_stays(model, ann, bob):
    for name in {*fields(ann, change_url(make(model)))} - {"remove_picture"}:
        row = make(model)
        url = change_url(row)
        mine, theirs = ann.open(url), bob.open(url)
        others = [each for each in mine.bound.fields if each != name]
        other = next(each for each in others if each not in ("password", "picture", "remove_picture", "is_active"))
        before = stored(bob, url, name)

        theirs_sent = theirs.send("csrfmiddlewaretoken", **theirs.other(name, 1))
        changed = stored(bob, url, name)
        mine_sent = mine.send(
            "csrfmiddlewaretoken",
            **mine.other(other, 2),
        )

        assert (theirs_sent.status_code, mine_sent.status_code) == (302, 302), (name, other, text(mine_sent))
        assert changed != before, name
        assert stored(ann, url, name) == changed, f"{name} is as it was before a colleague changed it"


@pytest.mark.parametrize("model", MAKE)
def test_a_field_that_both_changed_is_refused_once(model, ann, bob):
    for name, field in fields(ann, change_url(make(model))).items():
        if name == "remove_picture" or isinstance(field, forms.BooleanField | forms.ModelMultipleChoiceField):
            continue
        row = make(model)
        url = change_url(row)
        mine, theirs = ann.open(url), bob.open(url)
        theirs.send("csrfmiddlewaretoken", **theirs.other(name, 1))
        changed = stored(bob, url, name)

        refused = mine.send("csrfmiddlewaretoken", **mine.other(name, 2))

        assert refused.status_code == 200, name
        now = date_format(timezone.localtime(), "j M Y, H:")
        label = mine.bound[name].label
        for word in (f"“{label}” was changed", "Bob Birch", now):
            assert word in text(refused), (name, word)
        assert stored(ann, url, name) == changed

        mine.response = refused
        again = mine.send("csrfmiddlewaretoken", **mine.other(name, 2))
        assert again.status_code == 302, (name, text(again))
        assert stored(ann, url, name) != changed, "sent once more it replaces what the page showed"


@pytest.mark.parametrize("model", MAKE)
def test_what_both_changed_of_a_choice_of_several_is_merged(model, ann, bob):
    for number in range(6):
        Group.objects.get_or_create(name=f"Shift {number}")
    row = make(model)
    url = change_url(row)
    several = [name for name, each in fields(ann, url).items() if isinstance(each, forms.ModelMultipleChoiceField)]
    for name in several:
        keys = [str(key) for key in ann.open(url).bound.fields[name].queryset.values_list("pk", flat=True)]
        ann.open(url).send("csrfmiddlewaretoken", **{name: keys[:2]})
        mine, theirs = ann.open(url), bob.open(url)

        theirs.send("csrfmiddlewaretoken", **{name: [keys[0], keys[2]]})
        mine.send("csrfmiddlewaretoken", **{name: [keys[0], keys[1], keys[3]]})
        assert set(getattr(row, name).values_list("pk", flat=True)) == {int(keys[each]) for each in (0, 2, 3)}

        mine, theirs = ann.open(url), bob.open(url)
        theirs.send("csrfmiddlewaretoken", **{name: []})
        mine.send("csrfmiddlewaretoken")
        assert not getattr(row, name).exists(), "untouched, it stays as the colleague left it"


def test_lines_that_ended_otherwise_are_no_change(ann):
    product = ProductFactory(description="one\rtwo")  # browsers send \r\n for each

    saved = ann.open(change_url(product)).send(
        "csrfmiddlewaretoken", **{"initial-description": "one\r\ntwo", "description": "one\r\ntwo\r\nthree"}
    )

    assert saved.status_code == 302, text(saved)
    assert "three" in Product.objects.get().description


def test_a_picture_that_a_colleague_replaced_is_not_removed_unseen(ann, bob):
    url = change_url(ProductFactory())
    ann.open(url).send("csrfmiddlewaretoken", picture=picture(10))
    mine, theirs = ann.open(url), bob.open(url)
    theirs.send("csrfmiddlewaretoken", picture=picture(90))

    refused = mine.send("csrfmiddlewaretoken", remove_picture="on")

    assert "by Bob Birch on" in text(refused)
    assert Product.objects.exclude(image="").exists()
    assert told(refused) == []


def test_what_may_not_be_changed_any_more_is_refused_and_not_passed_over(ann, bob):
    person = UserFactory(name="Cleo")
    url = change_url(person)
    ann.user.groups.add(Group.objects.get(name="Manager"))
    User.objects.filter(pk=ann.user.pk).update(is_superuser=False)
    mine = ann.open(url)
    bob.open(url).send("csrfmiddlewaretoken", is_staff="on")

    refused = mine.send("csrfmiddlewaretoken", name="Cleopatra")

    assert "You may not change this any more: name" in text(refused)
    assert User.objects.get(pk=person.pk).name == "Cleo"
