"""What compose.yaml has to say of every service; its schema is checked in `make check`."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from tests.deploy import compose
from tests.deploy.services import VARIABLES

READ = compose.load(VARIABLES)
SERVICES = READ["services"]
OURS = compose.of_the_image(READ)
OUTSIDE = {"web", "mail", "hooks"}  # who has to reach others, or to be reached


def test_what_runs_is_what_the_readme_names():
    assert set(SERVICES) == {"postgres", "mongodb", "migrate", "web", "relay", "mail", "import", "hooks"}
    for name, service in OURS.items():
        if command := service.get("command"):
            assert command[:2] == ["python", "manage.py"], name
            assert command[2] in get_commands(), name


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert "/tmp" in compose.mounts(service)
    # The image says its own user; the stores' images would begin as root.
    assert name in OURS or service["user"] not in ("", "root", "0")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_it_is(name):
    service = SERVICES[name]
    health = service.get("healthcheck")

    if name == "migrate":
        assert health == {"disable": True}
    elif name == "web":
        assert health is None, "the image's own asks /healthz"
    else:
        assert health["test"][0] in ("CMD", "CMD-SHELL")
        assert compose.seconds(health["timeout"]) <= compose.seconds(health["interval"]) * 3
        assert health["retries"] <= 20


def test_nobody_starts_before_what_it_needs():
    for name, service in OURS.items():
        needs = {each: condition["condition"] for each, condition in service["depends_on"].items()}
        if name == "migrate":
            assert needs == dict.fromkeys(compose.STORES, "service_healthy")
        else:
            assert needs == {"migrate": "service_completed_successfully"}


def test_only_the_web_listens_and_only_on_this_machine():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports == {"web": ["127.0.0.1:8000:8000"]}
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == OUTSIDE
    assert READ["networks"]["stores"] == {"internal": True}


def test_data_lies_in_volumes_that_have_names():
    named = {each.split(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])}

    assert named == set(READ["volumes"])
    assert "/var/lib/postgresql/data" in compose.mounts(SERVICES["postgres"])
    assert "/data/db" in compose.mounts(SERVICES["mongodb"])


def test_images_are_named_by_their_tag_and_secrets_come_from_outside():
    for name, service in SERVICES.items():
        assert ":" in service["image"], name
    assert "replicaSet=shop" in OURS["web"]["environment"]["MONGODB_URL"]
    assert SERVICES["mongodb"]["command"][1:3] == ["--replSet", "shop"]
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        with pytest.raises(compose.Missing, match=name):
            compose.load({**VARIABLES, name: ""})


def test_only_the_migration_has_to_own_the_tables():
    roles = {
        "WEB_DATABASE_URL": "postgresql://shop_web:w@postgres/shop",
        "RELAY_DATABASE_URL": "postgresql://r@postgres/shop",
    }

    for variables, owners in ((VARIABLES, set(OURS)), (VARIABLES | roles, {"migrate"})):
        services = compose.of_the_image(compose.load(variables))
        addresses = {name: service["environment"]["DATABASE_URL"] for name, service in services.items()}
        assert {
            name for name, address in addresses.items() if address == "postgresql://shop:replayed@postgres:5432/shop"
        } == owners


def test_the_web_ends_its_pages_before_it_is_killed():
    limits = re.search(r"^graceful_timeout = (\d+)$", (compose.ROOT / "gunicorn.conf.py").read_text(), re.MULTILINE)

    assert int(limits[1]) < compose.seconds(OURS["web"]["stop_grace_period"])


def test_variables_are_put_in_as_compose_does():
    put_in = compose._put_in

    assert put_in("a${B:-c}d", {}) == "acd"
    assert put_in("a${B:-c}d", {"B": "x"}) == "axd"
    assert put_in(["${A:-x${B:-y}}"], {"B": ""}) == ["xy"]
    assert put_in({"k": "$$HOME $$(x)"}, {}) == {"k": "$HOME $(x)"}
    assert put_in(1.5, {}) == 1.5
