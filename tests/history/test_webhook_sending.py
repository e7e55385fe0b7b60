"""One POST to somebody else's server: never to a private address, never for longer than it may take."""

from __future__ import annotations

import socket
import ssl
import time

import pytest
from cryptography import x509

from history.webhooks import addresses, sending
from tests import certificates
from tests.history.receiver import OK, Receiver, answers, drips, hangs, status

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "fe80::1",
    "fe80::1%lo", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1", "2001:10::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8"]
# Other ways to write this machine's own address, and the cloud's metadata; the system's look-up takes some of them.
DISGUISED = ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0", "localhost", "[::1]", "[::ffff:7f00:1]", "2852039166"]


def post(url, **options):
    return sending.post(url, b"{}", {"Content-Type": "application/json"}, **{"deadline": 0.6, **options})


def test_only_public_addresses_are_allowed():
    assert [address for address in PRIVATE if addresses.is_allowed(address)] == []
    assert [address for address in PUBLIC if not addresses.is_allowed(address)] == []
    assert not addresses.is_allowed("hooks.example")


def test_whatever_it_is_called_the_shop_itself_is_not_reached(receiver, settings):
    settings.WEBHOOK_NETWORKS = []

    for host in [*DISGUISED, "127.0.0.1"]:
        answer = post(f"http://{host}:{receiver.port}/")
        assert (answer.status, answer.is_taken) == (None, False), host
        assert "no public address" in answer.error or "not found" in answer.error, (host, answer.error)
    assert receiver.connections == 0


def test_one_private_address_among_a_names_addresses_is_too_many(receiver, settings, monkeypatch):
    settings.WEBHOOK_NETWORKS = []
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)

    assert post("https://hooks.example/").error == "127.0.0.1 is no public address."


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(receiver, monkeypatch):
    """Who answers otherwise the second time gets no second time."""
    lookups = []

    def look_up(host, port, *_, **__):
        lookups.append(host)
        address = "127.0.0.1" if len(lookups) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    real = socket.getaddrinfo
    # The socket module asks it for addresses in figures, too; these are nobody's to answer.
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: (real if host == "127.0.0.1" else look_up)(host, *a, **k)
    )

    answer = post(f"http://hooks.example:{receiver.port}/in?a=1")

    assert (answer.status, lookups) == (200, ["hooks.example"])
    assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert receiver.requests[0].target == "/in?a=1"


def test_addresses_that_are_none_for_a_webhook(settings):
    settings.LOCAL = False
    good = ["https://hooks.example/a?b=c", "https://hooks.example:8443/"]
    bad = [
        "http://hooks.example/", "ftp://hooks.example/",
        "file:///etc/passwd", "gopher://hooks.example/", "hooks.example",
        "https://", "https:///a",
        "https://user@hooks.example/", "https://a:b@hooks.example/", "https://hooks.example/#a",
        "https://hooks.example:25/", "https://hooks.example:99999/", "https://hooks.example:x/", "https://[::1/",
        "https://hooks.example/a b", "https://hooks.example/\r\nX: y", "https://höks.example/", "",
    ]  # fmt: skip

    assert [addresses.parsed(url).hostname for url in good] == ["hooks.example"] * 2
    for url in bad:
        with pytest.raises(addresses.Refused):
            addresses.parsed(url)


def test_an_answer_is_kept_with_its_status(receiver):
    answer = post(receiver.url)

    assert answer == sending.Answer(200, "taken", "")
    assert answer.is_taken
    receiver.says = answers(status("503 Busy"))
    assert post(receiver.url) == sending.Answer(503, "", "It answered 503 Busy")
    receiver.says = answers(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\0!")
    assert post(receiver.url).text == "\ufffd\ufffd!"


def test_a_redirect_is_an_answer_and_not_followed(receiver):
    elsewhere = Receiver()
    for line in ("301 Moved", "302 Found", "307 Temporary", "308 Permanent"):
        receiver.says = answers(status(line, f"Location: {elsewhere.url}"))

        answer = post(receiver.url)

        assert (answer.status, answer.is_taken) == (int(line[:3]), False)
    assert elsewhere.connections == 0
    elsewhere.close()


def late(receiver, request, write):
    receiver.released.wait(0.3)
    write(OK)


def test_what_is_late_is_waited_for_and_what_hangs_or_drips_is_cut_off(receiver):
    receiver.says = late
    assert post(receiver.url).is_taken
    for says in (
        hangs,
        drips(b""),
        drips(b"HTTP/1.1 200 OK\r\nX-Long: "),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n"),
    ):
        receiver.says = says
        began = time.monotonic()

        answer = post(receiver.url, deadline=0.3)

        assert (answer.is_taken, answer.error) == (False, "No whole answer within 0.3 s.")
        assert 0.25 < time.monotonic() - began < 1.5


def test_of_ten_megabytes_only_the_beginning_is_read(receiver):
    sent = []

    def flood(receiver, request, write):
        write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(1000):
            sent.append(write(b"x" * 10_000))

    receiver.says = flood
    answer = post(receiver.url, deadline=5)

    assert (answer.status, answer.text) == (200, "x" * 2000)
    assert len(sent) < 1000


def test_what_is_no_answer_is_told(receiver):
    for said in (b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200):
        receiver.says = answers(said)
        answer = post(receiver.url)
        assert (answer.status, answer.is_taken) == (None, False)
        assert answer.error
    receiver.close()
    assert "refused" in post(receiver.url).error


def test_tls_proves_the_name_and_a_handshake_cannot_drag_on(receiver, tmp_path, monkeypatch):
    file = certificates.write(tmp_path / "hooks.example.pem", "hooks.example", of=x509.DNSName("hooks.example"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    safe = Receiver(context)
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: here if host.endswith(".example") else real(host, *a, **k)
    )

    unknown = post(f"https://hooks.example:{safe.port}/", deadline=3)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    known = post(f"https://hooks.example:{safe.port}/", deadline=3)
    other = post(f"https://other.example:{safe.port}/", deadline=3)
    safe.says = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    dripping = post(f"https://hooks.example:{safe.port}/", deadline=1)
    safe.close()
    with socket.create_server(("127.0.0.1", 0)) as mute:  # connects, and says nothing
        began = time.monotonic()
        silent = post(f"https://hooks.example:{mute.getsockname()[1]}/", deadline=0.3)

    assert "certificate verify failed" in unknown.error
    assert known.is_taken
    assert "certificate verify failed" in other.error
    assert dripping.error == "No whole answer within 1 s."
    assert len(safe.requests) == 2
    assert silent.error == "No whole answer within 0.3 s."
    assert time.monotonic() - began < 1.5
