"""What gunicorn.conf.py says to gunicorn."""

from __future__ import annotations

import runpy

import pytest

from tests.config.processes import ROOT


@pytest.mark.parametrize(
    ("host", "bind"),
    [
        ("", "127.0.0.1:8123"),
        ("0.0.0.0", "0.0.0.0:8123"),
        ("::1", "[::1]:8123"),
        ("shop.internal", "shop.internal:8123"),
    ],
)
def test_it_listens_where_host_and_port_say(monkeypatch, host, bind):
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("PORT", "8123")

    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    assert settings["bind"] == bind
    assert settings["worker_class"] == "gthread"
    # Neither a pool of connections nor a client of MongoDB survives a fork.
    assert settings["preload_app"] is False
