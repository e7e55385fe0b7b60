"""The image's steps and compose.yaml's services on namespaces: python -m tests.deploy.replay in short.

The packages are those installed already; everything else is as the Dockerfile and compose.yaml have it.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

import pytest

from tests.config.processes import database_url
from tests.deploy import compose, image, replay
from tests.deploy.door import door
from tests.deploy.services import VARIABLES, Services


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return image.build(tmp_path_factory.mktemp("image"), is_fresh=False)


@pytest.fixture
def services(built, tmp_path, transactional_db, mirror):
    with (
        door(database_url()) as url,
        Services(built, tmp_path, database_url=url, mongodb_url=os.environ["MONGODB_URL"]) as services,
    ):
        yield services


def test_the_image_holds_the_product_and_nothing_else(built):
    assert list(replay.complaints(built)) == []
    assert any((built.root / "app/staticfiles").rglob("*.css.gz"))
    assert any((built.root / "app/orders/__pycache__").glob("services.*.pyc"))
    assert built.environment["PATH"].startswith("/venv/bin:")

    (built.root / "app/orders/gcc").touch()
    (built.root / "app/.env").touch()
    (built.root / "venv/secret").touch()
    (built.root / "venv/secret").chmod(0o4757)
    told = "\n".join(replay.complaints(built))
    for file in ("app/orders/gcc", "app/.env", "venv/secret"):
        assert file in told
        (built.root / file).unlink()


def test_every_service_works_confined_and_stops_in_time(services, built):
    before = replay.state(built)
    web, relay = services.all["web"], services.all["relay"]

    replay.run_once(services, "migrate")
    replay.start_all(services)
    replay.look_at_the_shop(services)

    # Who it is, what it may do, where it may write.
    told = web.container.run(["sh", "-c", "id -u; grep -E 'NoNewPrivs|CapBnd|CapEff' /proc/self/status"]).stdout
    assert "NoNewPrivs:\t1" in told
    if os.getuid() == 0:
        assert told.startswith("10001\n")
        assert told.count("\t0000000000000000") == 2
    for path in ("/app/x", "/venv/x", "/etc/x", "/x"):
        assert web.container.run(["touch", path]).returncode != 0, path
    assert web.container.run(["sh", "-c", "touch /media/x /tmp/x && rm /media/x /tmp/x"]).returncode == 0

    # A loop that hangs is found out, and one that goes on again is.
    assert relay.process
    relay.process.send_signal(signal.SIGSTOP)
    beat = relay.container.volumes["/tmp"] / "heartbeat"
    os.utime(beat, (time.time() - 180, time.time() - 180))
    assert not relay.is_healthy()
    relay.process.send_signal(signal.SIGCONT)
    relay.wait(until_healthy=True)

    replay.stop_all(services)
    assert replay.state(built) == before
    assert not list(web.container.volumes["/tmp"].iterdir()), "the web leaves nothing behind"


def test_without_what_has_to_be_set_it_does_not_start(built, tmp_path):
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        with pytest.raises(compose.Missing, match=name):
            compose.load({key: value for key, value in VARIABLES.items() if key != name})

    services = Services(built, tmp_path, database_url="", mongodb_url="")
    service = services.all["web"]
    unset = {**service.container.environment, "SECRET_KEY": ""}
    refused = replace(service.container, environment=unset).run(service.command)
    assert refused.returncode != 0
    assert "SECRET_KEY" in refused.stdout
