"""`python -m tests.deploy.replay`: the Dockerfile's steps and compose.yaml's services, without a container engine.

Builds the image in a clean folder with packages from the net, looks at what is in it, migrates an empty database with
it, fills it with the demo shop, starts every service as compose.yaml confines it, asks the shop, stops them, and tells
what each step took. --keep leaves the folder. tests/deploy/test_replay.py is the short form, with the packages that
are installed already.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tests.deploy import container, image, packages
from tests.deploy.door import door
from tests.deploy.image import Image
from tests.deploy.services import STATIC, Services

APP = {
    "manage.py", "gunicorn.conf.py", "core", "config", "users", "catalog", "orders", "history",
    "templates", "static", "locale", "staticfiles",
}  # fmt: skip
# Programs that build or install something, or come with the tests.
TOOLS = {
    "gcc", "cc", "g++", "clang", "make", "ld", "cargo", "rustc", "go",
    "pip", "pip3", "uv", "git", "pytest", "ruff", "mypy",
}  # fmt: skip
SOURCES = {".c", ".h", ".o", ".a", ".whl"}
# Seconds: what an engine gives a container between SIGTERM and SIGKILL unless it is told otherwise.
STOPS_WITHIN = 10.0


def complaints(built: Image) -> Iterator[str]:
    """What is in an image that should not be, and what is missing."""
    app = {path.name for path in (built.root / "app").iterdir()}
    if app != APP:
        yield f"/app holds {sorted(app ^ APP)} too much or too little"
    if (has := packages.installed(built.root / "venv")) != packages.pinned():
        yield f"/venv holds {sorted(set(has.items()) ^ set(packages.pinned().items()))} too much or too little"
    for name in files(built):
        path, mode = PurePosixPath(name), (built.root / name).lstat().st_mode
        if path.name in TOOLS or (path.suffix in SOURCES and "site-packages" not in name):
            yield f"/{name} builds or installs"
        if {".git", ".env", "tests", "requirements.txt"} & set(path.parts[:2]):
            yield f"/{name} is none of the product"
        if mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"/{name} runs with its owner's rights"
        if mode & stat.S_IWOTH and not stat.S_ISLNK(mode):
            yield f"/{name} may be written by anybody"


def files(built: Image) -> Iterator[str]:
    """The names below the root of what came from the image's own steps."""
    for top in (top for top in built.root.iterdir() if top.name not in container.MOUNTED):
        for folder, _, names in os.walk(top):
            yield from (os.path.relpath(folder, built.root) + "/" + name for name in names)


def state(built: Image) -> dict[str, tuple[int, int]]:
    """By each file its size and time, to see whether anything was written."""
    found = {name: os.lstat(built.root / name) for name in files(built)}
    return {name: (each.st_size, each.st_mtime_ns) for name, each in found.items()}


def look_at_the_shop(services: Services) -> None:
    """Ask a running web what its proxy, its monitoring and a visitor ask."""
    status, _, body = services.get("/readyz")
    assert status == 200, body
    assert b'"mongodb": "ok"' in body, body
    status, headers, page = services.get("/account/login/")
    assert status == 200, headers
    assert "strict-transport-security" in headers, headers
    style = STATIC.search(page.decode())
    assert style, "the sign-in page has no style sheet"
    status, headers, body = services.get(style[1], **{"Accept-Encoding": "gzip"})
    assert (status, headers.get("content-encoding")) == (200, "gzip"), headers
    assert "immutable" in headers["cache-control"], headers
    assert len(gzip.decompress(body)) > len(body)
    assert services.get("/metrics", Authorization="Bearer replayed")[0] == 200


def run_once(services: Services, name: str, *command: str) -> str:
    """Run a service's command, or another one in its place, to its end and return what it said."""
    service = services.all[name]
    done = service.container.run(command or service.command, timeout=300)
    assert done.returncode == 0, f"{name}: {done.stdout}"
    return done.stdout


def start_all(services: Services) -> None:
    for service in services.lasting:
        service.start()
    for service in services.lasting:
        service.wait(until_healthy=True)


def stop_all(services: Services) -> dict[str, float]:
    """Stop every service; returns the seconds that each took."""
    took = {}
    for service in services.lasting:
        code, took[service.name] = service.end()
        assert code == 0, f"{service.name} ended with {code}: {service.said[-3000:]}"
        assert took[service.name] < STOPS_WITHIN
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--keep", action="store_true", help="Leave the folder of the image.")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="user-order-system-image-"))
    try:
        _replay(folder)
    finally:
        if options.keep:
            print(f"kept in {folder}")
        else:
            shutil.rmtree(folder)


def _replay(folder: Path) -> None:
    from tests.faults.servers import Servers

    with _told("image built"):
        built = image.build(folder, is_fresh=True)
    told = list(complaints(built))
    assert not told, "\n".join(told)
    for part in ("venv", "app"):
        print(f"  /{part}: {_megabytes(built.root / part):,.0f} MB")
    with Servers() as servers, door(servers.postgres.url) as database_url:
        services = Services(built, folder, database_url=database_url, mongodb_url=os.environ["MONGODB_URL"])
        with services:
            _run(services)


def _run(services: Services) -> None:
    with _told("migrated"):
        run_once(services, "migrate")
    with _told("demo shop"):
        run_once(services, "web", "python", "manage.py", "seed_demo")
    before = state(services.all["web"].image)
    with _told("all services healthy"):
        start_all(services)
    with _told("the shop asked"):
        look_at_the_shop(services)
    for service in services.lasting:
        print(f"  {service.name}: {_memory(service.process.pid) if service.process else 0:,.0f} MB")
    for name, seconds in stop_all(services).items():
        print(f"  {name} stopped in {seconds:.1f} s")
    assert state(services.all["web"].image) == before, "something was written into the image"
    print("replayed; nothing was written outside the volumes")


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what} in {time.monotonic() - began:.1f} s", flush=True)


def _megabytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def _memory(pid: int) -> float:
    """Of a process and its children, what is theirs alone and their part of what they share."""
    import psutil

    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(each.memory_full_info().pss for each in family) / 1e6


if __name__ == "__main__":
    sys.exit(main())
