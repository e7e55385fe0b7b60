"""Where it would not be safe nothing starts, and one sentence says why; in production nothing is warned of."""

import json
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from tests.config.processes import ROOT

SECRET = "Zk3vQ8wLr1xT6yB9nM4cJ7hG2fD5sA0pEoIuYtReWqXzVbNmKj"
SAFE = {
    "local": False,
    "debug": False,
    "secret": SECRET,
    "hosts": ["shop.example"],
    "embedded": {"DATABASE_URL": False},
}
PRODUCTION = {
    "LOCAL": "0",
    "DATABASE_URL": "postgresql://shop@db.internal/shop",
    "MONGODB_URL": "mongodb://mongo.internal/shop?replicaSet=rs0&w=majority&journal=true",
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "shop.example",
    "BEHIND_TLS_PROXY": "1",
    "TRUSTED_PROXIES": "1",
    "EMAIL_URL": "smtp+tls://shop:secret@mail.internal:587",
}
# What Django says in production, and what it made of the settings.
LOOK = """
import json, django
django.setup()
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
call_command("check", deploy=True, fail_level="WARNING")
from django.contrib.messages.storage import default_storage
from django.utils.module_loading import import_string
cookies = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME]
cookies.append(import_string(settings.MESSAGE_STORAGE).storage_classes[0].cookie_name)
secure = [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.LANGUAGE_COOKIE_SECURE]
print(json.dumps({"cookies": cookies, "secure": secure, "hash": make_password("a password")[:9]}))
"""


def start(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = kept | {"DJANGO_SETTINGS_MODULE": "config.settings", "PORT": "8000"} | variables
    command = (sys.executable, *command)
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("unsafe", "told"),
    [
        ({"debug": True}, "DEBUG shows"),
        ({"debug": True, "local": True}, "DEBUG shows"),
        ({"debug": True, "local": True, "hosts": ["localhost", "*"]}, "DEBUG shows"),
        ({"secret": "short"}, "SECRET_KEY can be guessed"),
        ({"secret": "ab" * 40}, "SECRET_KEY can be guessed"),
        ({"secret": "django-insecure-" + SECRET}, "SECRET_KEY can be guessed"),
        ({"embedded": {"DATABASE_URL": False, "MONGODB_URL": True}}, "MONGODB_URL leads to the embedded server"),
        ({"hosts": []}, "ALLOWED_HOSTS does not name"),
        ({"hosts": ["*"]}, "ALLOWED_HOSTS does not name"),
    ],
)
def test_what_is_not_safe_is_refused(unsafe, told):
    environment.refuse_unsafe(**SAFE)

    with pytest.raises(ImproperlyConfigured, match=told):
        environment.refuse_unsafe(**(SAFE | unsafe))


def test_a_machine_of_ones_own_may_do_what_it_likes():
    hosts = ["localhost", "shop.localhost", "127.0.0.1", "[::1]"]

    environment.refuse_unsafe(local=True, debug=True, secret="short", hosts=hosts, embedded={"DATABASE_URL": True})


def test_limits_are_given_by_name_and_nothing_else():
    known = {"search": 300, "checkout": 30}

    assert environment.limits("", known) == known
    assert environment.limits("search=5", known) == {"search": 5, "checkout": 30}
    assert environment.limits("0", known) == environment.limits("OFF", known) == {"search": 0, "checkout": 0}
    assert environment.limits("off", known) == {"search": 0, "checkout": 0}
    for wrong in ("off,search=5", "serach=5", "search=-1", "search", "search=1.5"):
        with pytest.raises(ImproperlyConfigured, match="such as search=30,checkout=30"):
            environment.limits(wrong, known)


@pytest.mark.parametrize(
    ("command", "variables", "told"),
    [
        (["manage.py", "check"], {"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        (["manage.py", "check"], {"DATABASE_POOL_SIZE": "eight"}, "'eight': set it to a whole number from 1 to 1000."),
        (["manage.py", "relay"], {"MONGODB_URL": "", "RATE_LIMITS": ""}, "MONGODB_URL"),
        (["-m", "gunicorn", "-c", "gunicorn.conf.py"], {"DEBUG": "1"}, "DEBUG shows"),
        (["-m", "gunicorn", "-c", "gunicorn.conf.py"], {"FEED_DAYS": "x"}, "FEED_DAYS is 'x'"),
        (["-m", "config.serve"], {"WEB_CONCURRENCY": "many"}, "WEB_CONCURRENCY is 'many'"),
        (["-m", "config.serve"], {"WEB_CONCURRENCY": "-1"}, "WEB_CONCURRENCY is '-1'"),
        (["-m", "config.serve"], {"DEBUG": "1", "WEB_CONCURRENCY": ""}, "DEBUG shows"),
        (["-m", "config.run"], {"LOW_STOCK": "few"}, "LOW_STOCK is 'few'"),
        (["-m", "config.run"], {"DEMO": "maybe"}, "DEMO is 'maybe'"),
        (["-m", "config.run"], {"DATABASE_URL": "postgresql://shop:hid/den@h/shop"}, "DATABASE_URL is not of the form"),
    ],
)
def test_no_process_starts_with_them_and_none_shows_its_code(command, variables, told):
    given = {name: value for name, value in (PRODUCTION | variables).items() if value}

    ended = start(*command, **given)

    assert ended.returncode != 0
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("Configuration: ")]
    assert told in line
    assert "Traceback" not in ended.stderr + ended.stdout
    assert "hid" not in ended.stderr + ended.stdout


def test_why_postgresql_cannot_be_used_is_told():
    ended = start("manage.py", "migrate", **PRODUCTION | {"DATABASE_URL": "postgresql://shop@127.0.0.1:1/shop"})

    [line] = ended.stderr.splitlines()
    assert "port 1 failed: Connection refused" in line
    assert line.endswith("or set DATABASE_URL to one that runs.")


def test_with_production_settings_nothing_is_left_to_warn_of():
    looked = start("-c", LOOK, **PRODUCTION)

    assert looked.returncode == 0, looked.stderr
    found = json.loads(looked.stdout.splitlines()[-1])
    assert all(name.startswith("__Host-") for name in found["cookies"])
    assert all(found["secure"])
    assert found["hash"] == "argon2$ar"


def test_what_protects_visitors_and_is_off_is_warned_of():
    off = {"TRUSTED_PROXIES": "0", "RATE_LIMITS": "off", "REQUIRE_STAFF_MFA": "0", "EMAIL_URL": "consolemail://"}

    checked = start("manage.py", "check", "--deploy", "--fail-level", "WARNING", **(PRODUCTION | off))

    assert checked.returncode != 0
    for number in (1, 2, 3, 5):
        assert f"config.W{number:03}" in checked.stderr
