"""What `make run` says and decides, and one start of it as far as a broken address lets it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.conf import settings

from config import run, terminal
from config.embedded import lock
from tests.config.processes import ROOT, database_url, wait_until
from tests.factories import UserFactory


class HTTPServer6(HTTPServer):
    address_family = socket.AF_INET6


def product(tmp_path, **variables):
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "MONGODB_URL", "PORT")}
    return subprocess.run(
        [sys.executable, "-m", "config.run"],
        env=kept | {"DATA_DIR": str(tmp_path)} | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_free_port_is_taken_as_it_is(capsys):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]

    assert terminal.free_port(free) == free
    assert capsys.readouterr().out == ""


def test_the_next_port_is_taken_when_one_is_busy_and_that_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]

        chosen = terminal.free_port(busy)

    assert busy < chosen <= busy + terminal.PORTS_TRIED
    assert capsys.readouterr().out == f"port {busy} is busy: using {chosen}\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost"])
def test_the_addresses_are_told_wherever_the_shop_listens(monkeypatch, capsys, host):
    monkeypatch.setenv("HOST", host)
    port = terminal.free_port(20_000 + os.getpid() % 9_000, host)
    with (HTTPServer6 if ":" in host else HTTPServer)((host, port), BaseHTTPRequestHandler) as listening:
        thread = threading.Thread(target=listening.handle_request)
        thread.start()

        run.announce(port, has_demo=False)
        thread.join()

    assert f"http://localhost:{port}/" in capsys.readouterr().out


def test_an_address_of_another_machine_is_named():
    with pytest.raises(terminal.PortError, match=r"of 192\.0\.2\.1 can be used: .* HOST"):
        terminal.free_port(8000, "192.0.2.1")


@pytest.mark.parametrize("wanted", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused_in_one_sentence(tmp_path, wanted):
    result = product(tmp_path, PORT=wanted)

    assert result.returncode == 1
    assert result.stderr == f"Configuration: PORT is {wanted!r}: set it to a whole number from 1 to 65535.\n"


@pytest.mark.parametrize("has_demo", [True, False])
def test_the_box_names_the_addresses_and_the_accounts_that_there_are(has_demo):
    lines = terminal.box(8123, has_demo=has_demo).splitlines()

    text = "\n".join(lines)
    assert len({len(line) for line in lines}) == 1
    for part in ("http://localhost:8123/", "/admin/", "/reports/"):
        assert part in text
    for part in ("demo-shop-2024", *terminal.DEMO_ACCOUNTS.values()):
        assert (part in text) == has_demo


@pytest.mark.django_db(transaction=True)
def test_the_demo_accounts_are_told_where_they_are():
    assert not terminal.has_demo(database_url())

    for email in terminal.DEMO_ACCOUNTS.values():
        UserFactory(email=email)

    assert terminal.has_demo(database_url())


def test_a_step_says_how_long_it_took(capsys):
    with terminal.step("databases ready"):
        pass

    assert re.fullmatch(r"databases ready \d+\.\d s\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "address"),
    [("DATABASE_URL", "postgresql://shop@127.0.0.1:1/shop"), ("MONGODB_URL", "mongodb://127.0.0.1:1/shop")],
)
def test_a_server_that_is_down_is_one_sentence_with_the_next_step(tmp_path, name, address):
    working = {key: os.environ[key] for key in ("DATABASE_URL", "MONGODB_URL")}

    result = product(tmp_path, **(working | {name: address}))

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"{name} is set, but that server cannot be used (")
    assert result.stderr.endswith(f"start it, or unset {name}.\n")


@pytest.mark.parametrize(
    ("secret", "told"), [("", "SECRET_KEY is not set"), ("a-long-secret" * 5, "EMAIL_URL is not set")]
)
def test_what_is_missing_elsewhere_is_one_sentence(tmp_path, secret, told):
    working = {key: os.environ[key] for key in ("DATABASE_URL", "MONGODB_URL")}

    result = product(tmp_path, **working, LOCAL="0", SECRET_KEY=secret, ALLOWED_HOSTS="shop.example")

    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_empty_addresses_count_as_not_set(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.delenv("MONGODB_URL")

    env = run.environment(8000, tmp_path)

    assert "DATABASE_URL" not in env
    assert env["DATA_DIR"] == str(tmp_path)
    assert env["OWNER_PID"] == str(os.getpid())


def test_a_tethered_process_ends_with_its_owner():
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    part = subprocess.Popen(
        [sys.executable, "-c", "import time; from config import tether; tether.start(); time.sleep(60)"],
        env=os.environ | {"OWNER_PID": str(owner.pid)},
        cwd=ROOT,
    )
    assert not wait_until(lambda: part.poll() is not None, seconds=0.5)

    owner.kill()
    owner.wait()

    assert wait_until(lambda: part.poll() is not None, seconds=5)
    assert part.returncode == -signal.SIGTERM


def test_every_app_of_ours_stands_in_the_import_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {app.strip() for layer in contracts["contracts"][0]["layers"] for app in layer.split("|")}
    ours = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}

    assert (ours - {"config"}) | {"core"} == layers
    assert layers | {"config"} == set(contracts["root_packages"])


def test_databases_that_are_running_already_are_one_sentence(tmp_path):
    holder = lock.claim(tmp_path)

    result = product(tmp_path)

    os.close(holder)
    assert result.returncode == 1
    assert result.stderr.startswith(f"The databases in {tmp_path} are already running (process {os.getpid()});")
    assert result.stderr.count("\n") == 1
