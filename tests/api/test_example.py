"""The client of the documentation does what it says, and the documentation names every kind of problem."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.api.problems import KINDS
from config.api.scopes import SCOPES
from tests.api.keys import ApiClient
from tests.config.processes import ROOT, database_url
from tests.factories import ProductFactory, UserFactory
from tests.web.server import Server


@pytest.mark.django_db(transaction=True)
def test_the_example_places_an_order_takes_it_on_and_reads_its_history(tmp_path):
    ProductFactory(sku="MUG-BLUE")
    customer = UserFactory()
    key = ApiClient("orders:read", "orders:write", "status:write", name="Warehouse").text

    with Server(tmp_path / "web.log", DATABASE_URL=database_url()) as server:
        done = subprocess.run(
            [sys.executable, ROOT / "docs" / "examples" / "warehouse.py", customer.email, "MUG-BLUE"],
            env=os.environ | {"SHOP_URL": f"http://127.0.0.1:{server.port}", "SHOP_KEY": key},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "pending, 10.00 USD" in lines[0]
    assert lines[1].startswith("step-not-allowed: ")
    assert lines[1].endswith("Allowed: paid, cancelled")
    assert [line.split(",")[0] for line in lines[2:]] == [
        "1. pending by API key Warehouse",
        "2. paid by API key Warehouse",
        "3. shipped by API key Warehouse",
    ]


def test_the_documentation_names_every_problem_and_every_scope():
    told = (ROOT / "docs" / "api.md").read_text()

    for kind, (status, _) in KINDS.items():
        assert f"| `{kind}` | {status} |" in told
    for scope in SCOPES:
        assert f"| `{scope}` |" in told
