"""Webhooks: each event at least once, in each order's order, whatever the other side does; the shop feels nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains
from standardwebhooks import Webhook, WebhookVerificationError

from history.feed import positions
from history.models import Delivery, Endpoint, Event, FeedEvent, Subject
from history.webhooks import deliveries, endpoints, signing
from history.webhooks.deliverer import PER_ENDPOINT
from history.webhooks.sending import Answer
from orders.services import change_status
from orders.status import Status
from tests.config.processes import ROOT, database_url, wait_until
from tests.factories import StaffFactory, UserFactory
from tests.history.receiver import Receiver, answers, hangs, status
from tests.pages import told

pytestmark = pytest.mark.django_db(transaction=True)

TAKEN, REFUSED = Answer(200, "ok", ""), Answer(500, "oops", "It answered 500")


def deliver(deliverer, at=None, seconds=10.0):
    """Go on until nothing is left to do now."""
    assert wait_until(lambda: not deliverer.turn(at=at or timezone.now()), seconds)


def placed_and_paid(place, now):
    order = place()
    for to in (Status.PAID, Status.SHIPPED):
        change_status(order, to=to, by=StaffFactory(), at=now)
    return order


def fan_out(endpoint, at):
    positions.number()
    return deliveries.fan_out(endpoint.pk, at=at)


def given(endpoint, answer, at):
    """Try what is due at that moment with this answer; return the events tried."""
    claimed = deliveries.claim(Endpoint.objects.get(pk=endpoint.pk), 10, at=at)
    for delivery in claimed:
        deliveries.settle(delivery, answer, at=at)
    return [(delivery.order_id, delivery.rev) for delivery in claimed]


def test_each_event_arrives_once_signed_and_in_order(place, now, receiver, endpoint, deliverer):
    order = placed_and_paid(place, now)

    deliver(deliverer)

    bodies = [json.loads(request.body) for request in receiver.requests]
    assert [(body["type"], body["order_id"], body["rev"], body["status"]) for body in bodies] == [
        ("order.placed", order.pk, 1, "pending"),
        ("order.status", order.pk, 2, "paid"),
        ("order.status", order.pk, 3, "shipped"),
    ]
    assert bodies == [event.told() for event in FeedEvent.objects.after(0)]
    first = receiver.requests[0]
    assert first.headers["webhook-id"] == str(bodies[0]["id"])
    assert first.headers["content-type"] == "application/json"
    standard = Webhook(signing.secret(endpoint))
    assert standard.verify(first.body, first.headers) == bodies[0]
    for changes in (
        {"webhook-id": str(bodies[1]["id"])},
        {"webhook-timestamp": str(int(time.time()) - 301)},
        {"webhook-signature": receiver.requests[1].headers["webhook-signature"]},
    ):
        with pytest.raises(WebhookVerificationError):
            standard.verify(first.body, first.headers | changes)
    with pytest.raises(WebhookVerificationError):
        standard.verify(first.body.replace(b"placed", b"paid"), first.headers)
    kept = Delivery.objects.get(rev=1)
    assert (kept.attempts, kept.status_code, kept.answer, kept.error) == (1, 200, "taken", "")
    assert (kept.body.encode(), kept.due_at, kept.delivered_at is None) == (first.body, None, False)


def documented_verification():
    """What docs/webhooks.md says receivers without a library have to do."""
    [script] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(script, names)
    return names["is_genuine"]


def test_receivers_without_a_library_verify_as_the_docs_say(endpoint, now):
    verify, secret = documented_verification(), signing.secret(endpoint)

    headers = {name.lower(): value for name, value in signing.headers(endpoint, 7, b"{}", at=now).items()}

    assert verify(secret, headers, b"{}")
    assert not verify(secret, headers, b"{} ")
    assert not verify(secret, headers | {"webhook-id": "8"}, b"{}")
    assert not verify(secret, headers | {"webhook-timestamp": str(int(now.timestamp()) - 301)}, b"{}")


@pytest.mark.parametrize("has_standard_signature", [True, False])
def test_for_a_day_after_a_new_secret_both_sign(endpoint, now, has_standard_signature):
    Endpoint.objects.update(has_standard_signature=has_standard_signature)
    endpoint.refresh_from_db()
    old = signing.headers(endpoint, 7, b"{}", at=now)["Webhook-Signature"]
    old_secret = signing.secret(endpoint)
    endpoints.rotate(endpoint, at=now)
    endpoint.refresh_from_db()

    both, later = (
        signing.headers(endpoint, 7, b"{}", at=now + timedelta(hours=hours))["Webhook-Signature"] for hours in (23, 25)
    )

    assert signing.secret(endpoint) != old_secret
    assert [len(re.findall("v1[,=]", text)) for text in (old, both, later)] == [1, 2, 1]


def test_endpoints_from_before_the_standard_keep_their_signature(endpoint, now):
    Endpoint.objects.update(has_standard_signature=False)
    endpoint.refresh_from_db()

    headers = signing.headers(endpoint, 7, b"{}", at=now)

    moment = int(now.timestamp())
    signed = hmac.new(signing.secret(endpoint).encode(), f"{moment}.".encode() + b"{}", hashlib.sha256)
    assert headers == {"Webhook-Id": "7", "Webhook-Signature": f"t={moment},v1={signed.hexdigest()}"}


def test_an_endpoint_gets_the_kinds_it_wants_from_when_it_was_added(place, now, receiver):
    place()
    positions.number()
    endpoint = Endpoint(name="Shipping", url=receiver.url, kinds=["status"])
    endpoints.add(endpoint)
    order = placed_and_paid(place, now)

    assert fan_out(endpoint, now) == 3
    assert fan_out(endpoint, now) == 0

    assert list(Delivery.objects.order_by("rev").values_list("order_id", "rev")) == [(order.pk, 2), (order.pk, 3)]


def test_what_fails_is_tried_again_and_holds_up_only_its_own_order(place, now, endpoint):
    first, second = placed_and_paid(place, now), place()
    fan_out(endpoint, now)

    assert given(endpoint, REFUSED, now) == [(first.pk, 1), (second.pk, 1)]
    assert given(endpoint, TAKEN, now + timedelta(seconds=9)) == []
    assert given(endpoint, TAKEN, now + timedelta(seconds=10)) == [(first.pk, 1), (second.pk, 1)]
    assert given(endpoint, TAKEN, now + timedelta(seconds=10)) == [(first.pk, 2)]
    failed = given(endpoint, REFUSED, now + timedelta(seconds=11))

    assert failed == [(first.pk, 3)]
    kept = Delivery.objects.get(rev=3)
    assert (kept.status_code, kept.answer, kept.error, kept.attempts) == (500, "oops", "It answered 500", 1)
    assert kept.due_at == now + timedelta(seconds=21)


def test_what_fails_alone_is_given_up_after_three_days_and_can_be_sent_again(place, now, endpoint):
    poison = placed_and_paid(place, now)
    at, tries = now, 0
    fan_out(endpoint, at)
    while bad := Delivery.objects.waiting().filter(order_id=poison.pk, rev=1).first():
        at = max(at, bad.due_at)
        for delivery in deliveries.claim(Endpoint.objects.get(), 10, at=at):
            is_poison = (delivery.order_id, delivery.rev) == (poison.pk, 1)
            tries += is_poison
            deliveries.settle(delivery, REFUSED if is_poison else TAKEN, at=at)
        place(at=at)  # the others go on arriving
        fan_out(endpoint, at)

    assert timedelta(days=3) <= at - now <= timedelta(days=3, hours=7)
    assert 15 <= tries <= 30
    assert Endpoint.objects.get().is_active
    kept = Delivery.objects.get(order_id=poison.pk, rev=1)
    assert (kept.delivered_at, kept.error) == (None, "It answered 500")
    assert (poison.pk, 2) in given(endpoint, TAKEN, at)
    deliveries.redeliver(kept, at=at)
    assert (poison.pk, 1) in given(endpoint, TAKEN, at)
    kept.refresh_from_db()
    assert kept.delivered_at == at


def test_an_endpoint_that_is_gone_is_switched_off_with_a_mail_and_loses_nothing(place, now, endpoint, settings):
    settings.SITE_URL = "https://shop.example"
    boss, desk = StaffFactory(), UserFactory(is_staff=True)
    orders = [place() for _ in range(8)]
    fan_out(endpoint, now)
    assert len(given(endpoint, REFUSED, now)) == 8

    at, pauses = now, []
    while not pauses or pauses[-1] < deliveries.LONGEST_PAUSE:
        retry_at = Endpoint.objects.get().retry_at
        pauses.append(retry_at - at)
        assert given(endpoint, REFUSED, retry_at - timedelta(seconds=1)) == []
        at = retry_at
        assert len(given(endpoint, REFUSED, at)) == 1  # one at a time
    assert pauses == sorted(pauses)
    given(endpoint, REFUSED, now + timedelta(days=3) - timedelta(minutes=1))
    assert Endpoint.objects.get().is_active
    at = now + timedelta(days=3, minutes=15)
    assert len(given(endpoint, REFUSED, at)) == 1
    assert not Endpoint.objects.get().is_active

    assert Delivery.objects.waiting().count() == 8
    [mail] = [mail for mail in outbox.outbox if "Warehouse" in mail.subject]
    assert mail.to == [boss.email]
    assert desk.email not in mail.to
    for part in (endpoint.url, "It answered 500", f"https://shop.example/admin/history/endpoint/{endpoint.pk}/change/"):
        assert part in mail.body
    orders.append(place())
    assert given(endpoint, TAKEN, at) == []
    assert fan_out(endpoint, at) == 0
    endpoint.refresh_from_db()
    endpoint.is_active = True
    endpoints.change(endpoint, at=at)
    fan_out(endpoint, at)

    assert sorted(given(endpoint, TAKEN, at)) == [(order.pk, 1) for order in orders]


def test_without_a_mail_server_an_endpoint_is_not_switched_off_in_silence(place, now, endpoint, settings):
    place()
    fan_out(endpoint, now)
    given(endpoint, REFUSED, now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    StaffFactory()
    at = now + timedelta(days=3)

    with pytest.raises(OSError, match="refused"):
        given(endpoint, REFUSED, at)

    assert Endpoint.objects.get().is_active
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert given(endpoint, REFUSED, at + deliveries.LEASE)
    assert not Endpoint.objects.get().is_active


def test_one_that_hangs_holds_up_nobody_else_and_no_connection(place, now, receiver, endpoint, deliverer):
    slow = Receiver()
    slow.says = hangs
    endpoints.add(Endpoint(name="Hangs", url=slow.url))
    orders = [place() for _ in range(12)]

    deadline = time.monotonic() + 5
    while len(receiver.requests) < 12 and time.monotonic() < deadline:
        deliverer.turn(at=timezone.now())
        time.sleep(0.01)

    assert len(receiver.requests) == 12
    assert slow.connections == PER_ENDPOINT
    assert Event.objects.filter(order_id=place().pk).exists()  # the shop sells
    assert len(orders) == 12
    slow.close()


def test_redirects_and_refusals_are_in_the_log(place, receiver, endpoint, deliverer):
    place()
    receiver.says = answers(status("302 Found", "Location: http://169.254.169.254/"))

    deliver(deliverer)

    [kept] = Delivery.objects.all()
    assert (kept.status_code, kept.error) == (302, "It answered 302 Found")
    assert kept.due_at > timezone.now()
    assert Endpoint.objects.get().failures == 1


def start(*arguments):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "deliver_webhooks", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url(), "WEBHOOK_NETWORKS": "127.0.0.0/8"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert "waiting for events" in process.stdout.readline()
    return process


def test_killed_while_it_sends_another_takes_over_and_stops_when_asked_to(place, now, receiver, endpoint):
    receiver.says = hangs
    order = placed_and_paid(place, now)
    killed = start()
    assert wait_until(lambda: len(receiver.requests) == 1)
    killed.kill()
    killed.communicate()
    receiver.says = answers(b"HTTP/1.1 204 No Content\r\n\r\n")

    heir = start("--lease=1")
    assert Delivery.objects.get(rev=1).due_at > timezone.now() + timedelta(seconds=30)  # the dead one's lease
    Delivery.objects.filter(rev=1).update(due_at=timezone.now())  # …which passes
    assert wait_until(lambda: not Delivery.objects.waiting().exists())
    heir.send_signal(signal.SIGTERM)
    said, _ = heir.communicate(timeout=15)

    assert (heir.returncode, said) == (0, "hooks: stopped\n")
    assert [json.loads(request.body)["rev"] for request in receiver.requests] == [1, 1, 2, 3]
    assert {json.loads(request.body)["order_id"] for request in receiver.requests} == {order.pk}


def test_old_deliveries_and_events_are_forgotten(place, now, endpoint, deliverer):
    place()
    fan_out(endpoint, now)

    deliverer.turn(at=now + timedelta(days=91))

    assert (Delivery.objects.count(), FeedEvent.objects.count(), positions.ends().forgotten) == (0, 0, 1)


def test_staff_add_a_webhook_and_see_its_secret_once(client, place, now):
    client.force_login(StaffFactory())
    url = reverse("admin:history_endpoint_add")
    form = {"name": "Ware\nhouse", "url": "https://hooks.example/", "kinds": ["placed"], "is_active": "on"}

    refused = client.post(url, {**form, "url": "https://user:password@hooks.example/"})
    private = [client.post(url, {**form, "url": f"https://{host}/"}) for host in ("10.0.0.1", "localhost", "[::1]")]
    added = client.post(url, form)
    endpoint = Endpoint.objects.get()
    taken = client.post(url, {**form, "name": "ware house"})
    shown = client.get(added["Location"])
    again = client.get(added["Location"])

    assertContains(refused, "An address has no user name")
    for page in private:
        assertContains(page, "is no public address")
    assertContains(taken, "Another webhook has this name.")
    secret = signing.secret(endpoint)
    assertContains(shown, secret)
    assert "no-store" in shown["Cache-Control"]
    assert (endpoint.name, endpoint.kinds, endpoint.position) == ("Ware house", ["placed"], positions.ends().last)
    assert again.status_code == 302
    page = client.get(again["Location"])
    assert told(page) == ["A secret is shown once, when it is made. You can make a new one."]
    assertNotContains(page, secret)
    assertContains(client.get(reverse("admin:history_endpoint_changelist")), "Nothing sent yet")
    client.post(reverse("admin:history_endpoint_rotate", args=[endpoint.pk]))
    events = Event.objects.filter(subject=Subject.WEBHOOK).order_by("pk")
    assert [(event.kind, event.note) for event in events] == [("created", ""), ("changed", "A new secret was made.")]
    assert events[0].changes["kinds"] == [None, ["placed"]]
    assert secret not in str([event.changes for event in events])


def test_staff_look_at_a_delivery_have_it_sent_again_and_delete_its_webhook(client, place, now, endpoint):
    client.force_login(StaffFactory())
    order = place()
    fan_out(endpoint, now)
    given(endpoint, Answer(200, "<b>ok</b>", ""), now)
    delivery = Delivery.objects.get()

    page = client.get(reverse("admin:history_delivery_change", args=[delivery.pk]))
    listed = client.get(reverse("admin:history_delivery_changelist"), {"q": f"#{order.pk}", "state": "delivered"})
    sent = client.post(reverse("admin:history_delivery_redeliver", args=[delivery.pk]), follow=True)

    assertContains(page, "&lt;b&gt;ok&lt;/b&gt;")
    assertContains(page, "order.placed")
    assertContains(listed, "Warehouse")
    assert told(sent) == ["It is sent again now."]
    assert given(endpoint, TAKEN, timezone.now()) == [(order.pk, 1)]
    client.post(reverse("admin:history_endpoint_delete", args=[endpoint.pk]), {"post": "yes"})
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


def test_one_switched_on_after_too_long_says_what_it_missed(client, place, now, endpoint):
    client.force_login(StaffFactory())
    Endpoint.objects.update(is_active=False)
    place()
    positions.number()
    positions.forget(before=now + timedelta(days=1))
    form = {"name": "Warehouse", "url": endpoint.url, "is_active": "on"}

    saved = client.post(reverse("admin:history_endpoint_change", args=[endpoint.pk]), form, follow=True)

    assert "the first events it missed are no longer kept" in told(saved)[0]
    assert Endpoint.objects.get().is_active
