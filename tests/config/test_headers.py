"""What browsers are told comes with every answer, whoever makes it."""

import pytest
from django.test import Client

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=60; includeSubDomains; preload",
}
POLICY = ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'self'")

# Each with the status that it is answered with.
ANSWERS = [
    ("GET", "/", {}, 200),
    ("GET", "/account/", {}, 302),
    ("GET", "/nowhere/", {}, 404),
    ("GET", "/cart/add/", {}, 405),
    ("POST", "/cart/add/", {}, 403),
    ("GET", "/", {"host": "evil.example"}, 400),
    ("GET", "/search/", {}, 500),
    ("GET", "/static/css/shop.css", {}, 200),
    ("GET", "/healthz", {"host": "10.0.0.7"}, 200),
    ("GET", "/readyz", {}, 200),
    ("GET", "/metrics", {}, 200),
    ("GET", "/api/v1/products", {}, 401),
    ("GET", "/api/v1/nowhere", {}, 404),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "path", "headers", "status"), ANSWERS)
def test_every_answer_says_how_it_is_to_be_treated(settings, monkeypatch, mirror, method, path, headers, status):
    settings.SECURE_HSTS_SECONDS = 60
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.WHITENOISE_USE_FINDERS = True
    monkeypatch.setattr("catalog.views.search_text", None)  # a bug
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)

    answer = client.generic(method, path, secure=True, headers=headers)
    answer.close()

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    policy = answer.headers["Content-Security-Policy"]
    assert [rule for rule in POLICY if rule not in policy] == []
    assert len(answer.headers["X-Request-Id"]) == 32


@pytest.mark.django_db(transaction=True)
def test_orchestrators_are_answered_over_http_and_visitors_sent_to_https(settings, mirror):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()

    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
    assert client.get("/")["Location"] == "https://testserver/"
    assert client.get("/healthzz").status_code == 301
