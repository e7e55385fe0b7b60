"""The sign of life of processes that serve no port."""

import os
from threading import Thread
from typing import Any

import pytest

from catalog.product_work import Importer
from config import heartbeat
from history.mirror.relay import Relay
from history.webhooks.deliverer import Deliverer
from orders.mails import Sender
from tests.config.processes import wait_until


def test_the_file_is_as_young_as_the_last_beat(tmp_path, monkeypatch):
    file = tmp_path / "heartbeat"
    monkeypatch.setenv("HEARTBEAT_FILE", str(file))
    heartbeat.beat()
    os.utime(file, (1, 1))

    heartbeat.beat()

    assert file.stat().st_mtime > 1


def test_without_a_file_and_without_its_folder_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("HEARTBEAT_FILE", raising=False)
    heartbeat.beat()
    monkeypatch.setenv("HEARTBEAT_FILE", str(tmp_path / "gone/heartbeat"))

    heartbeat.beat()

    assert not list(tmp_path.iterdir())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [Relay, Sender, Importer, Deliverer])
def test_every_loop_beats_while_it_has_nothing_to_do(tmp_path, monkeypatch, mirror, kind):
    file = tmp_path / "heartbeat"
    monkeypatch.setenv("HEARTBEAT_FILE", str(file))
    process: Any = kind()
    thread = Thread(target=process.run)
    thread.start()

    try:
        assert wait_until(file.exists)
        os.utime(file, (1, 1))
        assert wait_until(lambda: file.stat().st_mtime > 1)
    finally:
        process.stop()
        thread.join(20)
    assert not thread.is_alive()
