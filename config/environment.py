"""Read and check the settings from the environment; what cannot be used is refused in one sentence.

The sentence names the variable and what it may be. It shows the value, except of secrets and of addresses, which may
hold passwords.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import getaddresses
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import available_timezones

import environ
import psycopg
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from psycopg.conninfo import conninfo_to_dict
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

# As `check --deploy` asks for.
SHORTEST_SECRET, FEWEST_CHARACTERS, MADE_BY_STARTPROJECT = 50, 5, "django-insecure-"
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
MAX_SHOWN = 60
# Days over which MongoDB can expire documents: its number of seconds has 32 bits.
MAX_DAYS = 24_855

# Time zones that PostgreSQL does not know, or takes for abbreviations without summer time.
NOT_ALIKE = ("CET", "EET", "MET", "WET", "localtime")

HOST_NAME = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
IPV6 = r"\[[0-9A-Fa-f:.]+\]"
PORT = r"(?::(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}))"
# Each character that has a meaning in an address is percent-encoded in user name and password.
USER_INFO = r"(?:[^\s:/?#\[\]@%]|%[0-9A-Fa-f]{2})*"
HOST = rf"(?:{IPV6}|[\w.%-]+){PORT}?"
ADDRESS = rf"(?:(?P<user>{USER_INFO}(?::{USER_INFO})?)@)?(?:{HOST}(?:,{HOST})*)?"
OPTIONS = r"(?:\?[^\s#@]*)?"
STORES = {
    "DATABASE_URL": (rf"postgres(?:ql)?://{ADDRESS}/[^\s/?#@]+{OPTIONS}", "postgresql://user:password@host:5432/name"),
    "MONGODB_URL": (
        rf"mongodb(?:\+srv)?://(?!/){ADDRESS}(?<![@/])/[^\s/?#@.$\"\\]{{1,63}}{OPTIONS}",
        "mongodb://user:password@host:27017/name",
    ),
}
EMAIL = (
    rf"smtp(?:s|\+tls|\+ssl)?://{ADDRESS}(?<![@/])/?{OPTIONS}|filemail:///[^\s?#@]+|(?:console|memory|dummy)mail://",
    "smtp+tls://user:password@host:587",
)
# ISO 4217, currencies in circulation; without those of three decimals, which the tables cannot hold.
CURRENCIES = frozenset(
    """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
IRR ISK JMD JPY KES KGS KHR KMF KPW KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG
XOF XPF YER ZAR ZMW ZWG
""".split()  # noqa: SIM905 - as short as the list can be
)
NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())  # noqa: SIM905


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """End the process with the sentence where a setting is refused."""
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")


class Env:
    """The environment of this process. A variable that is empty or blank counts as not set.

    Every method raises ImproperlyConfigured for a value that cannot be used, and returns the default unchecked.
    """

    def __init__(self) -> None:
        self._values = {name: value.strip() for name, value in os.environ.items() if value.strip()}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(
        self, name: str, *, default: str | None, allowed: Callable[[str], bool] = lambda _: True, expected: str = ""
    ) -> str:
        """Return the text; without a default it is required."""
        value = self._values.get(name, default)
        if value is None:
            raise ImproperlyConfigured(f"{name} is not set: see docs/configuration.md.")
        if name in self and not allowed(value):
            raise _refused(name, value, expected)
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        if name not in self:
            return default
        value = self._values[name].lower()
        if value not in (*TRUE, *FALSE):
            raise _refused(name, value, "1 or 0")
        return value in TRUE

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        if name not in self:
            return default
        value = self._values[name]
        if not re.fullmatch(r"-?[0-9]{1,20}", value) or not least <= int(value) <= most:
            raise _refused(name, value, f"a whole number from {least} to {most}")
        return int(value)

    def names(
        self, name: str, *, default: Sequence[str], allowed: Callable[[str], bool], expected: str, secret: bool = False
    ) -> list[str]:
        """Return the values between commas."""
        if name not in self:
            return [*default]
        values = [each.strip() for each in self._values[name].split(",") if each.strip()]
        for value in values:
            if not allowed(value):
                raise _refused(name, "" if secret else value, f"{expected}, with commas between several")
        return values

    def folder(self, name: str, *, default: Path) -> Path:
        path = Path(self._values.get(name, default))
        if any(each.exists() and not each.is_dir() for each in (path, *path.parents)):
            raise _refused(name, str(path), "a folder")
        return path

    def store(self, name: str, *, default: str, password: str = "") -> str:
        """Return the address of a store, DATABASE_URL or MONGODB_URL. password: that of its user where it has none."""
        if name not in self:
            return default
        address = self._address(name, *STORES[name], password)
        try:
            _parse_store(address)
        except (ValueError, psycopg.Error, PyMongoError):
            raise ImproperlyConfigured(
                f"{name} cannot be used: after its ? stands an option that is unknown or has no such value."
            ) from None
        return address

    def database(self, name: str, *, default: str, password: str) -> dict[str, Any]:
        """Return Django's settings of the database at this address."""
        return dict(environ.Env.db_url_config(self.store(name, default=default, password=password)))

    def email(self, name: str, *, default: str | None, password: str) -> dict[str, Any]:
        """Return Django's settings of the mail server at this address."""
        url = self._address(name, *EMAIL, password) if name in self else self.text(name, default=default)
        return dict(environ.Env.email_url_config(url))

    def _address(self, name: str, pattern: str, example: str, password: str) -> str:
        value = self._values[name]
        found = re.fullmatch(pattern, value)
        user = (found and found["user"]) or ""
        if not found or "\N{REPLACEMENT CHARACTER}" in unquote(user):
            raise ImproperlyConfigured(
                f"{name} is not of the form {example}: name every part, and percent-encode the characters "
                "/ : @ ? # [ ] % and blanks in user name and password (/ is %2F)."
            )
        # The libraries read + as a blank, as forms do; in a password it is a plus.
        complete = user.replace("+", "%2B")
        if user and ":" not in user and password:
            complete += f":{quote(password, safe='')}"
        return value.replace(f"//{user}@", f"//{complete}@", 1)


def _parse_store(address: str) -> None:
    """Have the store's own library read the address, without looking up hosts."""
    if address.startswith("postgres"):
        conninfo_to_dict(address)
    else:
        parse_uri(address.replace("mongodb+srv:", "mongodb:", 1))


def _refused(name: str, value: str, expected: str) -> ImproperlyConfigured:
    shown = value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"
    return ImproperlyConfigured(
        f"{name} is {shown!r}: set it to {expected}." if value else f"Set {name} to {expected}."
    )


def listen_host() -> str:
    return Env().text("HOST", default="127.0.0.1", allowed=is_address, expected="a host name or an address")


def as_url_host(host: str) -> str:
    """IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def web_processes() -> int:
    return Env().number("WEB_CONCURRENCY", default=2, least=1, most=256)


def is_local() -> bool:
    """Whether this is a machine of one's own: LOCAL, or so long as no DATABASE_URL is set."""
    env = Env()
    return env.flag("LOCAL", default="DATABASE_URL" not in env)


def refuse_unsafe(
    *,
    local: bool,
    debug: bool,
    secret: str,
    hosts: Sequence[str],
    embedded: Mapping[str, bool],
) -> None:
    """Raise ImproperlyConfigured where visitors would be served by what is meant for a machine of one's own.

    embedded: of each address of a store, by its variable, whether it is the embedded server's.
    """
    if debug and not (local and all(_is_this_machine(host) for host in hosts)):
        raise ImproperlyConfigured("DEBUG shows visitors the code and the settings: unset it, or ALLOWED_HOSTS.")
    if local:
        return
    for variable, is_embedded in embedded.items():
        if is_embedded:
            raise ImproperlyConfigured(
                f"{variable} leads to the embedded server, which is for a machine of one's own: set it, or LOCAL=1."
            )
    if not is_strong_secret(secret):
        raise ImproperlyConfigured(
            f"SECRET_KEY can be guessed: give the server a random value of at least {SHORTEST_SECRET} characters."
        )
    if not hosts or "*" in hosts:
        raise ImproperlyConfigured("ALLOWED_HOSTS does not name the site: set it to the host names it answers to.")


def is_strong_secret(secret: str) -> bool:
    long_enough = len(secret) >= SHORTEST_SECRET and len(set(secret)) >= FEWEST_CHARACTERS
    return long_enough and not secret.startswith(MADE_BY_STARTPROJECT)


def limits(given: str, defaults: Mapping[str, int]) -> dict[str, int]:
    """The defaults with what RATE_LIMITS gives in their place ("search=600"), or "off" for none; 0 is no limit."""
    if given.lower() in ("off", "0"):
        return dict.fromkeys(defaults, 0)
    found = dict(defaults)
    for each in given.split(",") if given else ():
        name, _, number = each.strip().partition("=")
        if name not in defaults or not re.fullmatch("[0-9]{1,9}", number):
            raise ImproperlyConfigured(f'RATE_LIMITS is not "off" or such as {",".join(f"{n}=30" for n in defaults)}.')
        found[name] = int(number)
    return found


def is_host(text: str) -> bool:
    """A host name or address, without scheme and port; IPv6 in brackets."""
    return bool(re.fullmatch(rf"{HOST_NAME}|{IPV6}", text))


def is_address(text: str) -> bool:
    """A host name or an address to listen on; IPv6 without brackets."""
    try:
        return ip_address(text) is not None
    except ValueError:
        return ":" not in text and is_host(text)


def is_allowed_host(text: str) -> bool:
    return text == "*" or is_host(text.removeprefix("."))


def is_origin(text: str) -> bool:
    return bool(re.fullmatch(rf"https?://(?:\*\.)?(?:{HOST_NAME}|{IPV6}){PORT}?", text))


def is_site(text: str) -> bool:
    return bool(re.fullmatch(rf"https?://(?:{HOST_NAME}|{IPV6}){PORT}?(?:/[^\s?#@]*)?", text))


def is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_time_zone(text: str) -> bool:
    """A zone whose days PostgreSQL and Python tell alike."""
    return text in available_timezones().difference(NOT_ALIKE)


def is_sender(text: str) -> bool:
    """One mail address, alone or as "Shop <shop@shop.example>"."""
    addresses = getaddresses([text])
    try:
        validate_email(addresses[0][1])
    except ValidationError:
        return False
    return len(addresses) == 1 and text.isprintable()


def _is_this_machine(host: str) -> bool:
    name = host.strip("[]").removeprefix(".")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
