"""The image's steps and compose.yaml's services on namespaces: python -m tests.deploy.replay in short.

The packages are those installed already; everything else is as the Dockerfile and compose.yaml have it.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import replace

import pytest

from tests.config.processes import database_url
from tests.deploy import compose, image, replay
from tests.deploy.door import door
from tests.deploy.services import VARIABLES, Services

# Seven processes begin and end; on a machine that has much else to do that takes its time.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    yield image.build(folder, is_fresh=False)
    shutil.rmtree(folder)


@pytest.fixture
def services(built, tmp_path, transactional_db, mirror):
    with (
        door(database_url()) as url,
        Services(built, tmp_path, database_url=url, mongodb_url=os.environ["MONGODB_URL"]) as services,
    ):
        yield services


def test_the_image_holds_the_product_and_nothing_else(built):
    assert any((built.root / "app/staticfiles").rglob("*.css.gz"))
    assert any((built.root / "app/orders/__pycache__").glob("services.*.pyc"))
    assert built.environment["PATH"].startswith("/venv/bin:")
    # What does not belong there, and would be found.
    planted = {
        "app/orders/gcc": 0o755,
        "app/.env": 0o644,
        "venv/bin/pip": 0o755,
        "venv/secret": 0o4755,
        "app/a.css": 0o666,
    }
    for name, mode in planted.items():
        (built.root / name).touch()
        (built.root / name).chmod(mode)

    told = list(replay.complaints(built))

    for name in planted:
        (built.root / name).unlink()
    about_app, *others = told
    assert about_app == "/app holds ['.env', 'a.css'] too much or too little"
    assert sorted(each.split()[0] for each in others) == sorted(f"/{name}" for name in planted)


def test_every_service_works_confined_and_stops_in_time(services, built):
    before = replay.state(built)
    web, relay = services.all["web"], services.all["relay"]

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
    service = services.all["relay"]
    unset = {**service.container.environment, "SECRET_KEY": ""}
    refused = replace(service.container, environment=unset).run(service.command)
    assert refused.returncode != 0
    assert "SECRET_KEY" in refused.stdout
