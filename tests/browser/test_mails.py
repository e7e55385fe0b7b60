"""Mails in a browser, as wide as mail programs show them and as narrow as a phone."""

from __future__ import annotations

import pytest

from orders.mails import message_of
from orders.models import Mail, Order
from orders.status import Status
from tests.browser.visitor import Visitor
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db


def test_mails_are_readable_by_everyone_and_fetch_nothing(browser, place):
    cap = ProductFactory(name="Donaudampfschifffahrtsgesellschaftskapitänsmütze " * 3, stock=1000)
    order = place(cap, quantity=1000)
    Order.objects.update(shipping_address={"name": "Ada", "line1": "x" * 200, "city": "London"})
    visitor = Visitor(browser, "http://localhost")
    fetched: list[str] = []
    visitor.page.on("request", lambda request: fetched.append(request.url))
    found = {}

    for status in Status:
        mail = message_of(Mail(order=order, rev=1, status=status, language="en"))
        visitor.page.set_content(mail.alternatives[0].content)
        for dark, width in [(False, 600), (True, 320)]:
            visitor.dress(dark=dark, width=width)
            if flaws := visitor.flaws():
                found[f"{status} {width}"] = flaws
    visitor.leave()

    assert found == {}
    assert visitor.faults == []
    assert fetched == []
