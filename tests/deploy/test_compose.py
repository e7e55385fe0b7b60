"""What compose.yaml has to say of every service; its schema is checked in `make check`."""

from __future__ import annotations

import re
import runpy
import subprocess

import pytest
from django.core.management import get_commands
from pymongo.uri_parser import parse_uri

from tests.config.test_settings import documented
from tests.deploy import compose
from tests.deploy.services import VARIABLES

READ = compose.load(VARIABLES)
SERVICES = READ["services"]
OURS = compose.of_the_image(READ)
ONCE = {"migrate", "backup"}  # they end
OUTSIDE = {"web", "mail", "hooks"}  # who has to reach others, or to be reached


def test_what_runs_is_what_the_readme_names():
    assert set(SERVICES) == {"postgres", "mongodb", "migrate", "web", "relay", "mail", "import", "hooks", "backup"}
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
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")
    assert "/tmp" in compose.mounts(service)
    # The image says its own user; the stores' images would begin as root.
    assert name in OURS or service["user"] not in ("", "root", "0")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_it_is(name):
    service = SERVICES[name]
    health = service.get("healthcheck")

    if name in ONCE:
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
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "MONGODB_PASSWORD"):
        with pytest.raises(compose.Missing, match=name):
            compose.load({**VARIABLES, name: ""})


def test_it_is_for_visitors_unless_the_demo_is_asked_for():
    demo = compose.load(VARIABLES, "compose.demo.yaml")["services"]

    assert {service["environment"]["LOCAL"] for service in OURS.values()} == {"0"}
    assert demo.keys() == OURS.keys()
    for name, service in demo.items():
        assert service.keys() == {"environment"}
        assert service["environment"]["LOCAL"] == "1"
        assert service["environment"].keys() < OURS[name]["environment"].keys()


def test_every_documented_setting_is_passed_on():
    given = {name: f"value-of-{name}" for name in documented()}
    fixed = {"LOCAL", "HOST", "PORT", "DATA_DIR", "MEDIA_ROOT", "STATIC_ROOT", "HEARTBEAT_FILE"}
    named_otherwise = {"DATABASE_URL", "MONGODB_URL", "DATABASE_PASSWORD"}

    for name, service in compose.of_the_image(compose.load(VARIABLES | given)).items():
        passed = service["environment"]
        assert passed.keys() == documented(), name
        others = documented() - fixed - named_otherwise
        assert {each: passed[each] for each in others} == {each: given[each] for each in others}


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_settings_of_every_service_can_be_used(monkeypatch, name):
    for variable in documented():
        monkeypatch.delenv(variable, raising=False)
    odd = {"POSTGRES_PASSWORD": "p@/:?#%+", "MONGODB_PASSWORD": "m@/:?#%+"}
    for variable, value in compose.of_the_image(compose.load(VARIABLES | odd))[name]["environment"].items():
        monkeypatch.setenv(variable, value)

    found = runpy.run_path(str(compose.ROOT / "config/settings.py"))

    assert found["DATABASES"]["default"]["PASSWORD"] == odd["POSTGRES_PASSWORD"]
    assert parse_uri(found["MONGODB_URL"])["password"] == odd["MONGODB_PASSWORD"]
    assert found["LOCAL"] is False


def test_mongodb_lets_nobody_in_without_a_password():
    mongodb = SERVICES["mongodb"]
    start, check = mongodb["command"][-1], mongodb["healthcheck"]["test"][-1]

    assert {"MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD"} <= mongodb["environment"].keys()
    assert "umask 077" in start
    assert "exec docker-entrypoint.sh mongod --replSet shop --keyFile $key" in start
    key = re.search(r"^key=(\S+)$", start, re.MULTILINE)[1]
    assert any(key.startswith(f"{mount}/") for mount in compose.mounts(mongodb))
    assert "rs.initiate" in check
    assert "createUser" in check
    assert VARIABLES["MONGODB_ROOT_PASSWORD"] not in start + check


def test_the_key_file_is_made_once_and_is_mongodbs_alone(tmp_path):
    start = SERVICES["mongodb"]["command"][-1].replace("/data/configdb", str(tmp_path)).replace("exec docker", "# ")
    for _ in range(2):
        subprocess.run(["bash", "-ec", start], check=True)
        made = (tmp_path / "key").read_bytes()

    assert 6 <= len(made) <= 1024
    assert re.fullmatch(rb"[A-Za-z0-9+/=]+", made)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    subprocess.run(["bash", "-ec", start], check=True)
    assert (tmp_path / "key").read_bytes() == made


def test_the_backup_goes_into_a_volume_of_its_own():
    backup = OURS["backup"]

    assert backup["profiles"] == ["backup"]
    assert "/backup" in compose.mounts(backup)
    assert "postgresql-client-17" in (compose.ROOT / "Dockerfile").read_text()
    assert SERVICES["postgres"]["image"].startswith("postgres:17-")
    assert all(path.startswith("/backup/") for path in backup["command"] if path.startswith("/"))


def test_only_the_migration_has_to_own_the_tables():
    roles = {
        "WEB_DATABASE_URL": "postgresql://shop_web@postgres/shop",
        "WEB_DATABASE_PASSWORD": "w",
        "RELAY_DATABASE_URL": "postgresql://r@postgres/shop",
        "RELAY_DATABASE_PASSWORD": "r",
    }

    for variables, owners in ((VARIABLES, set(OURS)), (VARIABLES | roles, {"migrate", "backup"})):
        services = compose.of_the_image(compose.load(variables))
        environments = {name: service["environment"] for name, service in services.items()}
        for name, environment in environments.items():
            is_owner = environment["DATABASE_URL"] == "postgresql://shop@postgres:5432/shop"
            assert is_owner is (name in owners)
            assert (environment["DATABASE_PASSWORD"] == VARIABLES["POSTGRES_PASSWORD"]) is is_owner


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
