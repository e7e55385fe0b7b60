"""Every documented setting refuses what it cannot use, in one sentence that names it and shows no password."""

from __future__ import annotations

import os
import re
import runpy
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pymongo.uri_parser import parse_uri

from core.dates import retained_since
from tests.config.processes import ROOT
from tests.config.test_environment import PRODUCTION, SECRET

NOT_A_NUMBER = ("-1", "99999999999999999999", "many", "1.5", "NaN", "1e3", "0x10", "1_0", "٣", "inf", "None")
NUMBERS = {
    "TRUSTED_PROXIES": (0, 10),
    "SECURE_HSTS_SECONDS": (0, 315_360_000),
    "LOW_STOCK": (0, 1_000_000),
    "ARCHIVE_AFTER_DAYS": (0, 24_855),
    "ACTIVITY_LOG_DAYS": (0, 24_855),
    "MIRROR_STATE_DAYS": (0, 24_855),
    "FEED_DAYS": (0, 24_855),
    "PORT": (1, 65_535),
    "WEB_CONCURRENCY": (1, 256),
    "WEB_THREADS": (1, 256),
    "DATABASE_POOL_SIZE": (1, 1_000),
    "FEED_WAITERS": (0, 1_000),
    "MONGODB_READ_TIMEOUT_MS": (1, 3_600_000),
    "MONGODB_WRITE_TIMEOUT_MS": (1, 3_600_000),
    "MONGODB_CONNECT_TIMEOUT_MS": (1, 3_600_000),
}
NOT_A_FLAG = ("ture", "2", "-1", "NaN", "0.0", "si")
FLAGS = {"LOCAL", "DEBUG", "BEHIND_TLS_PROXY", "SECURE_SSL_REDIRECT", "REQUIRE_STAFF_MFA"}
NOT_AN_ADDRESS = ("ture", "-1", "0", "NaN", "postgres", "http://host/shop", "//host/shop")
# Userinfo as people paste it, and what libraries would make of it.
PASSWORDS = (
    "hid/den",
    "hid@den",
    "hid%den",
    "hid:den",
    "hid?den",
    "hid#den",
    "hid den",
    "1234/hidden",
    "1?hidden",
    "%2",
)
ADDRESSES = {
    "DATABASE_URL": [
        *NOT_AN_ADDRESS,
        *("postgresql://shop@host", "postgresql://shop@host/", "postgresql://shop@host:port/shop", "mysql://h/shop"),
        *("postgresql://shop@host:0/shop", "postgresql://shop@host:70000/shop", "postgresql://h/shop/more"),
        *("postgresql://host/shop?conn_max_age=60", "postgresql://host/shop?pool=1", "postgresql://host/shop?sslmode"),
        *(f"postgresql://shop:{password}@host:5432/shop" for password in PASSWORDS),
    ],
    "MONGODB_URL": [
        *NOT_AN_ADDRESS,
        *(
            "mongodb://host",
            "mongodb://host/",
            "mongodb://host/?replicaSet=rs0",
            "mongodb:///shop",
            "mongodb://u@/shop",
        ),
        *("mongodb://host:port/shop", "mongodb://a,b:99999/shop", "mongodb://host/sh.op", "mongodb+srv://"),
        *("mongodb://host/shop?journal=maybe", "mongodb://host/shop?authMechanism=X", "mongodb+srv://host/shop?size=5"),
        *("mongodb://a,b/shop?directConnection=true", "mongodb://host/a%20b", f"mongodb://host/{64 * 'n'}"),
        *(f"mongodb://shop:{password}@host,other:27018/shop?w=majority" for password in PASSWORDS),
    ],
    "EMAIL_URL": [
        *NOT_AN_ADDRESS,
        *("smtp://", "smtp+tsl://host", "smtp://host:mail", "smtp://host:0", "filemail://", "consolemail"),
        *(f"smtp+tls://shop:{password}@host:587" for password in PASSWORDS),
    ],
    "SITE_URL": [*NOT_AN_ADDRESS[:5], "shop.example", "ftp://shop.example", "https://", "https://a b", "https://h:0"],
}
OTHERS = {
    "TIME_ZONE": ["Mars/Olympus", "-1", "NaN", "1.5", "../UTC", "Europe", "localtime", "CET", "right/UTC", "x" * 9000],
    "CURRENCY": ["XYZ", "KWD", "eur", "EURO", "€", "-1", "0", "NaN", "EU", "EUR,USD"],
    "ALLOWED_HOSTS": ["https://shop.example", "shop.example:8000", "shop.example/x", "a b", "::1", "a,,https://b"],
    "CSRF_TRUSTED_ORIGINS": ["shop.example", "https://shop.example/", "*", "https://a,b"],
    "WEBHOOK_NETWORKS": ["10.0.0.1/8", "10.0.0.0/33", "internal", "-1", "10.0.0.0/8,x", "NaN"],
    "RATE_LIMITS": ["on", "-1", "search", "search=-1", "search=1.5", "search=NaN", "search=99999999999", "find=1"],
    "DEFAULT_FROM_EMAIL": ["shop", "-1", "NaN", "a@b@c", "Shop <shop>", "a@shop.example, b@shop.example", "a@b..c"],
    "HOST": ["0.0.0.0:80", "http://host", "a b", "[::1]", "unix:/tmp/x"],
    "SECRET_KEY": ["0", "-1", "NaN", "short", "ab" * 40],
    "SECRET_KEY_FALLBACKS": ["hidden", f"{SECRET},hidden"],
    "DATA_DIR": ["/dev/null", "/dev/null/x"],
    "MEDIA_ROOT": ["/dev/null", "/dev/null/x"],
    "STATIC_ROOT": ["/dev/null", "/dev/null/x"],
}
# Any text may be one.
FREE = {"METRICS_TOKEN", "HEARTBEAT_FILE", "DATABASE_PASSWORD", "MONGODB_PASSWORD", "EMAIL_PASSWORD"}
# Read by `make run` alone, in the same way.
RUN = {"DEMO"}
BAD = (
    [(name, value) for name in NUMBERS for value in NOT_A_NUMBER]
    + [(name, str(least - 1)) for name, (least, _) in NUMBERS.items()]
    + [(name, str(most + 1)) for name, (_, most) in NUMBERS.items()]
    + [(name, value) for name in sorted(FLAGS) for value in NOT_A_FLAG]
    + [(name, value) for name, values in (ADDRESSES | OTHERS).items() for value in values]
)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    """What settings and the web server's configuration are with these variables, beside those of production."""
    for name in documented():
        monkeypatch.delenv(name, raising=False)
    for name, value in (PRODUCTION | variables).items():
        monkeypatch.setenv(name, value)
    found = runpy.run_path(str(ROOT / "config/settings.py"))
    try:
        web = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    except SystemExit as ended:
        raise ImproperlyConfigured(ended.code) from ended
    values = {name: web[name] for name in ("bind", "workers", "threads")}
    return values | {name: value for name, value in found.items() if name.isupper() and name != "LOGGING"}


def documented() -> set[str]:
    cells = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def test_every_documented_setting_is_tried():
    assert documented() == NUMBERS.keys() | FLAGS | ADDRESSES.keys() | OTHERS.keys() | FREE | RUN


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_cannot_be_used_is_refused_in_one_sentence(monkeypatch, name, value):
    with pytest.raises(ImproperlyConfigured) as refused:
        load(monkeypatch, **{name: value})

    sentence = str(refused.value)
    assert name in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "hid" not in sentence
    assert name not in NUMBERS or ("from" in sentence and value[:20] in sentence)


@pytest.mark.parametrize("blank", ["", "   "])
def test_a_blank_setting_counts_as_not_set(monkeypatch, blank):
    given = load(monkeypatch)

    assert load(monkeypatch, **dict.fromkeys(documented() - PRODUCTION.keys(), blank)) == given
    for name in ("SECRET_KEY", "DATABASE_URL", "MONGODB_URL", "EMAIL_URL", "ALLOWED_HOSTS"):
        with pytest.raises(ImproperlyConfigured, match=name):
            load(monkeypatch, **{name: blank})


@pytest.mark.parametrize("name", NUMBERS)
def test_both_ends_of_a_range_are_taken(monkeypatch, name):
    for value in NUMBERS[name]:
        assert str(value) in str(load(monkeypatch, **{name: str(value)}))


@pytest.mark.parametrize("password", ["a+b=c", "a%2Fb%40c%25", "päss", "!$&'()*,;~._-"])
def test_a_percent_encoded_password_arrives(monkeypatch, password):
    plain = password.replace("%2F", "/").replace("%40", "@").replace("%25", "%")
    found = load(
        monkeypatch,
        DATABASE_URL=f"postgresql://shop:{password}@host/shop",
        EMAIL_URL=f"smtp+tls://shop:{password}@mail:587",
    )

    assert found["DATABASES"]["default"]["PASSWORD"] == plain
    assert found["EMAIL_HOST_PASSWORD"] == plain


def test_a_password_of_its_own_is_not_encoded(monkeypatch):
    odd = "a+b/c@d%e:f#g h"
    found = load(
        monkeypatch,
        DATABASE_URL="postgresql://shop@host/shop",
        DATABASE_PASSWORD=odd,
        MONGODB_URL="mongodb://shop@host/shop?w=majority",
        MONGODB_PASSWORD=odd,
        EMAIL_URL="smtp+tls://shop@mail:587",
        EMAIL_PASSWORD=odd,
    )

    assert found["DATABASES"]["default"]["PASSWORD"] == found["EMAIL_HOST_PASSWORD"] == odd
    assert parse_uri(found["MONGODB_URL"])["password"] == odd
    stated = load(monkeypatch, DATABASE_URL="postgresql://shop:stated@host/shop", DATABASE_PASSWORD=odd)
    assert stated["DATABASES"]["default"]["PASSWORD"] == "stated"


def test_usual_values_are_taken(monkeypatch):
    found = load(
        monkeypatch,
        DATABASE_URL="postgres://shop:x@[::1]:5433/shop?sslmode=require",
        MONGODB_URL="mongodb+srv://shop:x@cluster.example/shop?w=majority",
        ALLOWED_HOSTS="shop.example, .shop.example,[::1]",
        CSRF_TRUSTED_ORIGINS="https://shop.example:8443,https://*.shop.example",
        WEBHOOK_NETWORKS="10.1.2.0/24,fd00::/8",
        DEFAULT_FROM_EMAIL="The Shop <shop@shop.example>",
        SITE_URL="https://shop.example/",
        RATE_LIMITS="search=5, export=0",
        SECURE_SSL_REDIRECT="OFF",
        CURRENCY="JPY",
        TIME_ZONE="America/St_Johns",
        SECRET_KEY_FALLBACKS=f"{SECRET[::-1]}",
        HOST="::",
        SECRET_KEY="$" + SECRET,
    )

    assert found["ALLOWED_HOSTS"] == ["shop.example", ".shop.example", "[::1]"]
    assert found["RATE_LIMITS"] == {"search": 5, "checkout": 30, "export": 0, "sessions": 60}
    assert (found["SITE_URL"], found["SECURE_SSL_REDIRECT"]) == ("https://shop.example", False)
    assert found["SECRET_KEY"].startswith("$")
    assert load(monkeypatch, DATABASE_URL=os.environ["DATABASE_URL"], EMAIL_URL="consolemail://")


def test_zero_days_keep_for_ever(now):
    assert retained_since(0, at=now).year == 1
    assert (now - retained_since(30, at=now)).days == 30
