"""Files that are more, or larger, than they say: nothing but pixels comes through, and only into its folder."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.security import asking, pictures
from tests.security.sending import File, form_with, send
from tests.security.visitor import Answer

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

PICTURE = re.compile(r"/media/products/[0-9a-f]{32}-large\.webp")
KEPT = re.compile(r"[0-9a-f]{32}-(large|small)\.webp")
REFUSED = {
    "GIF and script": File("a.gif", pictures.GIF, "image/gif"),
    "GIF called JPEG": File("a.jpg", pictures.GIF),
    "SVG": File("a.svg", pictures.SVG, "image/svg+xml"),
    "SVG called PNG": File("a.png", pictures.SVG, "image/png"),
    "HTML called JPEG": File("a.jpg", b"<html>" + pictures.SCRIPT),
    "PHP": File("a.php", b"<?php system($_GET[0]); ?>"),
    "half a PNG": File("a.png", pictures.encoded()[:40]),
    "huge by its own words": File("a.png", pictures.claiming(60_000, 60_000)),
    "huge indeed": File("a.png", pictures.bomb()),
    "nothing": File("a.png", b"\x89PNG\r\n\x1a\n"),
    "a name alone": File("a.png", b""),
}
TAKEN = {
    "PNG and HTML": File("a.html", pictures.encoded() + pictures.SCRIPT, "text/html"),
    "JPEG and script": File("a.js", pictures.encoded("JPEG") + pictures.SCRIPT),
    "a way up": File("../../../../evil.png", pictures.encoded()),
    "a way from the root": File("/etc/cron.d/evil", pictures.encoded()),
    "a way of Windows": File("..\\..\\evil.png", pictures.encoded()),
    "lines": File("a\r\nX-Injected: 1\r\n\r\n.png", pictures.encoded()),
    "a long name": File("x" * 300 + ".png", pictures.encoded()),
}


@pytest.fixture(scope="module")
def folder(scratch) -> Path:
    return Path(scratch.environment["MEDIA_ROOT"])


@pytest.fixture
def page(scratch) -> str:
    return f"/admin/catalog/product/{scratch.samples['product_id']}/change/"


def upload(scratch, page: str, file: File) -> tuple[Answer, float]:
    boss = scratch.visitor("a superuser")
    form = form_with(boss.get(page), page, {"picture": ""})
    began = time.perf_counter()
    return send(boss, form, picture=file), time.perf_counter() - began


def kept(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_picture_is_refused(scratch, page, folder, what):
    before = kept(folder)

    answer, seconds = upload(scratch, page, REFUSED[what])

    assert answer.status in (200, 422)
    assert 'class="errorlist"' in answer.text
    assert asking.wrong(answer) == ""
    assert seconds < asking.allowed(scratch)
    assert kept(folder) == before


@pytest.mark.parametrize("what", TAKEN)
def test_nothing_but_pixels_comes_through(scratch, page, folder, what):
    before = kept(folder)

    answer, seconds = upload(scratch, page, TAKEN[what])

    assert answer.status == 302, answer.text
    assert seconds < asking.allowed(scratch)
    # The one before has gone.
    assert kept(folder) != before
    assert len(kept(folder)) == len(before)
    assert all(KEPT.fullmatch(name.removeprefix("products/")) for name in kept(folder))
    # Guests may be shown for a moment what others were.
    page = scratch.visitor("the owner").get(f"/p/{scratch.samples['slug']}/")
    [address] = set(PICTURE.findall(page.text))
    picture = scratch.visitor().get(address)
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/webp")
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert picture.body[:4] == b"RIFF"
    assert b"script" not in picture.body
    assert b"Injected" not in picture.body


def test_nothing_lies_outside_of_the_folder(scratch, folder):
    home = folder.parent

    assert list(home.rglob("*evil*")) == []
    assert not Path("/etc/cron.d/evil").exists()


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/passwd", "..\\evil.csv", "a\r\nX-Injected: 1.csv", "x" * 300])
def test_the_name_of_a_price_list_is_only_a_name(scratch, name):
    boss = scratch.visitor("a superuser")
    where = "/admin/catalog/product/import/"
    form = form_with(boss.get(where), where, {"file": ""})

    answer = send(boss, form, file=File(name, b"sku,name,price\nX,x,1.00\n", "text/csv"))
    shown = boss.get(answer.location)

    assert answer.status == 302
    assert asking.wrong(answer) == asking.wrong(shown) == ""
    [(kept,)] = scratch.rows("SELECT name FROM product_sheets ORDER BY sheet_id DESC LIMIT 1")
    assert "/" not in kept
    assert len(kept) <= 200
