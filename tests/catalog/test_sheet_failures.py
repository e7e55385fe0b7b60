"""A file of products that the program cannot work on ends as failed, and the next one is worked on."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from catalog import product_work
from catalog.models import ProductSheet, SheetState
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)


def sheet(boss, **fields):
    now = timezone.now()
    fields = {"text": "name,sku,category,price,stock\n"} | fields
    return ProductSheet.objects.create(uploaded_by=boss.pk, name="a.csv", due_at=now, uploaded_at=now, **fields)


@pytest.mark.parametrize("seen", [{"x": None}, {"2": [1]}], ids=str)
def test_the_others_go_on(seen):
    boss = StaffFactory(is_superuser=True)
    bad = sheet(boss, state=SheetState.IMPORTING, seen=seen, text="name,sku,price\nLamp,L-1,3.00\n")
    good = sheet(boss, state=SheetState.READING)

    while product_work.work(at=timezone.now()):
        pass

    bad.refresh_from_db()
    good.refresh_from_db()
    assert bad.state == SheetState.FAILED
    assert bad.error.startswith("The shop could not work on this file (")
    assert good.state != SheetState.READING
    assert connection.is_usable()
