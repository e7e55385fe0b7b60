"""The published description: OpenAPI 3.1, complete, and true."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from config.api.problems import KINDS
from tests.api import contract
from tests.api.keys import BASE, ApiClient
from tests.config.processes import database_url
from tests.factories import ProductFactory
from tests.web.server import Server

# Of each operation; `python -m tests.api.contract --examples 1000` is the long run.
EXAMPLES = 100


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
def test_every_answer_is_as_described(place, mirror, tmp_path):
    for number in range(3):
        place(ProductFactory(sku=f"SKU/{number}"))
    key = ApiClient().text

    with Server(tmp_path / "web.log", DATABASE_URL=database_url()) as server:
        done = contract.ask(server.port, key, examples=EXAMPLES)

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def described():
    return Client().get(f"{BASE}/openapi.json").json()


def test_every_operation_says_what_it_takes_gives_and_refuses():
    schema = described()
    operations = {
        f"{method} {path}": operation for path, some in schema["paths"].items() for method, operation in some.items()
    }

    assert schema["openapi"].startswith("3.1")
    assert len(operations) >= 8
    for name, operation in operations.items():
        assert operation["security"], name
        assert operation["summary"], name
        assert operation["description"], name
        assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys(), name
        success = [status for status in operation["responses"] if status.startswith("2")]
        assert len(success) == 1, name
        for status, response in operation["responses"].items():
            if status not in (*success, "414"):
                assert list(response["content"]) == ["application/problem+json"], (name, status)
        assert "example" in json.dumps(operation) + json.dumps(schema["components"]), name


def test_the_docs_page_is_shown_without_a_key_under_the_policy():
    page = Client().get(f"{BASE}/docs")

    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert [each for each in loaded if not each.startswith("/")] == []
    assert loaded != []
    assert not page.cookies


def test_every_kind_of_problem_has_a_status_and_a_title():
    for status, title in KINDS.values():
        assert 400 <= status < 600
        assert title
