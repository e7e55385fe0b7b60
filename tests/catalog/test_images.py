"""Pictures of products: what may come in, what is kept of it, where it is shown, and when it goes."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from PIL import Image
from pytest_django.asserts import assertContains, assertNotContains

from catalog import images
from catalog.models import Product
from history.models import Event
from tests.catalog.test_admin import LIST, page_of, typed
from tests.factories import ProductFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """The folder of the files, "products" in it."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT / "products"


@pytest.fixture
def boss(client):
    client.force_login(StaffFactory())


def encoded(kind="JPEG", size=(300, 200), mode="RGB", colour="red", **options) -> bytes:
    file = BytesIO()
    Image.new(mode, size, colour).save(file, kind, **options)
    return file.getvalue()


def upload(content, name="photo.jpg", kind="image/jpeg"):
    return SimpleUploadedFile(name, content, kind)


def drawn(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is as large as that."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    chunks = [(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")]
    told = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


def archive() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("evil.html", "<script>alert(1)</script>")
    return file.getvalue()


def files(media: Path) -> list[str]:
    return sorted(path.name for path in media.iterdir()) if media.exists() else []


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (encoded("JPEG", (3000, 2000)), (1000, 667)),
        (encoded("JPEG", (600, 600), "CMYK", 0), (600, 600)),
        (encoded("PNG", (20, 10), "RGBA", (1, 2, 3, 100)), (20, 10)),
        (encoded("PNG", (1200, 30), "P", 0, transparency=0), (1000, 25)),
        (encoded("PNG", (9, 9), "1", 1), (9, 9)),
        (encoded("WEBP", (1, 1)), (1, 1)),
        (encoded("JPEG", (1, 20000)), (1, 1000)),
    ],
)
def test_a_picture_is_drawn_anew_in_two_sizes(content, size):
    picture = images.read(upload(content))

    large, small = drawn(picture.large), drawn(picture.small)
    assert (large.format, large.size) == ("WEBP", size)
    assert small.size == (min(400, *size),) * 2


def test_transparency_stays_and_a_held_camera_is_turned_upright():
    clear = drawn(images.read(upload(encoded("PNG", (40, 40), "RGBA", (0, 0, 0, 0)))).large)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    turned = drawn(images.read(upload(encoded("JPEG", (300, 200), exif=exif))).large)

    assert clear.getpixel((5, 5))[3] == 0
    assert turned.size == (200, 300)


def test_nothing_but_pixels_comes_through():
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    marked = encoded("JPEG", exif=exif, comment=b"SECRET COMMENT", icc_profile=b"SECRET PROFILE", xmp=b"SECRET XMP")
    polyglot = marked + b"<script>SECRET</script>" + archive()

    picture = images.read(upload(polyglot, "photo.html"))

    for content in (picture.large, picture.small):
        assert b"SECRET" not in content
        assert b"script" not in content
        assert not zipfile.is_zipfile(BytesIO(content))
        assert not {b"EXIF", b"ICCP", b"XMP "} & {content[at : at + 4] for at in range(len(content))}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "no JPEG, PNG or WebP"),
        (b"GIF89a" + bytes(50), "no JPEG, PNG or WebP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no JPEG, PNG or WebP"),
        (encoded("TIFF"), "no JPEG, PNG or WebP"),
        (encoded("BMP"), "no JPEG, PNG or WebP"),
        (archive(), "no JPEG, PNG or WebP"),
        (b"MZ\x90\x00 not a picture", "no JPEG, PNG or WebP"),
        (encoded()[:200], "or it is broken"),
        (encoded("PNG")[:60], "or it is broken"),
        (claiming(400, 400), "or it is broken"),
        (claiming(5001, 5000), "more than 25 megapixels"),
        (claiming(10_000, 10_000), "more than 25 megapixels"),
        (claiming(60_000, 60_000), "more than 25 megapixels"),
        (claiming(2**31 - 1, 2**31 - 1), "more than 25 megapixels"),
        (bytes(images.MOST_BYTES + 1), "larger than 10 MB"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(client, boss, media, content, told):
    product = ProductFactory(name="Lamp")

    page = client.post(page_of(product), typed(product, name="Renamed", picture=upload(content)))

    assertContains(page, told)
    assert Product.objects.get().name == "Lamp"
    assert files(media) == []


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what it leaves out
@pytest.mark.parametrize("kind", images.FORMATS)
def test_a_damaged_picture_is_a_picture_or_refused(kind):
    chance = random.Random(kind)
    picture = Image.effect_noise((60, 40), 80).convert("RGB")
    file = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 3
    picture.save(file, kind, exif=exif)
    refused = 0
    for _ in range(300):
        damaged = bytearray(file.getvalue())
        for _ in range(chance.randint(1, 12)):
            damaged[chance.randrange(min(len(damaged), chance.choice([60, 400, 10**6])))] = chance.randrange(256)
        try:
            images.read(upload(bytes(damaged[: chance.choice([None, None, len(damaged) // 2])])))
        except images.NotAPicture:
            refused += 1

    assert refused > 50


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/evil.jpg", "a\x00.php.jpg", "photo.svg", "x" * 300 + ".png", "CON"]
)
def test_the_name_of_a_file_counts_for_nothing(client, boss, media, name):
    product = ProductFactory()

    client.post(page_of(product), typed(product, picture=upload(encoded("PNG"), name, "text/html")))

    image = Product.objects.get().image
    assert files(media) == [f"{image}-large.webp", f"{image}-small.webp"]
    assert sum(path.is_file() for path in media.parent.parent.rglob("*")) == 2


def test_a_picture_is_added_replaced_and_removed(client, boss, media, django_capture_on_commit_callbacks):
    def change(**changes):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(page_of(product), typed(product, **changes))
        return Product.objects.get(pk=product.pk).image

    client.post(f"{LIST}add/", typed(Product(name="Lamp", sku="L-1", price=1, stock=1), picture=upload(encoded())))
    product = Product.objects.get()
    first = product.image
    assert files(media) == [f"{first}-large.webp", f"{first}-small.webp"]

    second = change(picture=upload(encoded()))
    assert second != first
    assert files(media) == [f"{second}-large.webp", f"{second}-small.webp"]
    assert [event.changes["image"] for event in Event.objects.filter(kind="changed")] == [[first, second]]

    assert change(name="Renamed") == second
    assert change(remove_picture="on") == ""
    assert files(media) == []


def test_what_is_not_committed_takes_no_picture_away(media):
    product = ProductFactory()
    images.replace(product, images.read(upload(encoded())))
    product.save()
    kept = files(media)

    with transaction.atomic():
        images.replace(product, None)
        product.save()
        transaction.set_rollback(True)

    assert files(media) == kept
    assert Product.objects.get().image == kept[0].removesuffix("-large.webp")


def test_a_deleted_product_takes_its_picture_along(client, boss, media, django_capture_on_commit_callbacks):
    product = ProductFactory()
    client.post(page_of(product), typed(product, picture=upload(encoded())))

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{LIST}{product.pk}/delete/", {"post": "yes"})

    assert not Product.objects.exists()
    assert files(media) == []


def test_a_storage_that_takes_nothing_is_said_and_the_rest_is_saved(client, boss, media):
    media.parent.write_text("a file where the folder should be")
    product = ProductFactory()

    page = client.post(page_of(product), typed(product, name="Renamed", picture=upload(encoded())), follow=True)

    assertContains(page, "The picture could not be stored")
    saved = Product.objects.get()
    assert (saved.name, saved.image) == ("Renamed", "")


def test_who_may_only_look_changes_no_picture(client, media):
    clerk = StaffFactory(is_superuser=False)
    clerk.user_permissions.set(
        clerk.user_permissions.model.objects.filter(codename="view_product", content_type__app_label="catalog")
    )
    client.force_login(clerk)
    product = ProductFactory()

    page = client.get(page_of(product))
    assertContains(page, 'width="200"')
    assertNotContains(page, 'type="file"')
    assert client.post(page_of(product), typed(product, picture=upload(encoded()))).status_code == 403
    assert files(media) == []


def test_a_picture_is_served_for_ever_and_as_nothing_else(client, media):
    product = ProductFactory()
    images.replace(product, images.read(upload(encoded())))
    product.save()

    for size in ("large", "small"):
        answer = client.get(f"/media/products/{product.image}-{size}.webp")
        assert drawn(b"".join(answer.streaming_content)).format == "WEBP"
        assert answer["Content-Type"] == "image/webp"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in answer["Cache-Control"]
        assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["products/" + "0" * 32 + "-large.webp", "../manage.py", "products/../../manage.py", "", "products/",
     "products/%2e%2e/%2e%2e/settings.py", "products/" + "0" * 32 + "-large.webp%00.html"],
)  # fmt: skip
def test_nothing_else_is_served(client, path):
    assert client.get(f"/media/{path}").status_code == 404


def test_pages_show_the_picture_and_the_drawn_one_without(client, place, now):
    lamp, plain = ProductFactory(name="Lamp"), ProductFactory(name="Plain", sku="P-1")
    images.replace(lamp, images.read(upload(encoded())))
    lamp.save()
    order = place(lamp, plain)
    small, large = (f'src="/media/products/{lamp.image}-{size}.webp"' for size in ("small", "large"))

    catalogue = client.get("/")
    assertContains(catalogue, small)
    assertContains(catalogue, 'src="/placeholder/P-1.svg"')
    assertContains(client.get(lamp.get_absolute_url()), large)
    client.post("/cart/add/", {"product": lamp.pk})
    assertContains(client.get("/cart/"), small)
    client.force_login(order.customer)
    for path in (f"/orders/{order.pk}/", f"/checkout/done/{order.pk}/"):
        page = client.get(path)
        assertContains(page, small)
        assertContains(page, 'src="/placeholder/P-1.svg"')
    client.force_login(StaffFactory())
    assertContains(client.get(LIST), small)


def test_more_items_need_no_more_queries(client, place, django_assert_max_num_queries):
    order = place(*ProductFactory.create_batch(12))
    client.force_login(order.customer)

    with django_assert_max_num_queries(8):
        client.get(f"/orders/{order.pk}/")
