"""Asking for somebody to be erased and confirming it: by two people, in the back office or at the end of an account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from orders import erasing
from orders.status import Status
from tests.factories import PASSWORD, StaffFactory, UserFactory
from tests.pages import text, told
from users.models import Erasure, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return UserFactory(name="Ada Private", email="ada@shop.example")


def manager(name):
    staff = UserFactory(is_staff=True, name=name)
    staff.groups.add(Group.objects.get(name="Manager"))
    return staff


def page_of(user):
    return reverse("admin:users_user_erase", args=[user.pk])


def test_one_asks_and_another_confirms(client, customer):
    mona, max_ = manager("Mona"), manager("Max")
    page, person_page = page_of(customer), reverse("admin:users_user_change", args=[customer.pk])
    client.force_login(mona)
    assertContains(client.get(person_page), page)
    assertContains(client.get(page), "Ask to erase this person")

    assert "Somebody else who may erase people confirms it" in told(client.post(page, {"step": "ask"}))[0]
    own = client.get(page)
    assertContains(own, "Waits for confirmation.")
    assertNotContains(own, "Erase this person")
    again, alone = client.post(page, {"step": "ask"}), client.post(page, {"step": "confirm"})
    assert (again.status_code, alone.status_code) == (409, 409)
    assertContains(alone, "Somebody else has to confirm what you asked for.", status_code=409)
    assert User.objects.get(pk=customer.pk).is_active
    client.force_login(max_)
    assertContains(client.get(page), "Erase this person")
    assert client.post(page, {"step": "nonsense"}).status_code == 409
    client.post(page, {"step": "confirm"})

    request = Erasure.objects.get()
    assert (request.asked_by, request.confirmed_by) == (mona.pk, max_.pk)
    assert not User.objects.get(pk=customer.pk).is_active
    assertContains(client.get(page), "Under way.")
    assert client.post(page, {"step": "withdraw"}).status_code == 409
    listed = client.get(reverse("admin:users_erasure_changelist"))
    assertContains(listed, "under way")
    shown = client.get(reverse("admin:users_erasure_change", args=[request.pk]))
    assertContains(shown, "Mona")
    assertContains(shown, page)
    assertNotContains(shown, "Ada Private")


def test_a_request_is_withdrawn_or_refused_or_lapses(customer, now):
    mona, max_ = manager("Mona"), manager("Max")
    first = erasing.ask(customer.pk, by=mona, at=now - timedelta(days=8))
    with pytest.raises(erasing.NotWaiting):
        erasing.confirm(first, by=max_, at=now)
    assert first.state(now) == "lapsed"

    second = erasing.ask(customer.pk, by=max_, at=now)
    erasing.withdraw(second, at=now)
    with pytest.raises(erasing.NotWaiting):
        erasing.confirm(second, by=mona, at=now)
    third = erasing.ask(customer.pk, by=mona, at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Erasure.objects.filter(pk=third.pk).update(confirmed_by=mona.pk)

    states = [each.state(now) for each in Erasure.objects.order_by("pk")]
    assert states == ["withdrawn", "withdrawn", "waits for confirmation"]
    assert User.objects.get(pk=customer.pk).is_active


def test_staff_and_people_with_open_orders_are_not_erased(client, customer, order_in, now):
    mona, max_, clerk = manager("Mona"), manager("Max"), UserFactory(name="Clerk")
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(mona)
    request = erasing.ask(customer.pk, by=mona, at=now)
    order_in(Status.PAID, customer=customer)

    with pytest.raises(erasing.OpenOrders):
        erasing.confirm(request, by=max_, at=now)
    for user in (clerk, max_, StaffFactory()):
        refused = client.post(page_of(user), {"step": "ask"})
        assertContains(refused, "staff are not erased", status_code=409)
        assertNotContains(client.get(page_of(user)), "Ask to erase this person")

    assert User.objects.get(pk=customer.pk).is_active


def test_who_closes_their_account_may_ask_for_it(client, customer, order_in, now):
    order_in(Status.DELIVERED, customer=customer)
    cache.clear()
    client.post(reverse("account_login"), {"login": customer.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    answer = client.post(reverse("orders:close_account"), {"erase": "on"}, follow=True)

    assert "Your data goes from your past orders once that is confirmed." in text(answer)
    request = Erasure.objects.get()
    assert (request.user_id, request.asked_by, request.asked_by_name) == (customer.pk, None, "the customer")
    # It does not lapse, and nobody but staff confirms it.
    assert request.state(now + timedelta(days=99)) == "waits for confirmation"
    with pytest.raises(erasing.SamePerson):
        erasing.confirm(request, by=User.objects.get(pk=customer.pk), at=timezone.now())
    erasing.confirm(request, by=manager("Mona"), at=timezone.now() + timedelta(days=99))
    assert Erasure.objects.under_way().count() == 1
