"""Where webhooks may go: public addresses, over https.

Whoever may enter an address must not reach what only this server can: itself, its network, its cloud's metadata.
What counts is the address connected to, so names are looked up once, here, and never again.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# All that is given out on the internet; mapped, translated and local addresses lie outside.
PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# They carry an IPv4 address that somebody on the way unpacks: 6to4, Teredo, and the relays of the former.
CARRIERS = [ipaddress.ip_network(each) for each in ("2002::/16", "2001::/32", "192.88.99.0/24")]


class Refused(Exception):
    """Nothing is sent to this address; the text says why."""


def parsed(url: str) -> SplitResult:
    """Return the parts of an address that is fit for a webhook, as far as can be told without looking it up.

    Raises Refused.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused(f"This is no address: {error}.") from error
    schemes = ["https", "http"] if settings.LOCAL else ["https"]
    if parts.scheme not in schemes or not parts.hostname or not url.isascii() or not url.isprintable() or " " in url:
        raise Refused("An address starts with https:// and has neither spaces nor letters beyond ASCII.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("An address has no user name, password or # in it.")
    if port is not None and port != 443 and not settings.LOCAL and port < 1024:
        raise Refused("The port is 443 or one above 1023.")
    return parts


def refuse_private(host: str) -> None:
    """Raise Refused for a host that is no public one, as far as can be told without looking its name up."""
    address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return
    if not is_allowed(address):
        raise Refused(f"{host} is no public address, so nothing would ever be sent to it.")


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, all of them allowed. Raises Refused where one is not or there is none."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise Refused(f"The name was not found: {error}.") from error
    for address in found:
        if not is_allowed(address):
            raise Refused(f"{address} is no public address.")
    return sorted(found, key=lambda address: (":" in address, address))


def is_allowed(text: str) -> bool:
    """Whether webhooks may go to this address: a public one, or in one of the networks of WEBHOOK_NETWORKS."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    if any(address in ipaddress.ip_network(network) for network in settings.WEBHOOK_NETWORKS):
        return True
    return is_public(address)


def is_public(address: Address) -> bool:
    if any(address in network for network in CARRIERS) or address.is_multicast or address.is_reserved:
        return False
    return address.is_global and (address.version == 4 or address in PUBLIC_6)
