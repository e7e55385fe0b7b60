"""Who is told by the shop: a mail server and another system's server for webhooks. Both count what comes to them."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from tests import certificates
from tests.history.receiver import Receiver
from tests.orders.mail_server import MailServer

HERE = "127.0.0.1"
T = TypeVar("T")


class Outside:
    """`with Outside(home) as outside`. mails, hooks: how often each came, by its Message-ID or event."""

    def __init__(self, home: Path) -> None:
        self._certificate = certificates.write(home / "hooks.pem", HERE, of=x509.IPAddress(ip_address(HERE)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        self._receiver = Receiver(context)
        self._mail_server = MailServer()
        self.hook_url = self._receiver.url.replace("http:", "https:")
        self.mails: Counter[str] = Counter()
        self.hooks: Counter[str] = Counter()

    @property
    def environment(self) -> dict[str, str]:
        """By which the shop finds both; of all authorities it knows the one that vouches for the receiver."""
        return {"EMAIL_URL": f"smtp://{HERE}:{self._mail_server.port}", "SSL_CERT_FILE": str(self._certificate)}

    def __enter__(self) -> Outside:
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.close()
        self._mail_server.close()

    def count(self) -> None:
        """Take note of what came; to be called now and then, or all of it would be kept."""
        self.mails.update(str(mail["Message-ID"]) for mail in _taken(self._mail_server.mails))
        self.hooks.update(request.headers["webhook-id"] for request in _taken(self._receiver.requests))

    def doubled(self) -> list[str]:
        return [each for counted in (self.mails, self.hooks) for each, times in counted.items() if times > 1]


def _taken(came: list[T]) -> Iterator[T]:
    """Empty a list that others append to meanwhile; a list put in its place would miss what is on its way."""
    while came:
        yield came.pop()
