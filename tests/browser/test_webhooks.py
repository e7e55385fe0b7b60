"""Staff and webhooks in a browser: added, its secret seen once, a delivery looked at and sent again."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from history.models import Delivery, Endpoint
from history.webhooks import deliveries
from history.webhooks.sending import Answer


@pytest.mark.timeout(240)
def test_a_webhook_is_added_and_a_failed_delivery_sent_again(visit, goods):
    clerk = visit()
    clerk.sign_in("staff@shop.example")
    page = clerk.page

    clerk.go("/admin/history/endpoint/add/")
    page.get_by_label("Name").fill("Warehouse")
    page.get_by_label("Address").fill("https://hooks.example/orders")
    page.get_by_label("Placed").check()
    found = clerk.flaws_by_look()
    clerk.follow(page.get_by_role("button", name="Save", exact=True))
    secret = page.get_by_label("The secret").input_value()
    assert secret.startswith("whsec_")
    found |= clerk.flaws_by_look()
    clerk.follow(page.get_by_role("link", name="I have copied it: go on to Warehouse"))
    expect(page.get_by_text("Nothing sent yet")).to_be_visible()
    found |= clerk.flaws_by_look()
    clerk.follow(page.get_by_role("button", name="Make a new secret"))
    expect(page.get_by_label("The secret")).not_to_have_value(secret)

    endpoint = Endpoint.objects.get()
    made = Delivery.objects.create(
        endpoint=endpoint, event_id=1, order_id=7, rev=1, kind="placed", body='{"id": 1}', due_at=timezone.now()
    )
    [claimed] = deliveries.claim(endpoint, 1, at=timezone.now())
    refused = Answer(500, "<html>" + "oops" * 200, "It answered 500 Internal Server Error")
    deliveries.settle(claimed, refused, at=timezone.now())
    clerk.go("/admin/history/endpoint/")
    expect(page.get_by_text("Failing since")).to_be_visible()
    clerk.follow(page.get_by_role("link", name="Warehouse"))
    clerk.follow(page.get_by_role("link", name="Deliveries"))
    found |= clerk.flaws_by_look()
    clerk.follow(page.get_by_role("link", name="1", exact=True))
    expect(page.get_by_text("It answered 500").first).to_be_visible()
    found |= clerk.flaws_by_look()
    clerk.follow(page.get_by_role("button", name="Deliver again"))
    expect(page.get_by_text("It is sent again now.")).to_be_visible()

    assert Delivery.objects.get(pk=made.pk).attempts == 0
    assert found == {}
