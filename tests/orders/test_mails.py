"""Mails about orders: asked for with each step, sent in order, tried again until the server takes them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail as outbox
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django.asserts import assertContains, assertNotContains

from orders import mails
from orders.mails import FIRST_RETRY, MOST_ATTEMPTS, Sender
from orders.models import Mail, Order
from orders.services import OutOfStock, cancel_order, change_status
from orders.status import Status
from tests.config.processes import ROOT, database_url, wait_until
from tests.factories import ProductFactory, StaffFactory, UserFactory
from tests.impossible import possible
from tests.orders.back_office import page_of
from tests.orders.mail_server import HANG, HANG_UP, MailServer

pytestmark = pytest.mark.django_db

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def server(settings):
    """A real mail server, which the shop is set to use."""
    server = MailServer()
    settings.EMAIL_BACKEND = SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.close()


def send_all(at=None):
    """Try what is due, one after the other, as the sender does; return how many were sent."""
    sender, sent = Sender(), 0
    while sender.send_next(at=at or timezone.now()):
        sent += 1
    sender.rest()
    return sent


def waiting():
    return Mail.objects.filter(due_at__isnull=False)


def test_each_step_is_told_once_with_items_total_and_link(place, now, server, settings):
    settings.SITE_URL = "https://shop.example"
    lamp = ProductFactory(name="Lamp <b>“Éclat”</b>", price=Decimal("1234.50"))
    order = place(lamp, customer=UserFactory(email="ada@shop.example"), quantity=2)
    Order.objects.update(shipping_address={"name": "Ada & Co", "city": "London", "line1": 7, "postcode": "N1"})
    for to in (Status.PAID, Status.SHIPPED, Status.DELIVERED, Status.RETURNED):
        change_status(order, to=to, by=StaffFactory(), at=now)

    assert send_all() == 5

    assert [message["Subject"] for message in server.mails] == [
        f"[Shop] Your order {order}",
        f"[Shop] Order {order} is paid",
        f"[Shop] Order {order} is on its way",
        f"[Shop] Order {order} was delivered",
        f"[Shop] Order {order} was returned",
    ]
    assert server.conversations == 1  # one connection for all
    first = server.mails[0]
    assert (first["To"], first["Message-ID"]) == ("ada@shop.example", f"<order-{order.pk}-1@shop.example>")
    text, html = (first.get_body([kind]).get_content() for kind in ("plain", "html"))
    for told in (
        f"#{order.pk}",
        "2 × Lamp",
        "$2,469.00",
        f"https://shop.example/orders/{order.pk}/",
        "London",
        "Pending",
    ):
        assert told in text
        assert told in html
    assert "Lamp <b>“Éclat”</b>" in text
    assert "Ada & Co\n7\nN1 London" in text.replace("\r", "")
    assert "Lamp &lt;b&gt;“Éclat”&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "src=" not in html
    assert "➤" in server.mails[2].get_body(["html"]).get_content()
    assert not waiting().exists()


def test_mails_speak_the_language_the_order_was_placed_in(place, now, server):
    with translation.override("de"):
        order = place()
    change_status(order, to=Status.PAID, by=StaffFactory(), at=now)

    assert send_all() == 2

    assert [message["Subject"] for message in server.mails] == [
        f"[Shop] Ihre Bestellung {order}",
        f"[Shop] Bestellung {order} ist bezahlt",
    ]
    html = server.mails[1].get_body(["html"]).get_content()
    for told in ('lang="de"', "Bezahlt", "Summe", "10,00\N{NO-BREAK SPACE}$"):
        assert told in html
    assert translation.get_language() == "en"


def test_a_cancelled_order_is_told_and_plain_sql_tells_nobody(place, now):
    order = cancel_order(place(), by=UserFactory(), at=now)
    Order.objects.filter(pk=place().pk).update(status=Status.PAID)
    Order.objects.create(customer=UserFactory(), total_amount=Decimal("1"))

    assert list(Mail.objects.of_order(order.pk).values_list("rev", "status")) == [(1, "pending"), (2, "cancelled")]
    assert Mail.objects.count() == 3


def test_what_is_rolled_back_or_refused_tells_nobody(place, now):
    with transaction.atomic():
        place()
        transaction.set_rollback(True)
    with pytest.raises(OutOfStock):
        place(ProductFactory(stock=0))

    assert not Mail.objects.exists()


def test_asking_for_a_mail_is_one_statement(place):
    customer, product = UserFactory(), ProductFactory()

    with CaptureQueriesContext(connection) as queries:
        place(product, customer=customer)

    assert sum("order_mails" in query["sql"] for query in queries) == 1


def test_a_number_used_again_goes_on_with_its_revisions(place):
    first = place()
    Order.objects.filter(pk=first.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('orders', 'order_id'), %s, false)", [first.pk])

    again = place()

    assert again.pk == first.pk
    assert list(Mail.objects.of_order(again.pk).values_list("rev", flat=True)) == [1, 3]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ({"RCPT": "550 5.1.1 <x@y.example>: no such user\x01"}, "550 5.1.1 (address) no such user"),
        ({"MAIL": "451 later, please"}, "451 later, please"),
        ({"end": "554 spam"}, "554 spam"),
        ({"banner": "421 busy"}, "421 busy"),
        ({"EHLO": HANG_UP}, "Connection unexpectedly closed"),
        ({"banner": HANG}, "timed out"),
        ({"DATA": HANG}, "timed out"),
        ({"end": HANG}, "timed out"),
        ({"MAIL": "not a number"}, "-1"),
    ],
)
def test_what_the_server_does_wrong_is_told_and_tried_again(place, server, settings, says, told):
    order = place()
    server.says = says
    settings.EMAIL_TIMEOUT = 0.3 if HANG in says.values() else 10

    assert send_all() == 0

    failed = Mail.objects.get()
    assert told in failed.error
    assert (failed.attempts, failed.sent_at) == (1, None)
    assert failed.due_at - failed.tried_at == FIRST_RETRY
    assert send_all() == 0  # not before it is due
    assert Mail.objects.get().attempts == 1

    server.says, settings.EMAIL_TIMEOUT = {}, 10
    assert send_all(at=failed.due_at) == 1

    sent = Mail.objects.get()
    assert (sent.due_at, sent.error, sent.attempts) == (None, "", 2)
    assert len({message["Message-ID"] for message in server.mails}) == 1
    assert server.mails[-1]["Subject"] == f"[Shop] Your order #{order.pk}"


def test_pauses_grow_and_end(place, server):
    place()
    server.says = {"RCPT": "550 no"}
    at, pauses = timezone.now(), []
    while waiting().exists():
        send_all(at=at)
        tried = Mail.objects.get()
        pauses.append((tried.due_at - at) if tried.due_at else None)
        at = tried.due_at or at

    assert len(pauses) == MOST_ATTEMPTS
    assert pauses[:3] == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY]
    assert max(pauses[:-1]) == mails.LONGEST_RETRY
    assert timedelta(days=2) < sum(pauses[:-1], timedelta()) < timedelta(days=4)
    assert tried.error == "550 no"


def test_one_order_waits_for_its_earlier_mail_others_do_not(place, now, server):
    stuck = place(customer=UserFactory(email="stuck@shop.example"))
    server.says = {"RCPT": "451 later"}
    send_all()
    server.says = {}
    change_status(stuck, to=Status.PAID, by=StaffFactory(), at=now)
    other = place()

    assert send_all() == 1
    assert server.mails[0]["Subject"].endswith(str(other))

    assert send_all(at=timezone.now() + FIRST_RETRY) == 2
    assert [message["Subject"].split(" ", 1)[1] for message in server.mails[1:]] == [
        f"Your order {stuck}",
        f"Order {stuck} is paid",
    ]


def test_who_has_no_account_any_more_gets_no_mail(place, server):
    customer = place().customer
    customer.is_active = False
    customer.save()
    gone = place()
    Order.objects.filter(pk=gone.pk).delete()

    assert [send_all(), send_all()] == [0, 0]

    assert list(Mail.objects.order_by("pk").values_list("error", "due_at")) == [
        ("The customer's account is closed.", None),
        ("The order is not here any more.", None),
    ]
    assert server.mails == []


@pytest.mark.parametrize("address", ["two@at@signs", "line\nBcc: all@shop.example", "ü" * 20 + "@x"])
def test_an_address_that_is_none_holds_up_nobody(place, server, address):
    place(customer=UserFactory(email=address, is_verified=False))
    place()
    server.says = {"RCPT": "550 no"} if address.startswith("ü") else {}

    send_all()
    server.says = {}
    send_all()

    assert [message["Bcc"] for message in server.mails] == [None]
    assert waiting().get().error


def test_an_odd_order_of_plain_sql_is_told_too(server, now):
    with possible("orders_shipping_address_possible", "orders"):
        order = Order.objects.create(
            customer=UserFactory(), total_amount=Decimal("1"), shipping_address=["an", "array"]
        )
    change_status(order, to=Status.PAID, by=StaffFactory(), at=now)

    assert send_all() == 1
    assert "Delivery address" not in server.mails[0].get_body(["plain"]).get_content()


def test_staff_see_in_the_history_what_became_of_each_mail(client, place, now, server):
    client.force_login(StaffFactory())
    order = place()
    assertNotContains(client.get(page_of(order)), "Mail about")
    server.says = {"RCPT": "550 <mailbox> full"}
    send_all()

    page = client.get(page_of(order))
    assertContains(page, "Mail about “Pending” could not be sent: 550 &lt;mailbox&gt; full")
    assertContains(page, "Attempts so far: 1. The next one:")
    assert page.text.index("Mail about") < page.text.index("Placed</td>")

    server.says = {}
    send_all(at=timezone.now() + FIRST_RETRY)
    assertContains(client.get(page_of(order)), "Mail about “Pending” sent, at attempt 2.")

    Mail.objects.update(sent_at=None, error="550 gone")
    assertContains(client.get(page_of(order)), "550 gone<br>It is not tried any more.")
    # It is no change of the order: whoever decides on the page of before is not held up.
    assert Order.objects.get().rev == 1


def test_the_confirmation_says_where_the_mail_goes(client, place):
    customer = UserFactory(email="ada@shop.example")
    client.force_login(customer)

    page = client.get(f"/checkout/done/{place(customer=customer).pk}/")

    assertContains(page, "We are sending all of this to ada@shop.example")


def test_mails_of_development_are_printed(place, settings, capsys):
    settings.EMAIL_BACKEND = "config.printed_mails.EmailBackend"
    order = place(customer=UserFactory(email="ada@shop.example"))

    assert send_all() == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"To: ada@shop.example\nSubject: [Shop] Your order #{order.pk}")
    assert f"{order.total_amount:,}" in printed
    assert "<html" not in printed
    assert outbox.outbox == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_a_sender_killed_between_sending_and_noting_sends_the_same_mail_again(place, server):
    place()
    server.says = {"end": HANG}
    first = start_sender(server)
    assert server.reached.wait(60)
    first.kill()
    first.communicate()
    server.says = {}
    claimed = waiting().get()
    assert (claimed.attempts, claimed.error) == (1, "")

    # Two of them now, of which each mail goes to one.
    senders = [start_sender(server), start_sender(server)]
    for sender in senders:
        assert "waiting" in sender.stdout.readline()
    # PostgreSQL loses them, as in a restart.
    assert wait_until(lambda: lose_senders() >= 2, 60)
    Mail.objects.update(due_at=timezone.now())
    place()
    try:
        assert wait_until(lambda: not waiting().exists(), 60)
    finally:
        for sender in senders:
            sender.send_signal(signal.SIGTERM)
        said = [sender.communicate(timeout=60)[0] for sender in senders]

    assert [sender.returncode for sender in senders] == [0, 0]
    assert all("mail: stopped" in lines for lines in said)
    identities = [message["Message-ID"] for message in server.mails]
    # Either of the two may be the first to send.
    assert sorted(Counter(identities).values()) == [1, 2]
    assert identities.count(identities[0]) == 2


def lose_senders():
    """End the connections of the senders there are, and return how many; they may just be opening one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'sender of a test'"
        )
        return cursor.rowcount


def start_sender(server):
    """A sender of its own, on the test's database, with MongoDB away, which it has no use for."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "send_mails"],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database_url(),
            "MONGODB_URL": "mongodb://127.0.0.1:1/shop",
            "PGAPPNAME": "sender of a test",
            "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
