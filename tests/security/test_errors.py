"""Pages of errors tell nothing of how the shop is made, and no file is served that is not meant to be."""

from __future__ import annotations

import re

import pytest

from tests.security import asking

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

# Tables without which a page cannot be.
BROKEN = {"categories": "/c/nothing-like-this/", "products": "/search/?q=lamp", "users": "/orders/",
          "history_events": "/admin/history/event/", "api_keys": "/api/v1/products"}  # fmt: skip
VERSION = re.compile(
    rb"\d+\.\d+\.\d+|Python|Django|gunicorn|nginx|PostgreSQL \d|psycopg|MongoDB \d|relation \"", re.IGNORECASE
)
HIDDEN = [
    "/.git/config", "/.git/HEAD", "/.env", "/.venv/bin/python", "/manage.py", "/config/settings.py", "/compose.yaml",
    "/Dockerfile", "/pyproject.toml", "/requirements.txt", "/db.sqlite3", "/backup.sql", "/dump.sql.gz", "/index.php",
    "/settings.py~", "/.settings.py.swp", "/wp-login.php", "/phpinfo.php", "/server-status", "/debug/", "/__debug__/",
    "/.data/secret", "/media/", "/media/products/", "/static/", "/static/css/", "/static/.git/config", "/.DS_Store",
    "/.well-known/../manage.py", "/admin/doc/", "/actuator/env", "/metrics", "/api/v1/../../manage.py",
]  # fmt: skip
OUTSIDE = ["config/settings.py", "etc/passwd", "manage.py"]
WAYS_OUT = [
    "/static/../{0}", "/static/../../../../../../{0}", "/static/%2e%2e/{0}", "/static/..%2f{0}", "/static/..%5c{0}",
    "/static/....//{0}", "/static//{0}", "/static/%252e%252e/{0}", "/static/css/../../{0}", "/static/..%c0%af{0}",
    "/media/../{0}", "/media/products/../../{0}", "/media/products/%2e%2e%2f%2e%2e%2f{0}", "//{0}", "/static/%00{0}",
    "/static/../../{0}%00.css", "/media/products/{0}", "/static/file:///{0}", "/placeholder/../{0}",
]  # fmt: skip


def versions(body: bytes) -> list[bytes]:
    """What a page says of that, addresses of its files aside."""
    return VERSION.findall(re.sub(rb'"/static/[^"]*"', b"", body))


def test_a_broken_page_tells_nothing(shop):
    """Its table is away for a moment, as after a deployment that went wrong."""
    for table, path in BROKEN.items():
        asked = shop.client("all") if path.startswith("/api/") else shop.visitor("a superuser")
        shop.rows(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            answer = asked.get(path)
        finally:
            shop.rows(f"ALTER TABLE {table}_away RENAME TO {table}")

        assert answer.status in (500, 503), path
        assert not versions(answer.body)
        assert not asking.TOLD.search(answer.body)
        assert asked.get(path).status in (200, 404)


@pytest.mark.parametrize("who", ["", "a superuser"])
def test_pages_of_what_is_not_there_tell_nothing(shop, who):
    visitor = shop.visitor(who)
    answers = [
        visitor.get("/nowhere/at/all/"),
        visitor.get("/orders/999999999/"),
        visitor.get("/admin/nowhere/"),
        visitor.get("/api/v1/nowhere"),
        visitor.ask("POST", "/cart/add/", b"", {"Cookie": ""}),
        visitor.ask("DELETE", "/cart/"),
        visitor.ask("TRACE", "/"),
        visitor.get("/", Host="evil.example"),
        visitor.get("/reports/nothing/"),
    ]

    for answer in answers:
        assert answer.status >= 300
        assert not asking.TOLD.search(answer.body)
        assert not versions(answer.body)
        assert not re.search(r"\d", answer.headers.get("Server", ""))
        assert "X-Powered-By" not in answer.headers


@pytest.mark.parametrize("path", HIDDEN)
def test_a_file_that_is_not_for_visitors_is_not_there(shop, path):
    answer = shop.visitor().get(path)

    assert answer.status in (302, 400, 401, 403, 404), path
    assert answer.status != 302 or answer.location.startswith(("/admin/login/", "/account/login/"))


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_leads_out_of_the_folders_that_are_served(shop, way):
    for outside in OUTSIDE:
        answer = shop.visitor().get(way.format(outside))

        assert answer.status != 200 or answer.headers["Content-Type"] == "image/svg+xml"
        assert b"root:" not in answer.body
        assert b"SECRET_KEY" not in answer.body
